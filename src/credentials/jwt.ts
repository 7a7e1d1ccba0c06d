import { type CredentialType, defineCredential } from './contract.ts'
import { JwtAuthenticator } from './jwt/authenticator.ts'
import { inspectIssuers } from './jwt/inspect.ts'
import { buildIssuer } from './jwt/issuer.ts'
import { issuers } from './jwt/section.ts'

/**
 * JSON Web Tokens (RFC 7519) as bearer credentials. All `jwt:*` of a route are one source; a token finds its issuer by
 * its exact `iss`, which is a key to the policy and never an address to ask.
 */
export const jwt: CredentialType = defineCredential({
  type: 'jwt',
  section: { name: 'issuers', schema: issuers },
  variants: (section) => Object.keys(section),
  places: () => ['Authorization: Bearer'],
  inspect: (section, { problem }) => inspectIssuers(section, problem),
  create(section, building) {
    const built = Object.entries(section).map(([name, entry]) => {
      return [entry.issuer, buildIssuer(name, entry, building)] as const
    })
    return new JwtAuthenticator(new Map(built), building.outside)
  },
})
