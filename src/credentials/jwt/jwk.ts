import { base64url } from 'jose'
import { ALGORITHM_KEYS, ALGORITHMS, type Algorithm } from './algorithms.ts'

/** A JSON Web Key (RFC 7517) as somebody wrote it. */
export type Jwk = Readonly<Record<string, unknown>>

/** Private or symmetric key material (RFC 7518 sections 6.2.2, 6.3.2 and 6.4; RFC 8037 section 2). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

export const isPrivate = (jwk: Jwk): boolean => PRIVATE.some((member) => Object.hasOwn(jwk, member))

const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
}

/** Least RSA modulus (RFC 7518 section 3.3), in bits. */
const RSA_BITS = 2048

/** What keeps `jwk` from being a public key that can verify, in words that fit behind its name; null when nothing does. */
export function faultOf(jwk: Jwk): string | null {
  const { kty } = jwk
  if (isPrivate(jwk)) return 'holds a private or secret key: give the public key only'
  const required = typeof kty === 'string' && Object.hasOwn(REQUIRED, kty) ? REQUIRED[kty] : undefined
  if (required === undefined) return 'is not a key of a known kind: `kty` must be RSA, EC or OKP'
  for (const member of required) {
    if (typeof jwk[member] !== 'string') return `lacks \`${member}\`, which a key of kind ${kty} has`
  }
  const { kid } = jwk
  if (kid !== undefined && typeof kid !== 'string') return 'has a `kid` that is not a text'
  if (jwk['use'] !== undefined && jwk['use'] !== 'sig')
    return 'is not meant for signatures: its `use` must be sig'
  if (kty === 'RSA' && bitsOf(jwk['n']) < RSA_BITS)
    return `is too weak: an RSA modulus has at least ${RSA_BITS} bits`
  return null
}

/** Bits of an RSA modulus; 0 for what is none. */
export function bitsOf(modulus: unknown): number {
  try {
    const bytes = base64url.decode(String(modulus))
    const first = bytes.findIndex((byte) => byte !== 0)
    return first < 0 ? 0 : (bytes.length - first) * 8 - Math.clz32(bytes[first] ?? 0) + 24
  } catch {
    return 0
  }
}

/** Whether a key of this form verifies signatures of `algorithm`, as far as its kind, curve and own `alg` say. */
export function fits(jwk: Jwk, algorithm: Algorithm): boolean {
  const { kty, crv } = ALGORITHM_KEYS[algorithm]
  return (
    jwk['kty'] === kty &&
    (crv === null || jwk['crv'] === crv) &&
    (jwk['alg'] === undefined || jwk['alg'] === algorithm)
  )
}

/** The algorithms that a key fits, for messages. */
export const algorithmsOf = (jwk: Jwk): readonly Algorithm[] => ALGORITHMS.filter((name) => fits(jwk, name))

/** The keys in a JWK or JWK Set (RFC 7517 section 5); null when it is neither. */
export function keysIn(value: unknown): readonly Jwk[] | null {
  if (!isObject(value)) return null
  if (!Array.isArray(value['keys'])) return typeof value['kty'] === 'string' ? [value] : null
  return value['keys'].every(isObject) ? value['keys'] : null
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
