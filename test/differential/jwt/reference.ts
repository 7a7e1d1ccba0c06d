/**
 * Acceptance of a JWT as the RFCs have it, written down from them once more: RFC 7515 (JWS), 7518 and 8037 (algorithms)
 * and 7519 (claims), on node:crypto and nothing of ours. Where an RFC leaves a choice (duplicate members, an `iat` in
 * the future, the type), this takes the token: what it refuses nobody may accept.
 */

import { constants, createHmac, timingSafeEqual, verify } from 'node:crypto'
import type { Algorithm } from '../../../src/credentials/jwt/algorithms.ts'
import { type Material, type Scheme, schemeOf } from './smith.ts'

export interface Demands {
  readonly algorithm: Algorithm
  readonly material: Material
  readonly issuer: string
  readonly audience: string
  /** Milliseconds since the epoch, and by how many clocks may differ. */
  readonly now: number
  readonly skew: number
}

/** Bytes of r and of s (RFC 7518 section 3.4). */
const FIELD = { 'P-256': 32, 'P-384': 48, 'P-521': 66 } as const

/** Why the token must be refused; null when nothing speaks against it. */
export function faultOf(token: string, demands: Demands): string | null {
  // RFC 7515 section 7.1: exactly three parts.
  const parts = token.split('.')
  if (parts.length !== 3) return 'parts'
  const [header, payload, signature] = parts.map(bytesOf)
  if (header == null || payload == null || signature == null) return 'base64url'
  // RFC 7515 section 5.2 steps 3 and 4, RFC 7519 section 7.2 step 10: UTF-8 of a JSON object.
  const head = objectOf(header)
  const claims = objectOf(payload)
  if (head === null || claims === null) return 'JSON'
  const { algorithm, material, issuer, audience, now, skew } = demands
  if (head['alg'] !== algorithm) return 'alg'
  // RFC 7515 section 4.1.11: no extension is understood, so a `crit` that is right names one that is not, too.
  if (Object.hasOwn(head, 'crit')) return 'crit'
  // RFC 7515 section 4.1.4.
  if (Object.hasOwn(head, 'kid') && typeof head['kid'] !== 'string') return 'kid'
  const input = `${parts[0]}.${parts[1]}`
  if (!signed(schemeOf(algorithm), material, Buffer.from(input), signature)) return 'signature'
  // RFC 7519 section 4.1.
  if (claims['iss'] !== issuer) return 'iss'
  const aud = claims['aud']
  const audiences = Array.isArray(aud) ? aud : [aud]
  if (!audiences.every((one) => typeof one === 'string') || !audiences.includes(audience)) return 'aud'
  if (typeof claims['sub'] !== 'string') return 'sub'
  const [exp, nbf, iat] = ['exp', 'nbf', 'iat'].map((name) => claims[name])
  if (!isDate(exp) || now >= exp * 1000 + skew) return 'exp'
  if (nbf !== undefined && (!isDate(nbf) || now < nbf * 1000 - skew)) return 'nbf'
  if (iat !== undefined && !isDate(iat)) return 'iat'
  return null
}

const isDate = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

/** RFC 7515 section 2: base64url without padding, line breaks or other characters; as it would be written again. */
function bytesOf(segment: string): Buffer | null {
  const bytes = Buffer.from(segment, 'base64url')
  return bytes.toString('base64url') === segment ? bytes : null
}

/** Its own members only, so that none comes from a prototype. */
function objectOf(bytes: Buffer): Record<string, unknown> | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
    return Object.assign(Object.create(null), value)
  } catch {
    return null
  }
}

function signed(
  { family, hash, curve }: Scheme,
  material: Material,
  input: Buffer,
  signature: Buffer,
): boolean {
  if ('secret' in material) {
    const tag = createHmac(hash ?? '', material.secret)
      .update(input)
      .digest()
    return tag.length === signature.length && timingSafeEqual(tag, signature)
  }
  const { publicKey: key } = material
  if (curve !== null) {
    // RFC 7518 section 3.4: both numbers in full length.
    if (signature.length !== 2 * FIELD[curve]) return false
    return verify(hash, input, { key, dsaEncoding: 'ieee-p1363' }, signature)
  }
  // RFC 8017 sections 8.1.2 and 8.2.2, step 1: as long as the modulus.
  if (family !== 'Ed' && 8 * signature.length !== key.asymmetricKeyDetails?.modulusLength) return false
  if (family === 'PS') {
    const padding = constants.RSA_PKCS1_PSS_PADDING
    return verify(hash, input, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }, signature)
  }
  return verify(hash, input, key, signature)
}
