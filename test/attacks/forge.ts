/** Tokens and keys for attackers: everything is made by hand, so that nothing of it has to be well-formed. */
import {
  createHash,
  createHmac,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'
import { mintKey } from '../../src/credentials/api-key/form.ts'
import { hmacSha256 } from '../../src/ports/node-crypto.ts'
import { JWT_SECRET } from '../e2e/credentials.ts'
import type { Line } from '../e2e/wire.ts'

export const COMPANY = 'https://login.example.com'
export const VENDOR = 'https://vendor.example.org'
export const PARTNER = 'https://partner.example.net'

export const ACCESS_SECRET = randomBytes(32).toString('hex')
export const PEPPER = randomBytes(32).toString('hex')

const vendor = generateKeyPairSync('rsa', { modulusLength: 2048 })
const partner = generateKeyPairSync('ec', { namedCurve: 'P-256' })
/** The attacker's own pair. */
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })

export const VENDOR_PEM = vendor.publicKey.export({ type: 'spki', format: 'pem' }).toString()
export const VENDOR_DER = vendor.publicKey.export({ type: 'spki', format: 'der' })
/** Without a member `alg`, so that the policy alone can say which one it is for. */
export const PARTNER_JWK = { ...partner.publicKey.export({ format: 'jwk' }), kid: 'p1' }
export const STRANGER_JWK = { ...stranger.publicKey.export({ format: 'jwk' }), kid: 'mine' }

const mint = (environment = '') =>
  mintKey('ak', environment, PEPPER, hmacSha256, () => randomBytes(1)[0] ?? 0)
const digestOf = (key: string): string => `hmac-sha256:v1:${hmacSha256(PEPPER, key)}`

export const KEYS = { bot: mint(), past: mint(), future: mint(), unknown: mint(), live: mint('live') }
const IMPORTED = `ak_${createHash('sha256').update('imported').digest('hex').slice(0, 32)}`

/** The section `apiKeys.keys` of the stage. */
export const KEY_ENTRIES = {
  bot: { digest: digestOf(KEYS.bot), roles: ['reader'] },
  past: { digest: digestOf(KEYS.past), roles: ['reader'], expires: '2020-01-01T00:00:00Z' },
  future: { digest: digestOf(KEYS.future), roles: ['reader'], notBefore: '2999-01-01T00:00:00Z' },
  imported: { digest: `sha256:${createHash('sha256').update(IMPORTED).digest('hex')}`, roles: ['reader'] },
}
export const IMPORTED_KEY = IMPORTED

export const key = (text: string): Line => ['X-API-Key', text]
export const bearer = (token: string): Line => ['Authorization', `Bearer ${token}`]

export type Json = Readonly<Record<string, unknown>>

export const base64url = (value: string | Buffer): string => Buffer.from(value).toString('base64url')
/** Text stands for itself; anything else is written as JSON. */
const part = (value: unknown): string => base64url(typeof value === 'string' ? value : JSON.stringify(value))

const seconds = (): number => Math.floor(Date.now() / 1000)

/** Claims that the issuer `company` would give; what is undefined is left out. */
export const claims = (more: Json = {}): Json => ({
  iss: COMPANY,
  aud: 'app',
  sub: 'alice',
  roles: ['reader'],
  iat: seconds() - 5,
  exp: seconds() + 600,
  ...more,
})

export const input = (header: unknown, payload: unknown): string => `${part(header)}.${part(payload)}`

/** A token signed by HMAC-SHA-256, whatever its header says. */
export const hmac = (
  payload: unknown = claims(),
  header: unknown = { alg: 'HS256' },
  secret: string | Buffer = JWT_SECRET,
  hash = 'sha256',
): string => {
  const text = input(header, payload)
  return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`
}

const signed = (header: unknown, payload: unknown, hash: string, by: KeyObject, ieee = false): string => {
  const text = input(header, payload)
  const signer = ieee ? { key: by, dsaEncoding: 'ieee-p1363' as const } : by
  return `${text}.${sign(hash, Buffer.from(text), signer).toString('base64url')}`
}

const ofVendor = (more: Json = {}): Json => claims({ iss: VENDOR, ...more })
const ofPartner = (more: Json = {}): Json => claims({ iss: PARTNER, ...more })

/** Signed by the vendor's own RSA key. */
export const byVendor = (more: Json = {}, header: unknown = { alg: 'RS256' }, hash = 'sha256'): string =>
  signed(header, ofVendor(more), hash, vendor.privateKey)

/** Signed by the partner's own EC key. */
export const byPartner = (
  more: Json = {},
  header: unknown = { alg: 'ES256', kid: 'p1' },
  hash = 'sha256',
): string => signed(header, ofPartner(more), hash, partner.privateKey, true)

/** Signed by the attacker's key, in the vendor's name. */
export const byStranger = (header: Json, more: Json = {}): string =>
  signed({ alg: 'RS256', ...header }, ofVendor(more), 'sha256', stranger.privateKey)

/** The vendor's public key as an HMAC secret, in whatever spelling. */
export const withPublicKey = (secret: string | Buffer): string => hmac(ofVendor(), { alg: 'HS256' }, secret)

/** The partner's public key, as a JSON Web Key and its coordinates, as HMAC secrets. */
export const withPublicJwk = (): string[] =>
  [JSON.stringify(PARTNER_JWK), PARTNER_JWK.x ?? '', Buffer.from(PARTNER_JWK.x ?? '', 'base64url')].map(
    (secret) => hmac(ofPartner(), { alg: 'HS256', kid: 'p1' }, secret),
  )

/** A signature of two zeros, and other numbers that no signature has. */
export const ecSignatures = (): string[] => {
  const text = input({ alg: 'ES256', kid: 'p1' }, ofPartner())
  const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')
  const der = createPrivateKey(partner.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  return [
    Buffer.alloc(64),
    Buffer.concat([order, order]),
    Buffer.alloc(64, 0xff),
    Buffer.alloc(0),
    Buffer.alloc(63, 1),
    sign('sha256', Buffer.from(text), der), // DER instead of r and s side by side
  ].map((signature) => `${text}.${signature.toString('base64url')}`)
}

export const alice = (more: Json = {}): Line => bearer(hmac(claims(more)))
/** Of the issuer that demands access tokens by type (RFC 9068). */
export const access = (header: Json, more: Json = {}): Line =>
  bearer(hmac(claims({ iss: `${COMPANY}/access`, ...more }), { alg: 'HS256', ...header }, ACCESS_SECRET))
