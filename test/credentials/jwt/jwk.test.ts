import { base64url } from 'jose'
import { describe, expect, it } from 'vitest'
import { ALGORITHMS, type Algorithm, isSymmetric } from '../../../src/credentials/jwt/algorithms.ts'
import {
  algorithmsOf,
  faultOf,
  fits,
  isObject,
  isPrivate,
  type Jwk,
  keysIn,
} from '../../../src/credentials/jwt/jwk.ts'

/** A modulus with so many bits, as many zero bytes before it as one likes. */
const modulus = (bits: number, zeros = 0): string => {
  const bytes = new Uint8Array(zeros + Math.ceil(bits / 8))
  bytes[zeros] = 1 << ((bits - 1) % 8)
  return base64url.encode(bytes)
}
const rsa = (part: object = {}): Jwk => ({ kty: 'RSA', n: modulus(2048), e: 'AQAB', ...part })
const ec = (part: object = {}): Jwk => ({ kty: 'EC', crv: 'P-256', x: 'x', y: 'y', ...part })
const okp = (part: object = {}): Jwk => ({ kty: 'OKP', crv: 'Ed25519', x: 'x', ...part })

describe('the algorithms', () => {
  it('are those of RFC 7518 and RFC 8037, those of a shared secret told apart', () => {
    const symmetric = ['HS256', 'HS384', 'HS512']
    const others = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
    expect([...ALGORITHMS]).toEqual([...symmetric, ...others])
    expect(ALGORITHMS.filter(isSymmetric)).toEqual(symmetric)
  })

  it('fit the keys of their kind and curve, and where a key names one only that', () => {
    const RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
    expect(algorithmsOf(rsa())).toEqual(RSA)
    expect(algorithmsOf(rsa({ crv: 'P-256' }))).toEqual(RSA)
    expect(algorithmsOf(rsa({ alg: 'PS384' }))).toEqual(['PS384'])
    expect(algorithmsOf(rsa({ alg: 'ES256' }))).toEqual([])
    expect(algorithmsOf(ec())).toEqual(['ES256'])
    expect(algorithmsOf(ec({ crv: 'P-384' }))).toEqual(['ES384'])
    expect(algorithmsOf(ec({ crv: 'P-521' }))).toEqual(['ES512'])
    expect(algorithmsOf(ec({ crv: 'secp256k1' }))).toEqual([])
    expect(algorithmsOf(okp())).toEqual(['EdDSA'])
    expect(algorithmsOf(okp({ crv: 'Ed448' }))).toEqual([])
    expect(algorithmsOf({ kty: 'oct', k: 'x' })).toEqual(['HS256', 'HS384', 'HS512'])
    expect(fits(ec(), 'RS256' as Algorithm)).toBe(false)
  })
})

describe('what keeps a key from verifying', () => {
  it.each<[string, Jwk]>([
    ['RSA', rsa()],
    ['RSA with zeros before its modulus', rsa({ n: modulus(2048, 3) })],
    ['a longer RSA key', rsa({ n: modulus(4096) })],
    ['EC', ec()],
    ['OKP', okp()],
    ['one for signatures', rsa({ use: 'sig', kid: 'a' })],
  ])('is nothing: %s', (_, jwk) => expect(faultOf(jwk)).toBeNull())

  it.each<[string, Jwk, RegExp]>([
    ['a modulus of 2047 bits', rsa({ n: modulus(2047) }), /too weak.*2048/],
    ['a modulus of 2040 bits', rsa({ n: modulus(2040) }), /too weak/],
    ['zeros that make a short modulus long', rsa({ n: modulus(1024, 200) }), /too weak/],
    ['a modulus of nothing', rsa({ n: '' }), /too weak/],
    ['a modulus of zeros', rsa({ n: base64url.encode(new Uint8Array(300)) }), /too weak/],
    ['a modulus that is not base64', rsa({ n: '!'.repeat(400) }), /too weak/],
    ['no modulus', rsa({ n: undefined }), /lacks `n`, .*RSA/],
    ['no exponent', rsa({ e: 3 }), /lacks `e`/],
    ['no curve', ec({ crv: undefined }), /lacks `crv`, .*EC/],
    ['no x', ec({ x: undefined }), /lacks `x`/],
    ['no y', ec({ y: undefined }), /lacks `y`/],
    ['no curve of Edwards', okp({ crv: undefined }), /lacks `crv`, .*OKP/],
    ['no point of Edwards', okp({ x: undefined }), /lacks `x`/],
    ['another kind', { kty: 'XYZ' }, /not a key of a known kind: `kty` must be RSA, EC or OKP/],
    ['an inherited kind', { kty: 'constructor' }, /not a key of a known kind/],
    ['no kind', {}, /not a key of a known kind/],
    ['a kind that is no text', { kty: ['RSA'] }, /not a key of a known kind/],
    ['a name that is no text', rsa({ kid: 1 }), /`kid` that is not a text/],
    ['another use', rsa({ use: 'enc' }), /not meant for signatures: its `use` must be sig/],
    ['a private exponent', rsa({ d: 'x' }), /private or secret key: give the public key only/],
  ])('is %s', (_, jwk, says) => expect(faultOf(jwk)).toMatch(says))

  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'])('is private material under %s', (member) => {
    expect(isPrivate(rsa({ [member]: '' }))).toBe(true)
    expect(faultOf(rsa({ [member]: undefined }))).toMatch(/private or secret/)
  })

  it('is not what the object inherits', () => {
    expect(isPrivate(Object.create({ d: 'x' }))).toBe(false)
    expect(isPrivate(rsa())).toBe(false)
  })
})

describe('the keys in a document', () => {
  it('are one JWK, or those of a set', () => {
    expect(keysIn({ kty: 'RSA' })).toEqual([{ kty: 'RSA' }])
    expect(keysIn({ keys: [] })).toEqual([])
    expect(keysIn({ keys: [{}, { kty: 'EC' }] })).toEqual([{}, { kty: 'EC' }])
    expect(keysIn({ kty: 'RSA', keys: [{ kty: 'EC' }] })).toEqual([{ kty: 'EC' }])
  })

  it.each([
    [null],
    [undefined],
    ['x'],
    [[]],
    [[{ kty: 'RSA' }]],
    [{}],
    [{ kty: 1 }],
    [{ keys: {} }],
    [{ keys: [null] }],
    [{ keys: [{}, 'x'] }],
    [{ keys: [[]] }],
  ])('are not there: %j', (value) => expect(keysIn(value)).toBeNull())

  it('tells objects from everything else', () => {
    expect([{}, Object.create(null)].every(isObject)).toBe(true)
    expect([null, undefined, [], 'x', 1, true].some(isObject)).toBe(false)
  })
})
