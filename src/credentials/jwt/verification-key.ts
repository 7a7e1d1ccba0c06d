import { type CryptoKey, createLocalJWKSet, errors } from 'jose'
import { type Algorithm, isSymmetric } from './algorithms.ts'
import { bitsOf, faultOf, fits, type Jwk } from './jwk.ts'

/** One key of an issuer, imported once for every algorithm that it may verify. */
export interface VerificationKey {
  readonly kid: string | null
  /** What makes it this key and no other: its public members. Never its secret. */
  readonly identity: string
  readonly imported: ReadonlyMap<string, CryptoKey>
  /**
   * Bytes of its signatures where a runtime takes shorter ones, else null: an RSA signature is as long as the modulus
   * (RFC 8017 section 8.1.2 step 1), and OpenSSL takes one for PSS that lost its leading zero. Workers refuse it.
   */
  readonly signatureBytes: number | null
  /** Whether it has left the issuer's key set: what it verified counts no longer. */
  retired: boolean
}

/**
 * Imports a public key for those of the issuer's algorithms that it fits. jose decides whether `use`, `key_ops`, `alg`
 * and the curve permit it.
 *
 * @returns null when it fits none, or is not a public key that the runtime can read
 */
export async function importKey(jwk: Jwk, algorithms: readonly Algorithm[]): Promise<VerificationKey | null> {
  if (faultOf(jwk) !== null) return null
  const { kid, kty, crv, n, e, x, y, alg, use } = jwk
  // A set of one, since jose refuses to choose among several, and since one bad key must not spoil the others.
  const pick = createLocalJWKSet({ keys: [jwk as { kty: string }] })
  const imported = new Map<string, CryptoKey>()
  for (const algorithm of algorithms) {
    if (!fits(jwk, algorithm)) continue
    const key = await pick(typeof kid === 'string' ? { alg: algorithm, kid } : { alg: algorithm }).catch(
      notUsable,
    )
    if (key !== null) imported.set(algorithm, key)
  }
  if (imported.size === 0) return null
  const identity = JSON.stringify([kid, kty, crv, n, e, x, y, alg, use, jwk['key_ops']])
  const signatureBytes = kty === 'RSA' ? Math.ceil(bitsOf(n) / 8) : null
  return { kid: typeof kid === 'string' ? kid : null, identity, imported, signatureBytes, retired: false }
}

/** jose says what does not apply with its own errors; WebCrypto refuses bad key data with a DOMException or TypeError. */
function notUsable(error: unknown): null {
  if (error instanceof errors.JOSEError || error instanceof DOMException || error instanceof TypeError)
    return null
  throw error
}

/** Imports a shared secret, as the UTF-8 bytes of its text. Imported ahead it saves a third of each verification. */
export async function importSecret(
  secret: string,
  algorithms: readonly Algorithm[],
): Promise<VerificationKey> {
  const bytes = new TextEncoder().encode(secret)
  const imported = new Map<string, CryptoKey>()
  for (const algorithm of algorithms.filter(isSymmetric)) {
    const parameters = { name: 'HMAC', hash: `SHA-${algorithm.slice('HS'.length)}` }
    imported.set(algorithm, await crypto.subtle.importKey('raw', bytes, parameters, false, ['verify']))
  }
  return { kid: null, identity: 'secret', imported, signatureBytes: null, retired: false }
}
