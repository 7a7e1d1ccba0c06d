import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { readPem } from '../../../src/credentials/jwt/pem.ts'
import { jwt } from '../../../src/credentials/jwt.ts'
import { AUDIENCE, ISSUER, type Pair, pair, read, SECRET } from './support.ts'

const KEYS = { jwks: 'https://login.example.com/jwks.json' }
const entry = (over: Readonly<Record<string, unknown>> = {}) => ({
  issuer: ISSUER,
  audience: AUDIENCE,
  keys: KEYS,
  algorithms: ['RS256'],
  ...over,
})
const problems = (over: Readonly<Record<string, unknown>>, secrets: Readonly<Record<string, string>> = {}) =>
  read({ company: entry(over) }, secrets).problems.join('\n')

describe('the issuers section', () => {
  it('takes an issuer with every field', () => {
    const { problems: found } = read({
      company: entry({
        audience: ['omni', 'api'],
        maxAge: '1h',
        clockSkew: '5m',
        typ: 'at+jwt',
        claims: {
          id: 'oid',
          email: 'email',
          roles: '/realm_access/roles',
          permissions: 'p',
          scopes: 's',
          tenant: 't',
        },
      }),
      partner: entry({ issuer: 'https://other.example.com/x', keys: { discovery: true } }),
    })
    expect(found).toEqual([])
  })

  it.each([
    [{ issuer: '' }, 'company.issuer is empty'],
    [{ audience: [] }, 'company.audience is not an audience'],
    [{ audience: '' }, 'company.audience is not an audience'],
    [{ audience: undefined }, 'company.audience is not an audience'],
    [{ algorithms: [] }, 'company.algorithms is empty'],
    [{ algorithms: ['none'] }, 'company.algorithms.0 is not an algorithm: write one of HS256'],
    [{ algorithms: ['RS256', 'HS256'] }, 'company.algorithms mixes HS256'],
    [{ clockSkew: '6m' }, 'company.clockSkew is too long'],
    [{ maxAge: 60 }, 'company.maxAge'],
    [{ typ: '' }, 'company.typ is empty'],
    [{ claims: { roles: '/a~2b' } }, 'company.claims.roles is not a claim'],
    [{ claims: { roles: '' } }, 'company.claims.roles is not a claim'],
    [{ keys: {} }, 'company.keys names no source of keys: write exactly one'],
    [{ keys: { ...KEYS, discovery: true } }, 'company.keys names jwks and discovery: write exactly one'],
    [{ keys: { discovery: false } }, 'company.keys.discovery is not a place'],
    [{ keys: { jwk: '{"kty":"RSA"}' } }, 'company.keys.jwk is a text'],
    [{ keys: { jwk: { keys: [] } } }, 'company.keys.jwk holds no key'],
    [{ keys: { jwk: { n: 'x' } } }, 'company.keys.jwk is not a JWK'],
    [{ keys: { jwk: { kty: 'RSA', n: 'AQAB', e: 'AQAB' } } }, 'company.keys.jwk is too weak'],
    [
      { keys: { jwk: { kty: 'RSA', n: 'AQAB', e: 'AQAB', use: 'enc' } } },
      'company.keys.jwk is not meant for signatures',
    ],
    [{ keys: { jwk: { kty: 'EC', crv: 'P-256', x: 'x' } } }, 'company.keys.jwk lacks `y`'],
    [{ keys: { pem: '${A:-b}' } }, 'company.keys.pem is not a reference'],
    [{ keys: { pem: 'key.pem' } }, 'company.keys.pem is not a PEM key'],
    [{ keys: { secret: SECRET }, algorithms: ['HS256'] }, 'company.keys.secret is a literal secret'],
    [
      { keys: { secret: '${SECRET}', allow: ['http'] }, algorithms: ['HS256'] },
      'company.keys.allow allows what is never',
    ],
    [{ keys: { ...KEYS, allow: ['https'] } }, 'company.keys.allow.0 is not something to allow'],
    [{ keys: { jwks: 'login.example.com/jwks' } }, 'company.keys.jwks is not a URL to fetch from'],
    [{ keys: { jwks: 'file:///etc/jwks' } }, 'company.keys.jwks is not a URL to fetch from'],
    [{ keys: { jwks: 'https://a:b@example.com/' } }, 'company.keys.jwks holds credentials'],
    [{ keys: { jwks: 'https://example.com/#a' } }, 'company.keys.jwks has a fragment'],
    [{ keys: { jwks: 'https://example.com/#' } }, 'company.keys.jwks has a fragment'],
    [{ keys: { jwks: 'http://example.com/' } }, 'company.keys.jwks is not https'],
    [{ keys: { jwks: 'https://10.0.0.1/' } }, 'company.keys.jwks is a private address'],
    [{ keys: { jwks: 'https://0x7f.1/' } }, 'company.keys.jwks is a private address'],
    [{ keys: { jwks: 'https://[::ffff:169.254.169.254]/' } }, 'company.keys.jwks is a private address'],
    [{ keys: { jwks: 'https://localhost:8443/' } }, 'company.keys.jwks is a private address'],
    [{ keys: { jwks: 'http://example.com/', allow: ['private'] } }, 'company.keys.jwks is not https'],
    [{ keys: { jwks: 'http://10.0.0.1/', allow: ['http'] } }, 'company.keys.jwks is a private address'],
    [{ keys: { discovery: 'http://example.com/d' } }, 'company.keys.discovery is not https'],
    [{ keys: { discovery: true }, issuer: 'company' }, 'company.issuer is not a URL to fetch from'],
    [{ keys: { discovery: true }, issuer: 'http://login.example.com' }, 'company.issuer is not https'],
    [{ keys: { discovery: true }, issuer: 'https://login.example.com/?a' }, 'company.issuer has a query'],
    [{ surprise: 1 }, 'company Unrecognized key'],
    [{ keys: { ...KEYS, surprise: 1 } }, 'company.keys Unrecognized key'],
  ])('with %j says: %s', (over, message) => expect(problems(over)).toContain(message))

  it('permits http and private addresses where the issuer opts in', () => {
    const allow = ['http', 'private']
    expect(problems({ keys: { jwks: 'http://127.0.0.1:9/jwks', allow } })).toBe('')
    expect(problems({ keys: { discovery: true, allow }, issuer: 'http://keycloak.localhost/realms/x' })).toBe(
      '',
    )
  })

  it('refuses one iss under two names, and a name that a route could not write', () => {
    expect(read({ a: entry(), b: entry() }).problems).toEqual([
      'b.issuer is the issuer of `a` too: a token is told by its `iss`, so write it only once',
    ])
    expect(read({ 'a:b': entry() }).problems).toHaveLength(1)
  })

  it('describes every field for the reference page, without help from types', () => {
    const schema = z.toJSONSchema(jwt.section?.schema ?? z.never(), { io: 'input', unrepresentable: 'any' })
    const undescribed: string[] = []
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return
      for (const [name, value] of Object.entries(node)) {
        if (name === 'properties') {
          for (const [field, member] of Object.entries(value as Record<string, { description?: string }>)) {
            if (member.description === undefined) undescribed.push(`${path}.${field}`)
          }
        }
        visit(value, `${path}.${name}`)
      }
    }
    visit(schema, '')
    expect(undescribed).toEqual([])
  })
})

