import * as z from 'zod'
import { duration, name, secret } from '../../schema/fields.ts'
import { Secret } from '../../schema/secret.ts'
import { ALGORITHMS } from './algorithms.ts'
import type { Jwk } from './jwk.ts'
import { faultOfUrl } from './location.ts'
import { isClaimName } from './principal.ts'

/** The `issuers` section of a policy. */

const file = z.strictObject({ file: z.string().min(1).meta({ description: 'Path of the file.' }) })

/** A reference as `secret` reads it; null when the text is meant as a value. */
function referenceIn(text: string, context: z.RefinementCtx): Secret | null {
  if (!text.startsWith('${')) return null
  const reading = secret.safeParse(text)
  if (reading.success) return reading.data
  context.addIssue({ code: 'custom', message: reading.error.issues[0]?.message ?? 'is not a reference' })
  return z.NEVER
}

/** A text that may stand in the policy itself, since it is no secret, or be given by reference. */
const textOrReference = z
  .union([z.string(), file], { error: 'is not a key: write the PEM text, "${NAME}" or { file: PATH }' })
  .transform((given, context): string | Secret =>
    typeof given === 'string' ? (referenceIn(given, context) ?? given) : new Secret(given),
  )

const jwkOrReference = z
  .union([z.string(), z.record(z.string(), z.unknown())], {
    error: 'is not a key: write the JWK as a mapping, "${NAME}" or { file: PATH }',
  })
  .transform((given, context): Jwk | Secret => {
    if (typeof given === 'string') {
      const reference = referenceIn(given, context)
      if (reference !== null) return reference
      context.addIssue({
        code: 'custom',
        message: 'is a text: write the JWK as a mapping, "${NAME}" or { file: PATH }',
      })
      return z.NEVER
    }
    const reading = file.safeParse(given)
    return reading.success ? new Secret(reading.data) : given
  })

/** What holds whatever is allowed; the rest is judged with `allow`. */
const anywhere = { http: true, private: true }

const url = z.string().superRefine((text, context) => {
  const fault = faultOfUrl(text, anywhere)
  if (fault !== null) context.addIssue({ code: 'custom', message: fault })
})

export const KEY_SOURCES = ['jwks', 'discovery', 'pem', 'jwk', 'secret'] as const

const keys = z
  .strictObject({
    jwks: url.optional().meta({ description: 'URL of a JWK Set (RFC 7517).' }),
    discovery: z
      .union([z.literal(true), url], {
        error: 'is not a place to discover from: write true, or the https URL of the discovery document',
      })
      .optional()
      .meta({
        description:
          '`true`: the key set is found through `/.well-known/openid-configuration` or `/.well-known/oauth-authorization-server` of the issuer. A URL: the discovery document itself, where it is served elsewhere.',
      }),
    pem: textOrReference.optional().meta({
      description: 'One public key or certificate in PEM: the text, `"${NAME}"` or `{ file: PATH }`.',
    }),
    jwk: jwkOrReference.optional().meta({
      description: 'A public JWK or JWK Set: a mapping, `"${NAME}"` or `{ file: PATH }`.',
    }),
    secret: secret.optional().meta({
      description:
        'The shared secret of HS256, HS384 and HS512, at least 32 bytes, by reference: `"${NAME}"` or `{ file: PATH }`. Its text is used as it is, not decoded.',
    }),
    allow: z
      .array(z.enum(['http', 'private'], { error: 'is not something to allow: write http or private' }))
      .optional()
      .meta({
        description:
          'What `jwks` and `discovery` may use beyond https to public addresses: `http`, and `private` for loopback, private and link-local addresses.',
      }),
  })
  .superRefine((given, context) => {
    const sources = KEY_SOURCES.filter((source) => given[source] !== undefined)
    if (sources.length !== 1) {
      const found = sources.length === 0 ? 'names no source of keys' : `names ${sources.join(' and ')}`
      context.addIssue({
        code: 'custom',
        message: `${found}: write exactly one of ${KEY_SOURCES.join(', ')}`,
      })
    } else if (given.allow !== undefined && given.jwks === undefined && given.discovery === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['allow'],
        message: 'allows what is never fetched: remove it, or use jwks or discovery',
      })
    }
  })

const claim = z.string().refine(isClaimName, {
  error:
    'is not a claim: write its name, or a JSON Pointer such as /realm_access/roles with ~0 for ~ and ~1 for /',
})

const claims = z.strictObject({
  id: claim
    .default('sub')
    .meta({ description: 'Who the principal is. A text that is not empty, else the token is refused.' }),
  email: claim.optional().meta({ description: 'Its e-mail address.' }),
  roles: claim.optional().meta({
    description:
      'Its roles: an array of texts, or one text with spaces between. Roles that the policy does not define are dropped.',
  }),
  permissions: claim
    .optional()
    .meta({ description: 'Permissions granted directly, beside those of the roles.' }),
  scopes: claim
    .optional()
    .meta({ description: 'Its scopes; without it `scope`, and where that is missing `scp`.' }),
  tenant: claim.optional().meta({ description: 'The tenant it belongs to.' }),
})

const NO_AUDIENCE = 'is not an audience: write a text or a list of at least one, none of them empty'

const MAX_SKEW = 300_000

const issuer = z.strictObject({
  issuer: z
    .string()
    .min(1, { error: 'is empty: write the `iss` value of the tokens' })
    .meta({ description: 'The `iss` value of its tokens, compared exactly: a trailing slash counts.' }),
  audience: z
    .union(
      [
        z.string().min(1, { error: NO_AUDIENCE }),
        z.array(z.string().min(1, { error: NO_AUDIENCE })).min(1, { error: NO_AUDIENCE }),
      ],
      { error: NO_AUDIENCE },
    )
    .transform((given): readonly string[] => (typeof given === 'string' ? [given] : given))
    .meta({ description: 'Audiences that are ours: one of them must stand in `aud`.' }),
  keys: keys.meta({ description: 'Where its keys come from: exactly one source.' }),
  algorithms: z
    .array(z.enum(ALGORITHMS, { error: `is not an algorithm: write one of ${ALGORITHMS.join(', ')}` }))
    .min(1, { error: 'is empty: write the algorithms that the issuer signs with, such as [RS256]' })
    .meta({
      description: 'Algorithms that its tokens may be signed with. A token never chooses beyond them.',
    }),
  maxAge: duration.optional().meta({
    description: 'Refuses tokens that were issued longer ago (`iat` is then required), or that live longer.',
  }),
  clockSkew: duration
    .refine((given) => given <= MAX_SKEW, { error: 'is too long: write 5m or less' })
    .prefault('30s')
    .meta({ description: 'By how much clocks may differ, 5m at most.' }),
  typ: z
    .string()
    .min(1, { error: 'is empty: write the type of the tokens, such as at+jwt' })
    .optional()
    .meta({
      description:
        'The `typ` that its tokens must carry, such as `at+jwt` (RFC 9068); `application/` may be left out and case does not count. Without it, tokens with no type, `JWT` or `at+jwt` are taken and no others.',
    }),
  claims: claims.prefault({}).meta({
    description:
      'Where its tokens say what. A name is a literal member at the top (`https://example.com/roles`); with a leading `/` it is a JSON Pointer (`/realm_access/roles`).',
  }),
})

export const issuers = z
  .record(name, issuer)
  .meta({ description: 'Issuers of JWTs, by the name that routes use: `jwt:NAME`.' })

export type IssuerEntry = z.output<typeof issuer>
export type IssuersSection = z.output<typeof issuers>
export type KeysEntry = IssuerEntry['keys']
