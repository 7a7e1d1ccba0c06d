/** Tokens and keys that the soak's clients present, made with node:crypto alone: nothing here is shared with Postern. */
import {
  createHash,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'
import { crc32 } from 'node:zlib'

export type Algorithm = 'RS256' | 'ES256' | 'EdDSA' | 'HS256'

/** What signs, and under which name its other half is published. */
export interface Signer {
  readonly algorithm: Algorithm
  readonly kid: string
  readonly key: KeyObject | string
}

export function newSigner(algorithm: Algorithm): Signer {
  const kid = randomBytes(6).toString('hex')
  if (algorithm === 'HS256') return { algorithm, kid, key: randomBytes(32).toString('hex') }
  const { privateKey } =
    algorithm === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : algorithm === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519')
  return { algorithm, kid, key: privateKey }
}

const publicOf = ({ key }: Signer): KeyObject => {
  if (typeof key === 'string') throw new Error('a shared secret has no public half')
  return createPublicKey(key)
}

export const publicPem = (signer: Signer): string =>
  publicOf(signer).export({ type: 'spki', format: 'pem' }).toString()

/** The public half as RFC 7517 has it. */
export const publicJwk = (signer: Signer): object => ({
  ...publicOf(signer).export({ format: 'jwk' }),
  kid: signer.kid,
  alg: signer.algorithm,
  use: 'sig',
})

export const base64url = (data: string | Buffer): string => Buffer.from(data).toString('base64url')

/** A compact token of a header and a payload that are given as texts, so that a hostile one can be any text. */
export function signed(signer: Signer, header: string, payload: string): string {
  const text = `${base64url(header)}.${base64url(payload)}`
  return `${text}.${base64url(signatureOf(signer, text))}`
}

function signatureOf({ algorithm, key }: Signer, text: string): Buffer {
  if (typeof key === 'string') return createHmac('sha256', key).update(text).digest()
  const data = Buffer.from(text)
  if (algorithm === 'RS256') return sign('sha256', data, key)
  if (algorithm === 'ES256') return sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' })
  return sign(null, data, key)
}

export const headerOf = ({ algorithm, kid }: Signer, part: object = {}): string =>
  JSON.stringify({ alg: algorithm, typ: 'JWT', kid, ...part })

/** A key in the imported form, with the digest that a policy holds of it. */
export function importedKey(): { readonly key: string; readonly digest: string } {
  const key = `ak_${randomBytes(16).toString('hex')}`
  return { key, digest: `sha256:${createHash('sha256').update(key).digest('hex')}` }
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** A key of the right form and checksum (docs/keys.md) whose tag nobody's pepper made. */
export function forgedKey(): string {
  const body = `ak_${Array.from(randomBytes(45), (byte) => DIGITS[byte % 62]).join('')}`
  let rest = crc32(body)
  let sum = ''
  for (let index = 0; index < 6; index++) {
    sum = DIGITS[rest % 62] + sum
    rest = Math.floor(rest / 62)
  }
  return body + sum
}
