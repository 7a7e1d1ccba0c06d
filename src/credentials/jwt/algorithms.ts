/** The algorithms that an issuer may be given (RFC 7518 section 3.1, RFC 8037 section 3.1), each with its only key. */

export interface KeyForm {
  readonly kty: 'oct' | 'RSA' | 'EC' | 'OKP'
  readonly crv: string | null
}

const rsa = { kty: 'RSA', crv: null } as const
const hmac = { kty: 'oct', crv: null } as const

export const ALGORITHM_KEYS = {
  HS256: hmac,
  HS384: hmac,
  HS512: hmac,
  RS256: rsa,
  RS384: rsa,
  RS512: rsa,
  PS256: rsa,
  PS384: rsa,
  PS512: rsa,
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
} as const satisfies Record<string, KeyForm>

export type Algorithm = keyof typeof ALGORITHM_KEYS

export const ALGORITHMS = Object.keys(ALGORITHM_KEYS) as [Algorithm, ...Algorithm[]]

/** Whether the algorithm signs with a shared secret, so that whoever verifies can also sign. */
export const isSymmetric = (algorithm: Algorithm): boolean => ALGORITHM_KEYS[algorithm].kty === 'oct'
