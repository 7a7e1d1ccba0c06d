import { createVerifier } from 'fast-jwt'
import { AUDIENCE, build, ISSUER, outside, START } from '../../credentials/jwt/support.ts'
import { SKEW } from './forgeries/claims.ts'
import { faultOf } from './reference.ts'
import type { Smith } from './smith.ts'

/** What an implementation says of a token: whom it stands for, or null. */
export interface Verdicts {
  readonly postern: string | null
  readonly second: string | null
  /** The reference's fault; null when it finds none. */
  readonly fault: string | null
}

/** The three implementations, each with the smith's public key or secret and the same demands. */
export function judgesOf(smith: Smith): (token: string) => Promise<Verdicts> {
  const { algorithm, material, publicKey } = smith
  const pem = publicKey === null ? null : String(publicKey.export({ type: 'spki', format: 'pem' }))
  const secret = 'secret' in material ? material.secret : ''
  const at = outside()
  const { present } = build(
    {
      company: {
        issuer: ISSUER,
        audience: AUDIENCE,
        keys: pem === null ? { secret: '${SECRET}' } : { pem },
        algorithms: [algorithm],
        clockSkew: `${SKEW}s`,
      },
    },
    { secrets: { SECRET: secret }, at },
  )
  const verify = createVerifier({
    key: pem ?? secret,
    algorithms: [algorithm],
    allowedIss: ISSUER,
    allowedAud: AUDIENCE,
    requiredClaims: ['iss', 'aud', 'sub', 'exp'],
    clockTimestamp: START,
    clockTolerance: 1000 * SKEW,
  })
  const demands = { algorithm, material, issuer: ISSUER, audience: AUDIENCE, now: START, skew: 1000 * SKEW }
  return async (token) => {
    const found = await present(token)
    if (found.is === 'unavailable')
      throw new Error('a key of the policy is never unavailable', { cause: found })
    return {
      postern: found.is === 'accepted' ? found.principal.id : null,
      second: subjectOf(() => verify(token)),
      fault: faultOf(token, demands),
    }
  }
}

/** Whatever it throws, it does not accept. */
function subjectOf(verify: () => unknown): string | null {
  try {
    const { sub } = verify() as { sub: unknown }
    return typeof sub === 'string' ? sub : JSON.stringify(sub)
  } catch {
    return null
  }
}
