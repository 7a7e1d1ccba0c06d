import { base64url, type CryptoKey } from 'jose'
import type { Algorithm } from './algorithms.ts'

type Scheme = Parameters<typeof crypto.subtle.verify>[0]

/**
 * What WebCrypto is told of each algorithm beside the key (RFC 7518 section 3.1, RFC 8037 section 3.1): a key of RSA or
 * HMAC has its hash in it since it was imported. A salt is as long as the hash (RFC 7518 section 3.5).
 */
const SCHEMES = {
  HS256: { name: 'HMAC' },
  HS384: { name: 'HMAC' },
  HS512: { name: 'HMAC' },
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
  RS384: { name: 'RSASSA-PKCS1-v1_5' },
  RS512: { name: 'RSASSA-PKCS1-v1_5' },
  PS256: { name: 'RSA-PSS', saltLength: 32 },
  PS384: { name: 'RSA-PSS', saltLength: 48 },
  PS512: { name: 'RSA-PSS', saltLength: 64 },
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  ES384: { name: 'ECDSA', hash: 'SHA-384' },
  ES512: { name: 'ECDSA', hash: 'SHA-512' },
  EdDSA: { name: 'Ed25519' },
} as const satisfies Record<Algorithm, Scheme>

const ascii = new TextEncoder()

/**
 * Whether a key, imported for this very algorithm, made the signature of a token. The token has the compact form and
 * its header has been judged: jose's own verification would read both once more (docs/adr/0016).
 * @param token canonical base64url in three segments
 */
export function isSignedBy(token: string, algorithm: Algorithm, key: CryptoKey): Promise<boolean> {
  const dot = token.lastIndexOf('.')
  const signature = base64url.decode(token.slice(dot + 1)) as Uint8Array<ArrayBuffer>
  return crypto.subtle
    .verify(SCHEMES[algorithm], key, signature, ascii.encode(token.slice(0, dot)))
    .catch(unverifiable)
}

/** What a runtime cannot make out as a signature is none; anything else is no word on the token. */
function unverifiable(error: unknown): false {
  if (error instanceof DOMException) return false
  throw error
}
