import { createVerifier } from 'fast-jwt'
import { ALGORITHMS, type Algorithm, isSymmetric } from '../../../src/credentials/jwt/algorithms.ts'
import { AUDIENCE, build, ISSUER, START } from '../../credentials/jwt/support.ts'
import { SKEW } from './forgeries/claims.ts'
import type { Verdicts } from './judges.ts'
import type { Smith } from './smith.ts'

/**
 * An issuer whose key set holds one key for each algorithm of public keys, named after it. Both implementations find the
 * key by `kid`; the second one is told which algorithm goes with it, as Postern reads it from the key.
 */
export function ringJudges(smiths: readonly Smith[]): (token: string) => Promise<Omit<Verdicts, 'fault'>> {
  const keys = smiths.map(({ algorithm, publicKey }) => ({
    ...publicKey?.export({ format: 'jwk' }),
    kid: algorithm,
    alg: algorithm,
    use: 'sig',
  }))
  const algorithms: readonly Algorithm[] = ALGORITHMS.filter((algorithm) => !isSymmetric(algorithm))
  const { present } = build({
    company: {
      issuer: ISSUER,
      audience: AUDIENCE,
      keys: { jwk: { keys } },
      algorithms,
      clockSkew: `${SKEW}s`,
    },
  })
  const verifiers = new Map(
    smiths.map(({ algorithm, publicKey }) => [
      algorithm as string,
      createVerifier({
        key: String(publicKey?.export({ type: 'spki', format: 'pem' })),
        algorithms: [algorithm],
        allowedIss: ISSUER,
        allowedAud: AUDIENCE,
        requiredClaims: ['iss', 'aud', 'sub', 'exp'],
        clockTimestamp: START,
        clockTolerance: 1000 * SKEW,
      }),
    ]),
  )
  const second = (token: string): string | null => {
    const { kid } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as {
      kid: string
    }
    try {
      return (verifiers.get(kid)?.(token) as { sub: string } | undefined)?.sub ?? null
    } catch {
      return null
    }
  }
  return async (token) => {
    const found = await present(token)
    return { postern: found.is === 'accepted' ? found.principal.id : null, second: second(token) }
  }
}