describe('secrets', () => {
  const judge = (value: string, algorithms = ['HS256']) =>
    problems({ keys: { secret: '${S}' }, algorithms }, { S: value })
  let rsa: { publicKey: KeyObject; privateKey: KeyObject }

  beforeAll(() => {
    rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  })

  it('takes 32 random bytes, and skips a reference that could not be resolved', () => {
    expect(judge(SECRET)).toBe('')
    expect(problems({ keys: { secret: '${S}' }, algorithms: ['HS256'] })).toBe('')
  })

  it.each(['', 'x', SECRET.slice(1), 'a'.repeat(64), 'your-256-bit-secret-your-256-bit-secret'])(
    'refuses %j',
    (value) => expect(judge(value)).toMatch(/^company\.keys\.secret is (too|a placeholder)/),
  )

  it('refuses what everybody may know: a PEM, a JWK, a public key in base64, and never shows it', () => {
    const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const bare = rsa.publicKey.export({ type: 'spki', format: 'der' })
    const jwk = JSON.stringify(rsa.publicKey.export({ format: 'jwk' }))
    for (const [value, what] of [
      [pem, 'is a PEM key'],
      [`\n  \t${pem}`, 'is a PEM key'],
      [`"${pem}"`, 'is a PEM key'],
      [rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'is a PEM key'],
      [jwk, 'is a JWK'],
      [` {"keys":[${jwk}]}`, 'is a JWK'],
      [bare.toString('base64'), 'is a public key in base64'],
      [bare.toString('base64url'), 'is a public key in base64'],
    ] as const) {
      expect(judge(value)).toContain(`company.keys.secret ${what}`)
      expect(judge(value)).not.toContain(value.trim().slice(30, 60))
    }
  })

  it('refuses a secret for public-key algorithms, and a public key for HMAC', () => {
    expect(judge(SECRET, ['RS256'])).toContain('company.algorithms.0 RS256 has no use for a secret')
    const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    for (const keys of [
      KEYS,
      { discovery: true },
      { pem },
      { jwk: rsa.publicKey.export({ format: 'jwk' }) },
    ]) {
      expect(problems({ keys, algorithms: ['HS256'] })).toContain(
        'company.algorithms.0 HS256 needs `keys: { secret }`',
      )
    }
  })
})

