/**
 * Makes tokens with node:crypto alone, good ones and any others: what signs here shares no line with what verifies.
 */

import {
  constants,
  createHmac,
  sign as cryptoSign,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import type { Algorithm } from '../../../src/credentials/jwt/algorithms.ts'

/** RFC 7518 section 3.1 and RFC 8037 section 3.1 in the words of node:crypto. */
export interface Scheme {
  readonly family: 'HS' | 'RS' | 'PS' | 'ES' | 'Ed'
  /** Null where the scheme has its own. */
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null
  readonly curve: 'P-256' | 'P-384' | 'P-521' | null
}

const HASHES = { 256: 'sha256', 384: 'sha384', 512: 'sha512' } as const
const CURVES = { 256: 'P-256', 384: 'P-384', 512: 'P-521' } as const

export function schemeOf(algorithm: Algorithm): Scheme {
  if (algorithm === 'EdDSA') return { family: 'Ed', hash: null, curve: null }
  const family = algorithm.slice(0, 2) as 'HS' | 'RS' | 'PS' | 'ES'
  const bits = Number(algorithm.slice(2)) as 256 | 384 | 512
  return { family, hash: HASHES[bits], curve: family === 'ES' ? CURVES[bits] : null }
}

/** A shared secret as text, or a key pair. */
export type Material =
  | { readonly secret: string }
  | { readonly privateKey: KeyObject; readonly publicKey: KeyObject }

export function materialOf({ family, curve }: Scheme): Material {
  if (family === 'HS') return { secret: randomBytes(66).toString('base64url') }
  if (family === 'Ed') return generateKeyPairSync('ed25519')
  if (curve !== null) return generateKeyPairSync('ec', { namedCurve: curve })
  return generateKeyPairSync('rsa', { modulusLength: 2048 })
}

/** The signature of `input` as a JWS holds it: ECDSA as r and s side by side, PSS with a salt as long as the hash. */
export function signatureOf({ family, hash }: Scheme, material: Material, input: string): Buffer {
  const bytes = Buffer.from(input)
  if ('secret' in material) {
    return createHmac(hash ?? 'sha256', material.secret)
      .update(bytes)
      .digest()
  }
  const { privateKey: key } = material
  if (family === 'PS') {
    const padding = constants.RSA_PKCS1_PSS_PADDING
    return cryptoSign(hash, bytes, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST })
  }
  return cryptoSign(hash, bytes, { key, dsaEncoding: 'ieee-p1363' })
}

/** An object is written as JSON, a text or bytes are taken as they are. */
export type Part = string | Buffer | object

export const segmentOf = (part: Part): string =>
  (Buffer.isBuffer(part)
    ? part
    : Buffer.from(typeof part === 'string' ? part : JSON.stringify(part))
  ).toString('base64url')

/** Whoever holds the key of one algorithm. */
export class Smith {
  readonly algorithm: Algorithm
  readonly scheme: Scheme
  readonly material: Material

  constructor(algorithm: Algorithm, material: Material = materialOf(schemeOf(algorithm))) {
    this.algorithm = algorithm
    this.scheme = schemeOf(algorithm)
    this.material = material
  }

  /** Signs two segments, whatever stands in them. */
  seal(header: string, payload: string): string {
    const input = `${header}.${payload}`
    return `${input}.${this.signature(input).toString('base64url')}`
  }

  /** A truly signed token over any header and payload whatever. */
  token(header: Part, payload: Part): string {
    return this.seal(segmentOf(header), segmentOf(payload))
  }

  signature(input: string): Buffer {
    return signatureOf(this.scheme, this.material, input)
  }

  /** The same token with its signature replaced by what `change` makes of it. */
  resigned(header: Part, payload: Part, change: (signature: Buffer, input: string) => Buffer): string {
    const input = `${segmentOf(header)}.${segmentOf(payload)}`
    return `${input}.${change(this.signature(input), input).toString('base64url')}`
  }

  /** The public key; null for a secret. */
  get publicKey(): KeyObject | null {
    return 'secret' in this.material ? null : this.material.publicKey
  }

  get privateKey(): KeyObject | null {
    return 'secret' in this.material ? null : this.material.privateKey
  }
}
