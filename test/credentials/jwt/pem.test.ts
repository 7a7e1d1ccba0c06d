import { generateKeyPairSync } from 'node:crypto'
import { base64url } from 'jose'
import { describe, expect, it } from 'vitest'
import { jwkOfBareSpki, looksLikePem, readPem } from '../../../src/credentials/jwt/pem.ts'

type Bytes = readonly number[]

/** An element of DER with the shortest length there is (X.690 section 8.1.3). */
function der(tag: number, ...parts: readonly Bytes[]): Bytes {
  const content = parts.flat()
  const { length } = content
  if (length < 0x80) return [tag, length, ...content]
  const octets =
    length < 0x100
      ? [length]
      : length < 0x10000
        ? [length >> 8, length & 255]
        : [length >> 16, (length >> 8) & 255, length & 255]
  return [tag, 0x80 + octets.length, ...octets, ...content]
}
const RSA: Bytes = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01]
const EC: Bytes = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]
const ED25519: Bytes = [0x2b, 0x65, 0x70]
const CURVES = [
  ['P-256', [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], 32],
  ['P-384', [0x2b, 0x81, 0x04, 0x00, 0x22], 48],
  ['P-521', [0x2b, 0x81, 0x04, 0x00, 0x23], 66],
] as const
const NULL: Bytes = [5, 0]
const bytes = (length: number, first = 1): Bytes =>
  Array.from({ length }, (_, i) => (i === 0 ? first : (i * 7 + 3) & 255))
const spki = (name: Bytes, parameter: Bytes, key: Bytes, unused = 0): Bytes =>
  der(0x30, der(0x30, der(6, name), parameter), der(3, [unused, ...key]))
const rsa = (n: Bytes, e: Bytes = [1, 0, 1]): Bytes => der(0x30, der(2, n), der(2, e))
const point = (size: number): Bytes => [4, ...bytes(2 * size)]