describe('public keys', () => {
  const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString()
  const KINDS = {
    RSA: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    'P-256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    'P-384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    'P-521': () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    Ed25519: () => generateKeyPairSync('ed25519'),
  } as const

  it.each(Object.entries(KINDS))('reads a PEM of %s as the runtime does', (_, make) => {
    const { publicKey } = make()
    expect(readPem(pem(publicKey))).toEqual({ ok: true, jwk: publicKey.export({ format: 'jwk' }) })
  })

  it('reads the older RSA form', () => {
    const { publicKey } = KINDS.RSA()
    const old = publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()
    expect(readPem(old)).toEqual({ ok: true, jwk: publicKey.export({ format: 'jwk' }) })
  })

  it('says which algorithms the key fits', () => {
    expect(problems({ keys: { pem: pem(KINDS['P-256']().publicKey) } })).toBe(
      'company.algorithms.0 RS256 does not fit the key: write ES256',
    )
    expect(
      problems({ keys: { pem: { file: 'k' } }, algorithms: ['EdDSA'] }, { k: pem(KINDS.RSA().publicKey) }),
    ).toBe(
      'company.algorithms.0 EdDSA does not fit the key: write RS256 or RS384 or RS512 or PS256 or PS384 or PS512',
    )
  })

  it('takes a set in which each algorithm has a key, and says what would fit the others', () => {
    const [rsa, ec] = [
      KINDS.RSA().publicKey.export({ format: 'jwk' }),
      KINDS['P-256']().publicKey.export({ format: 'jwk' }),
    ]
    const of = (keys: object[], algorithms: string[]) => problems({ keys: { jwk: { keys } }, algorithms })
    expect(of([rsa, ec], ['RS256', 'ES256'])).toBe('')
    expect(of([ec, { ...rsa, alg: 'PS256' }], ['ES256', 'EdDSA'])).toBe(
      'company.algorithms.1 EdDSA does not fit the key: write PS256 or ES256',
    )
    expect(of([{ ...ec, crv: 'secp256k1' }], ['ES256'])).toBe(
      'company.algorithms.0 ES256 does not fit the key: write a key of another kind',
    )
  })

  it('says where the fault is, once for keys that have the same', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
    const fault = 'is too weak: an RSA modulus has at least 2048 bits'
    expect(problems({ keys: { pem: pem(weak) } })).toBe(`company.keys.pem ${fault}`)
    const jwk = weak.export({ format: 'jwk' })
    expect(problems({ keys: { jwk: { keys: [jwk, jwk] } } })).toBe(`company.keys.jwk ${fault}`)
    expect(problems({ keys: { pem: { file: 'nowhere' }, jwk: undefined } })).toBe('')
    expect(problems({ keys: { jwk: { file: 'nowhere' } } })).toBe('')
    expect(problems({ keys: { jwk: { file: 'k' } } }, { k: '{' })).toMatch(
      /^company\.keys\.jwk is not a JWK or JWK Set: write an object/,
    )
    const mixed = ['RS256', 'HS256', 'HS384']
    expect(problems({ algorithms: mixed })).toBe(
      'company.algorithms mixes HS256, HS384 with algorithms of public keys: write one kind, the other in a second issuer',
    )
  })

  it('refuses private keys in every form, in the policy or in a file, and never shows them', () => {
    const { privateKey } = KINDS['P-256']()
    const jwk = privateKey.export({ format: 'jwk' })
    const forms = ['pkcs8', 'sec1'] as const
    for (const type of forms) {
      const text = privateKey.export({ type, format: 'pem' }).toString()
      for (const given of [text, { file: 'k' }]) {
        expect(problems({ keys: { pem: given }, algorithms: ['ES256'] }, { k: text })).toBe(
          'company.keys.pem holds a private key: give the public key only',
        )
      }
    }
    for (const given of [jwk, { keys: [jwk] }, { file: 'k' }, '${k}']) {
      expect(problems({ keys: { jwk: given }, algorithms: ['ES256'] }, { k: JSON.stringify(jwk) })).toBe(
        'company.keys.jwk holds a private or secret key: give the public key only',
      )
    }
    expect(problems({ keys: { jwk: { kty: 'oct', k: 'c2VjcmV0' } } })).toContain(
      'holds a private or secret key',
    )
  })

  it('refuses what is no single readable key', () => {
    const one = pem(KINDS.RSA().publicKey)
    const of = (text: string) => problems({ keys: { pem: text } })
    expect(of(one + one)).toContain('holds 2 PEM blocks')
    expect(of(one.replace(/\n[^-\n]+/, '\n'))).toContain('holds a key of another kind')
    expect(of(one.replaceAll('PUBLIC KEY', 'CERTIFICATE REQUEST'))).toContain('holds a certificate request')
    expect(of('-----BEGIN PUBLIC KEY-----\nA\n-----END PUBLIC KEY-----')).toContain('its body is not base64')
    expect(of(pem(generateKeyPairSync('ed448').publicKey))).toContain('holds a key of another kind')
    expect(of(pem(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey))).toContain(
      'of another kind',
    )
    expect(of(pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey))).toContain('is too weak')
  })

  it('passes over keys for other purposes in a set', async () => {
    const held: Pair = await pair('RS256')
    const keys = [{ kty: 'RSA', use: 'enc', n: 'x', e: 'AQAB' }, held.jwk]
    expect(problems({ keys: { jwk: { keys } } })).toBe('')
  })

  it('takes the key of a certificate', () => {
    expect(readPem(CERTIFICATE)).toEqual(readPem(KEY_OF_CERTIFICATE))
    expect(readPem(CERTIFICATE)).toMatchObject({ ok: true, jwk: { kty: 'EC', crv: 'P-256' } })
    expect(problems({ keys: { pem: CERTIFICATE }, algorithms: ['ES256'] })).toBe('')
  })
})

