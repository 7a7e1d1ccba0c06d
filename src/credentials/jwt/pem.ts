import { base64url } from 'jose'
import type { Jwk } from './jwk.ts'

/** A public key in a PEM text as a JWK, or what is wrong with the text, in words that fit behind its name. */
export type PemReading =
  | { readonly ok: true; readonly jwk: Jwk }
  | { readonly ok: false; readonly problem: string }

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\s]*)-----END \1-----/g

const bad = (problem: string): PemReading => ({ ok: false, problem })

/** Whether the text holds anything in PEM armour, wherever it stands. */
export const looksLikePem = (text: string): boolean => /-----\s*BEGIN/i.test(text)

/**
 * Reads one public key: `PUBLIC KEY` (RFC 5280 section 4.1.2.7), `RSA PUBLIC KEY` (RFC 8017 appendix A.1.1) or the key
 * of a `CERTIFICATE`, whose dates and chain are not judged: the operator vouches for it by naming it. It is read here
 * and not by the runtime's own parser because a policy is judged synchronously, on runtimes that have none.
 */
export function readPem(text: string): PemReading {
  const blocks = [...text.matchAll(BLOCK)]
  const [block] = blocks
  if (block === undefined) return bad('is not a PEM key: it begins with `-----BEGIN PUBLIC KEY-----`')
  if (blocks.length > 1) return bad(`holds ${blocks.length} PEM blocks: exactly one public key is needed`)
  const [, label = '', body = ''] = block
  if (label.includes('PRIVATE')) return bad('holds a private key: give the public key only')
  const bytes = bytesOf(body)
  if (bytes === null) return bad('is not a PEM key: its body is not base64')
  switch (label) {
    case 'PUBLIC KEY':
      return described(jwkOfSpki(elementsOf(bytes)[0]))
    case 'RSA PUBLIC KEY':
      return described(jwkOfRsa(bytes))
    case 'CERTIFICATE':
      return described(jwkOfSpki(spkiOfCertificate(bytes)))
    default:
      return bad(`holds a ${label.toLowerCase()}: a public key or certificate is needed`)
  }
}

/** The public key in base64 of a SubjectPublicKeyInfo without armour; null for everything else. */
export function jwkOfBareSpki(text: string): Jwk | null {
  const bytes = bytesOf(text.replaceAll('-', '+').replaceAll('_', '/'))
  return bytes === null ? null : jwkOfSpki(elementsOf(bytes)[0])
}

const described = (jwk: Jwk | null): PemReading =>
  jwk === null
    ? bad('holds a key of another kind: RSA, EC on P-256, P-384 or P-521, or Ed25519 is needed')
    : { ok: true, jwk }

function bytesOf(base64: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  } catch {
    return null
  }
}

/** One element of DER (X.690 section 8.1): its tag and content. */
interface Element {
  readonly tag: number
  readonly content: Uint8Array
}

const SEQUENCE = 0x30
const INTEGER = 0x02
const BIT_STRING = 0x03
const OID = 0x06
const VERSION = 0xa0

/** The elements that lie one after the other in `bytes`, up to where it can no longer be read. */
function elementsOf(bytes: Uint8Array | undefined): readonly Element[] {
  const elements: Element[] = []
  let at = 0
  while (bytes !== undefined && at + 2 <= bytes.length) {
    const tag = bytes[at] ?? 0
    let length = bytes[at + 1] ?? 0
    at += 2
    if (length >= 0x80) {
      const octets = length - 0x80
      if (octets < 1 || octets > 3 || at + octets > bytes.length) break
      length = 0
      for (const end = at + octets; at < end; at++) length = length * 256 + (bytes[at] ?? 0)
    }
    if (at + length > bytes.length) break
    elements.push({ tag, content: bytes.subarray(at, at + length) })
    at += length
  }
  return elements
}

const within = (element: Element | undefined, tag: number): readonly Element[] =>
  element?.tag === tag ? elementsOf(element.content) : []

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** RFC 5280 section 4.1: the key is the sixth field of the certificate, not counting its optional version. */
function spkiOfCertificate(bytes: Uint8Array): Element | undefined {
  const fields = within(within(elementsOf(bytes)[0], SEQUENCE)[0], SEQUENCE)
  return fields[fields[0]?.tag === VERSION ? 6 : 5]
}

const RSA = '2a864886f70d010101'
const EC = '2a8648ce3d0201'
const ED25519 = '2b6570'
const CURVES: Readonly<Record<string, { readonly crv: string; readonly bytes: number }>> = {
  '2a8648ce3d030107': { crv: 'P-256', bytes: 32 },
  '2b81040022': { crv: 'P-384', bytes: 48 },
  '2b81040023': { crv: 'P-521', bytes: 66 },
}

/** SubjectPublicKeyInfo: the algorithm with its parameters, then the key as a bit string without unused bits. */
function jwkOfSpki(spki: Element | undefined): Jwk | null {
  const [algorithm, bits] = within(spki, SEQUENCE)
  const [name, parameter] = within(algorithm, SEQUENCE)
  if (name?.tag !== OID || bits?.tag !== BIT_STRING || bits.content[0] !== 0) return null
  const key = bits.content.subarray(1)
  switch (hex(name.content)) {
    case RSA:
      return jwkOfRsa(key)
    case EC:
      return parameter?.tag === OID ? jwkOfPoint(key, hex(parameter.content)) : null
    case ED25519:
      return key.length === 32 ? { kty: 'OKP', crv: 'Ed25519', x: base64url.encode(key) } : null
    default:
      return null
  }
}

function jwkOfRsa(bytes: Uint8Array): Jwk | null {
  const [modulus, exponent] = within(elementsOf(bytes)[0], SEQUENCE)
  if (modulus?.tag !== INTEGER || exponent?.tag !== INTEGER) return null
  return {
    kty: 'RSA',
    n: base64url.encode(unsigned(modulus.content)),
    e: base64url.encode(unsigned(exponent.content)),
  }
}

/** An uncompressed point (SEC 1 section 2.3.3). */
function jwkOfPoint(key: Uint8Array, curve: string): Jwk | null {
  const form = CURVES[curve]
  if (form === undefined || key[0] !== 4 || key.length !== 1 + 2 * form.bytes) return null
  const [x, y] = [key.subarray(1, 1 + form.bytes), key.subarray(1 + form.bytes)]
  return { kty: 'EC', crv: form.crv, x: base64url.encode(x), y: base64url.encode(y) }
}

/** DER puts a zero byte before a number whose first bit is set. */
const unsigned = (bytes: Uint8Array): Uint8Array => (bytes[0] === 0 ? bytes.subarray(1) : bytes)