const pem = (label: string, content: Bytes): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(content).toString('base64')}\n-----END ${label}-----\n`
const text = (content: Bytes): string => base64url.encode(Uint8Array.from(content))
const keyOf = (content: Bytes, label = 'PUBLIC KEY') => {
  const reading = readPem(pem(label, content))
  return reading.ok ? reading.jwk : reading.problem
}
const OTHER = expect.stringMatching(
  /^holds a key of another kind: RSA, EC on P-256, P-384 or P-521, or Ed25519 is needed$/,
)

describe('a public key in DER', () => {
  it.each([1, 2, 126, 127, 128, 129, 250, 251, 252, 256, 257, 512, 65_530, 65_536, 70_000])(
    'is read with a modulus of %i bytes, however its lengths are written',
    (length) => {
      const n = bytes(length)
      const jwk = { kty: 'RSA', n: text(n), e: 'AQAB' }
      expect(keyOf(rsa(n), 'RSA PUBLIC KEY')).toEqual(jwk)
      expect(keyOf(spki(RSA, NULL, rsa(n)))).toEqual(jwk)
    },
  )

  it('is read without the zero before a number whose first bit is set, and without no other', () => {
    expect(keyOf(rsa([0, 0x80, 1], [0, 0xff]), 'RSA PUBLIC KEY')).toEqual({
      kty: 'RSA',
      n: text([0x80, 1]),
      e: text([0xff]),
    })
    expect(keyOf(rsa([0, 0, 1], [3]), 'RSA PUBLIC KEY')).toEqual({
      kty: 'RSA',
      n: text([0, 1]),
      e: text([3]),
    })
  })

  it.each(CURVES)('is read on %s, uncompressed and of exactly its length', (crv, curve, size) => {
    const key = point(size)
    const [x, y] = [text(key.slice(1, 1 + size)), text(key.slice(1 + size))]
    expect(keyOf(spki(EC, der(6, curve), key))).toEqual({ kty: 'EC', crv, x, y })
    for (const other of [key.slice(0, -1), [...key, 1], [2, ...key.slice(1)], [2, ...bytes(size)], [], [4]])
      expect(keyOf(spki(EC, der(6, curve), other))).toEqual(OTHER)
    expect(keyOf(spki(EC, der(2, curve), key))).toEqual(OTHER)
    expect(keyOf(spki(EC, NULL, key))).toEqual(OTHER)
    expect(keyOf(spki(EC, [], key))).toEqual(OTHER)
    expect(keyOf(spki(EC, der(6, [...curve.slice(0, -1), 99]), key))).toEqual(OTHER)
  })

  it('is read of Ed25519, 32 bytes long', () => {
    expect(keyOf(spki(ED25519, [], bytes(32)))).toEqual({ kty: 'OKP', crv: 'Ed25519', x: text(bytes(32)) })
    for (const length of [0, 31, 33]) expect(keyOf(spki(ED25519, [], bytes(length)))).toEqual(OTHER)
    expect(keyOf(spki([0x2b, 0x65, 0x71], [], bytes(32)))).toEqual(OTHER)
  })

  it('is none where any of its elements is of another kind, or bits are left over', () => {
    const key = bytes(32)
    const name = der(6, ED25519)
    expect(keyOf(der(0x30, der(0x30, name), der(3, [0, ...key])))).toMatchObject({ crv: 'Ed25519' })
    expect(keyOf(der(0x31, der(0x30, name), der(3, [0, ...key])))).toEqual(OTHER)
    expect(keyOf(der(0x30, der(0x31, name), der(3, [0, ...key])))).toEqual(OTHER)
    expect(keyOf(der(0x30, der(0x30, der(2, ED25519)), der(3, [0, ...key])))).toEqual(OTHER)
    expect(keyOf(der(0x30, der(0x30, name), der(4, [0, ...key])))).toEqual(OTHER)
    expect(keyOf(spki(ED25519, [], key, 1))).toEqual(OTHER)
    for (const part of [[], der(0x30), der(0x30, der(0x30)), der(0x30, der(0x30, name))])
      expect(keyOf(part)).toEqual(OTHER)
    for (const odd of [
      der(0x31, der(2, key), der(2, [3])),
      der(0x30, der(3, key), der(2, [3])),
      der(0x30, der(2, key), der(3, [3])),
      der(0x30, der(2, key)),
    ])
      expect(keyOf(odd, 'RSA PUBLIC KEY')).toEqual(OTHER)
  })

  it('is none when it is cut short anywhere, and never an error', () => {
    for (const whole of [
      spki(RSA, NULL, rsa(bytes(256))),
      spki(EC, der(6, CURVES[0][1]), point(32)),
      spki(ED25519, [], bytes(32)),
    ]) {
      for (let end = 0; end < whole.length; end++) expect(keyOf(whole.slice(0, end))).toEqual(OTHER)
    }
    const whole = rsa(bytes(256))
    for (let end = 0; end < whole.length; end++)
      expect(keyOf(whole.slice(0, end), 'RSA PUBLIC KEY')).toEqual(OTHER)
  })

  it('is none with a length that DER does not have: of nothing, or of more than three bytes', () => {
    const inner = [...der(2, bytes(8)), ...der(2, [3])]
    expect(keyOf([0x30, inner.length, ...inner], 'RSA PUBLIC KEY')).toMatchObject({ kty: 'RSA' })
    expect(keyOf([0x30, 0x83, 0, 0, inner.length, ...inner], 'RSA PUBLIC KEY')).toMatchObject({ kty: 'RSA' })
    expect(keyOf([0x30, 0x80, ...inner], 'RSA PUBLIC KEY')).toEqual(OTHER)
    expect(keyOf([0x30, 0x84, 0, 0, 0, inner.length, ...inner], 'RSA PUBLIC KEY')).toEqual(OTHER)
    expect(keyOf([0x30, 0x82, 0], 'RSA PUBLIC KEY')).toEqual(OTHER)
  })
})

describe('a certificate', () => {
  const key = spki(ED25519, [], bytes(32))
  const fields = [der(2, [1]), der(0x30, der(6, ED25519)), der(0x30), der(0x30), der(0x30)]
  const certificate = (...parts: readonly Bytes[]) => der(0x30, der(0x30, ...parts), der(0x30), der(3, [0]))

  it('holds its key behind five fields, and a version before them that may be missing', () => {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: text(bytes(32)) }
    expect(keyOf(certificate(...fields, key), 'CERTIFICATE')).toEqual(jwk)
    expect(keyOf(certificate(der(0xa0, der(2, [2])), ...fields, key), 'CERTIFICATE')).toEqual(jwk)
  })

  it('holds none elsewhere', () => {
    expect(keyOf(certificate(...fields.slice(1), key), 'CERTIFICATE')).toEqual(OTHER)
    expect(keyOf(certificate(...fields), 'CERTIFICATE')).toEqual(OTHER)
    expect(keyOf(certificate(), 'CERTIFICATE')).toEqual(OTHER)
    expect(keyOf(key, 'CERTIFICATE')).toEqual(OTHER)
    expect(keyOf([], 'CERTIFICATE')).toEqual(OTHER)
  })
})

describe('the armour of a key', () => {
  const key = spki(ED25519, [], bytes(32))
  const problem = (given: string) => {
    const reading = readPem(given)
    return reading.ok ? null : reading.problem
  }

  it('may have other text around it, and white space within', () => {
    const body = Buffer.from(key).toString('base64')
    expect(
      problem(
        `a key:\n-----BEGIN PUBLIC KEY-----\r\n ${body.slice(0, 20)}\r\n\t${body.slice(20)} \r\n-----END PUBLIC KEY-----\nend`,
      ),
    ).toBeNull()
  })

  it.each([
    ['', /^is not a PEM key: it begins with `-----BEGIN PUBLIC KEY-----`$/],
    ['-----BEGIN PUBLIC KEY-----\nAA==\n-----END CERTIFICATE-----', /^is not a PEM key: it begins/],
    ['-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----', /^is not a PEM key: it begins/],
    ['-----BEGIN PUBLIC KEY-----\nA\n-----END PUBLIC KEY-----', /^is not a PEM key: its body is not base64$/],
    [pem('PRIVATE KEY', key), /^holds a private key: give the public key only$/],
    [pem('ENCRYPTED PRIVATE KEY', key), /^holds a private key/],
    [pem('CERTIFICATE REQUEST', key), /^holds a certificate request: a public key or certificate is needed$/],
    [
      pem('PUBLIC KEY', key) + pem('PRIVATE KEY', key),
      /^holds 2 PEM blocks: exactly one public key is needed$/,
    ],
  ])('is refused with what is wrong: %j', (given, says) => expect(problem(given)).toMatch(says))

  it('is seen wherever it stands and however it is written', () => {
    for (const given of [pem('X', []), ' x -----BEGIN', '----- begin private', '-----\nBegin'])
      expect(looksLikePem(given)).toBe(true)
    for (const given of ['', 'BEGIN', '---- BEGIN', '-----END']) expect(looksLikePem(given)).toBe(false)
  })

  it('is not needed to know a public key, in either alphabet of base64', () => {
    const { publicKey } = generateKeyPairSync('ed25519')
    const bare = publicKey.export({ type: 'spki', format: 'der' })
    for (const encoding of ['base64', 'base64url'] as const)
      expect(jwkOfBareSpki(bare.toString(encoding))).toEqual(publicKey.export({ format: 'jwk' }))
    // Every character that the two alphabets write differently.
    const odd = spki(RSA, NULL, rsa(Array.from({ length: 96 }, (_, i) => [0xfb, 0xff, 0xbf][i % 3] ?? 0)))
    expect(Buffer.from(odd).toString('base64url')).toMatch(/-.*_|_.*-/)
    expect(jwkOfBareSpki(Buffer.from(odd).toString('base64url'))).toMatchObject({ kty: 'RSA' })
    for (const given of ['', 'x', 'not a key', '{}']) expect(jwkOfBareSpki(given)).toBeNull()
  })
})