/** Made with `openssl req -x509`; the second is what `openssl x509 -pubkey` reads in it. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBdDCCARmgAwIBAgIUCgazg7l0jhowA1TFKBEBEFgNhhowCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAeFw0yNjExMjEwMjMwMDRaFw0zNjExMTgwMjMwMDRa
MA8xDTALBgNVBAMMBHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASHYikD
/bLQEfxVbCHEaSDxrmogVwDc3OsSBJx/CSH4U+8lv4hpn0XYhgo6cjvR7SJ9DZpL
8sDVFAQl/XUwfgRqo1MwUTAdBgNVHQ4EFgQUvtSMpf1q7sWZoT3n8BUPphBfIAEw
HwYDVR0jBBgwFoAUvtSMpf1q7sWZoT3n8BUPphBfIAEwDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNJADBGAiEAj9pOc5kHvgdEHn0Yo9Kz1bYHxe3qXgE8054p
6z04n2cCIQCCB7wk6U8g1pdDGZYNlX2JUIiYVLkBreCooDXAwzhscg==
-----END CERTIFICATE-----
`
const KEY_OF_CERTIFICATE = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEh2IpA/2y0BH8VWwhxGkg8a5qIFcA
3NzrEgScfwkh+FPvJb+IaZ9F2IYKOnI70e0ifQ2aS/LA1RQEJf11MH4Eag==
-----END PUBLIC KEY-----
`
