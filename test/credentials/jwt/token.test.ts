import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { TokenReader } from '../../../src/credentials/jwt/token.ts'
import { importKey } from '../../../src/credentials/jwt/verification-key.ts'

const segment = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const read = (header: unknown, payload: unknown = { sub: 'ann' }) =>
  new TokenReader().read(`${segment(header)}.${segment(payload)}.c2ln`)
const HEADER = { alg: 'RS256' }

describe('the form of a token', () => {
  it('is a header with an algorithm, and a payload', () => {
    expect(read(HEADER)).toEqual({
      header: { alg: 'RS256', kid: null, typ: null, critical: false },
      payload: { sub: 'ann' },
    })
    expect(read({ ...HEADER, kid: 'k', typ: 'JWT' })?.header).toEqual({
      alg: 'RS256',
      kid: 'k',
      typ: 'JWT',
      critical: false,
    })
  })

  it.each([
    {},
    { alg: 1 },
    { alg: null },
    { ...HEADER, kid: 1 },
    { ...HEADER, kid: null },
    { ...HEADER, typ: 1 },
    { ...HEADER, typ: null },
  ])('is not with the header %j', (header) => expect(read(header)).toBeNull())

  it.each(['b64', 'enc', 'zip'])(
    'is not with %s, which belongs to something else (RFC 7797 section 7)',
    (member) => expect(read({ ...HEADER, [member]: true })).toBeNull(),
  )

  it('has a kid of 256 characters at most', () => {
    expect(read({ ...HEADER, kid: 'k'.repeat(256) })?.header.kid).toHaveLength(256)
    expect(read({ ...HEADER, kid: 'k'.repeat(257) })).toBeNull()
  })

  it('tells whether anything in it is critical, whatever that is (RFC 7515 section 4.1.11)', () => {
    for (const crit of [[], ['exp'], null, 'x']) expect(read({ ...HEADER, crit })?.header.critical).toBe(true)
  })

  it.each([[[]], [null], [1], ['"x"'], ['x'], ['{"a":1,"a":2}'], [[{ sub: 'ann' }]]])(
    'is not with %j for a part',
    (part) => {
      expect(read(part)).toBeNull()
      expect(read(HEADER, part)).toBeNull()
    },
  )

  it('is not with octets that are no UTF-8', () => {
    expect(
      new TokenReader().read(
        `${segment(HEADER)}.${Buffer.from([0x22, 0xff, 0x22]).toString('base64url')}.c2ln`,
      ),
    ).toBeNull()
  })

  it('has its header read once, unless it is a long one', () => {
    const reader = new TokenReader()
    const header = (length: number) => {
      const head = segment({ ...HEADER, x: 'x'.repeat(length) })
      const [one, two] = [reader.read(`${head}.e30.c2ln`), reader.read(`${head}.e30.c2ln`)]
      return { length: head.length, same: one?.header === two?.header, alg: one?.header.alg }
    }
    for (const length of [0, 300, 363, 364, 365, 366, 400]) {
      const { length: whole, same, alg } = header(length)
      expect([whole, same, alg]).toEqual([whole, whole <= 512, 'RS256'])
    }
    expect(reader.read('e30.e30.c2ln')).toBeNull()
    expect(reader.read('e30.e30.c2ln')).toBeNull()
  })
})

describe('a key that is imported', () => {
  const rsa = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits })
  it('is one for the algorithms that it fits, and none where it fits none', async () => {
    const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
    const key = await importKey({ ...jwk, kid: 'a' }, ['RS256', 'ES256', 'ES384'])
    expect([...(key?.imported.keys() ?? [])]).toEqual(['ES256'])
    expect([key?.kid, key?.retired]).toEqual(['a', false])
    expect((await importKey(jwk, ['ES256']))?.kid).toBeNull()
    expect(await importKey(jwk, ['RS256'])).toBeNull()
    expect(await importKey({ ...jwk, alg: 'ES384' }, ['ES256'])).toBeNull()
    expect(await importKey({ ...jwk, use: 'enc' }, ['ES256'])).toBeNull()
    expect(await importKey({ ...jwk, key_ops: ['sign'] }, ['ES256'])).toBeNull()
  })

  it('is no weak one, no private one and no broken one', async () => {
    expect(await importKey(rsa(1024).publicKey.export({ format: 'jwk' }), ['RS256'])).toBeNull()
    const { publicKey, privateKey } = rsa(2048)
    expect(await importKey(privateKey.export({ format: 'jwk' }), ['RS256'])).toBeNull()
    expect(await importKey(publicKey.export({ format: 'jwk' }), ['RS256'])).toMatchObject({
      signatureBytes: 256,
    })
    expect(await importKey({ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }, ['ES256'])).toBeNull()
  })
})
