import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { apiKey } from '../../src/credentials/api-key.ts'
import { jwt } from '../../src/credentials/jwt.ts'
import { instant, keyFields, keyRecord } from '../../src/credentials/key-record.ts'

/** Fields below a schema whose description is missing or empty. */
function undescribed(node: unknown, path = ''): string[] {
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([name, value]) => {
    const below = undescribed(value, `${path}.${name}`)
    if (name !== 'properties') return below
    const fields = Object.entries(value as Record<string, { description?: string }>)
    return [
      ...fields.filter(([, { description }]) => !description?.trim()).map(([field]) => `${path}.${field}`),
      ...below,
    ]
  })
}

/** Where and how a schema refuses a value; empty when it takes it. */
const problems = (schema: z.ZodType, value: unknown): string[] =>
  (schema.safeParse(value).error?.issues ?? [])
    .flatMap((issue) => (issue.code === 'invalid_key' ? issue.issues : [issue]))
    .map(({ path, message }) => `${path.join('.')} ${message}`)

const keys = apiKey.section?.schema ?? z.never()
const issuers = jwt.section?.schema ?? z.never()
const HEX = 'a'.repeat(64)

describe('the sections of credentials', () => {
  it.each([
    ['apiKeys', keys],
    ['issuers', issuers],
  ])('describe every field for the reference page: %s', (_, schema) => {
    const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
    expect(json.description?.trim()).toBeTruthy()
    expect(undescribed(json)).toEqual([])
  })

  it('have the defaults that the reference page tells', () => {
    expect(keys.parse({})).toEqual({ header: 'X-API-Key', prefix: 'ak', peppers: {}, keys: {} })
    expect(keys.parse({ keys: { bot: { digest: `sha256:${HEX}` } } })).toMatchObject({
      keys: { bot: { roles: [], permissions: [], scopes: [], limits: [] } },
    })
    const entry = {
      issuer: 'i',
      audience: 'a',
      keys: { jwks: 'https://example.com/' },
      algorithms: ['RS256'],
    }
    expect(issuers.parse({ one: entry })).toMatchObject({
      one: { audience: ['a'], clockSkew: 30_000, claims: { id: 'sub' } },
    })
  })
})

describe('the section of API keys', () => {
  const digest = (text: unknown) => problems(keys, { keys: { bot: { digest: text } } })

  it.each([`sha256:${HEX}`, `hmac-sha256:v1:${HEX}`, `hmac-sha256:${'a-_0'.repeat(8)}:${HEX}`, '${DIGEST}'])(
    'takes the digest %s',
    (text) => expect(digest(text)).toEqual([]),
  )

  it.each([
    ...['', HEX, `sha256:${HEX}0`, `xsha256:${HEX}`, `sha256:${HEX.slice(1)}`, `sha256:${HEX.toUpperCase()}`],
    ...[
      `hmac-sha256:${HEX}`,
      `hmac-sha256::${HEX}`,
      `hmac-sha256:${'a'.repeat(33)}:${HEX}`,
      `md5:${HEX}`,
      7,
      null,
      {},
    ],
  ])('refuses the digest %s and says what to write', (text) =>
    expect(digest(text)).toEqual([
      expect.stringMatching(/is not a digest: write "hmac-sha256:VERSION:" or "sha256:"/),
    ]),
  )

  it('tells what is wrong with a reference to a digest, not that it is no digest', () => {
    expect(digest('${A:-b}')).toEqual([expect.stringMatching(/is not a reference/)])
    expect(digest('x${A}')).toEqual([expect.stringMatching(/is not a digest/)])
  })

  it.each(['X-API-Key', 'a', 'x'.repeat(64), "!#$%&'*+.^`|~-09azAZ"])('takes the header %s', (header) =>
    expect(problems(keys, { header })).toEqual([]),
  )

  it.each(['', 'x'.repeat(65), 'X API', 'X:Key', 'X_Key', 'Xé', 'X-Key\n', '\nX-Key'])(
    'refuses the header %j and says what one is',
    (header) =>
      expect(problems(keys, { header })).toEqual([
        expect.stringMatching(/^header is not a header name: .+ as in X-API-Key/),
      ]),
  )

  it.each(['ak', 'a', `a${'0'.repeat(15)}`, 'ak_live', `a1_${'9'.repeat(16)}`])(
    'takes the prefix %s',
    (prefix) => expect(problems(keys, { prefix })).toEqual([]),
  )

  it.each([
    '',
    'Ak',
    '1a',
    `a${'0'.repeat(16)}`,
    'ak_',
    '_ak',
    'ak__live',
    'ak_live_x',
    `ak_${'9'.repeat(17)}`,
    'ak-live',
    'ak_Live',
    'ak\n',
    'xé',
  ])('refuses the prefix %j and says what one is', (prefix) =>
    expect(problems(keys, { prefix })).toEqual([
      expect.stringMatching(/^prefix is not a prefix: .+ as in ak or/),
    ]),
  )

  it.each(['v1', 'A', '-_', 'x'.repeat(32)])('takes the version %s of a pepper', (version) =>
    expect(problems(keys, { peppers: { [version]: '${PEPPER}' } })).toEqual([]),
  )

  it.each(['', 'x'.repeat(33), 'v.1', 'v1 ', 'é'])(
    'refuses the version %j of a pepper and says what one is',
    (version) =>
      expect(problems(keys, { peppers: { [version]: '${PEPPER}' } }).join()).toMatch(
        /is not a version: .+ as in v1/,
      ),
  )

  it('refuses networks that are none, and a key that could be used from nowhere', () => {
    const networks = (list: string[]) =>
      problems(keys, { keys: { bot: { digest: `sha256:${HEX}`, networks: list } } })
    expect(networks(['10.0.0.0/8'])).toEqual([])
    expect(networks([])).toEqual([
      expect.stringMatching(/networks is empty, .+: leave it out or name a network/),
    ])
    expect(networks(['10.0.0.1/8'])).toHaveLength(1)
  })

  it('closes every mapping, and bounds what a key says of itself', () => {
    const bot = (part: object) => problems(keys, { keys: { bot: { digest: `sha256:${HEX}`, ...part } } })
    expect(problems(keys, { surprise: 1 })).toHaveLength(1)
    expect(bot({ surprise: 1 })).toHaveLength(1)
    for (const [field, most] of [
      ['tenant', 128],
      ['email', 254],
    ] as const) {
      expect([1, most].map((length) => bot({ [field]: 'x'.repeat(length) }).length)).toEqual([0, 0])
      expect([0, most + 1].map((length) => bot({ [field]: 'x'.repeat(length) }).length)).toEqual([1, 1])
    }
    expect(bot({ expires: '2027-06-01T00:00:00Z', notBefore: '2027-06-01T00:00:00+02:00' })).toEqual([])
    expect(bot({ expires: '2027-06-01' })).toEqual([
      expect.stringMatching(/is not a point in time: write 2027/),
    ])
  })
})

describe('the section of issuers', () => {
  const of = (keys: unknown, more: object = {}) =>
    problems(issuers, { one: { issuer: 'i', audience: 'a', keys, algorithms: ['RS256'], ...more } })

  it.each([
    [{ pem: 7 }, /^one\.keys\.pem is not a key: write the PEM text, "\$\{NAME\}" or \{ file: PATH \}$/],
    [
      { jwk: 7 },
      /^one\.keys\.jwk is not a key: write the JWK as a mapping, "\$\{NAME\}" or \{ file: PATH \}$/,
    ],
    [{ jwk: 'x' }, /^one\.keys\.jwk is a text: write the JWK as a mapping/],
    [{ jwks: 'x' }, /^one\.keys\.jwks is not a URL to fetch from/],
    [{ discovery: 'x' }, /^one\.keys\.discovery is not a/],
    [{ discovery: 7 }, /^one\.keys\.discovery is not a place to discover from: write true, or the https URL/],
    [{}, /^one\.keys names no source of keys: write exactly one of jwks, discovery, pem, jwk, secret$/],
    [
      { pem: 'x', jwk: {}, jwks: 'https://a.example/' },
      /^one\.keys names jwks and pem and jwk: write exactly one of/,
    ],
    [
      { pem: 'x', allow: ['http'] },
      /^one\.keys\.allow allows what is never fetched: remove it, or use jwks or discovery$/,
    ],
    [
      { jwks: 'https://a.example/', allow: ['x'] },
      /^one\.keys\.allow\.0 is not something to allow: write http or private$/,
    ],
  ])('refuses the keys %j and says what to write', (keys, says) =>
    expect(of(keys)).toEqual([expect.stringMatching(says)]),
  )

  it.each([
    [{ issuer: '' }, /^one\.issuer is empty: write the `iss` value of the tokens$/],
    [{ audience: '' }, /^one\.audience is not an audience: write a text or a list of at least one/],
    [{ audience: [] }, /^one\.audience is not an audience: /],
    [{ audience: ['a', ''] }, /^one\.audience.* is not an audience: /],
    [{ audience: 7 }, /^one\.audience is not an audience: /],
    [{ algorithms: [] }, /^one\.algorithms is empty: write the algorithms .* such as \[RS256\]$/],
    [{ algorithms: ['none'] }, /^one\.algorithms\.0 is not an algorithm: write one of HS256, .*, EdDSA$/],
    [{ clockSkew: '301s' }, /^one\.clockSkew is too long: write 5m or less$/],
    [{ typ: '' }, /^one\.typ is empty: write the type of the tokens, such as at\+jwt$/],
    [{ claims: { id: '/~' } }, /^one\.claims\.id is not a claim: write its name, or a JSON Pointer such as/],
  ])('refuses %j and says what to write', (more, says) =>
    expect(of({ jwks: 'https://a.example/' }, more)).toEqual([expect.stringMatching(says)]),
  )

  it('takes what is at the very end of what is allowed', () => {
    expect(
      of(
        { discovery: true, allow: ['http', 'private'] },
        { clockSkew: '5m', typ: 'x', audience: ['a', 'b'] },
      ),
    ).toEqual([])
    expect(of({ discovery: 'https://a.example/' })).toEqual([])
    expect(of({ pem: { file: 'x' } })).toEqual([])
    expect(of({ pem: { file: '' } })).toHaveLength(1)
    expect(of({ jwk: '${KEY}' })).toEqual([])
    expect(problems(issuers, { one: { surprise: 1 } }).length).toBeGreaterThan(0)
  })
})

describe('what a key in a store may be given', () => {
  it('is nothing unless it is said', () => {
    const none = { tenant: null, email: null, notBefore: null, expires: null, description: null }
    const lists = { roles: [], permissions: [], scopes: [], networks: [], limits: [] }
    expect(keyFields.parse({})).toEqual({ ...none, ...lists })
  })

  it.each([
    ['tenant', 128],
    ['email', 254],
    ['description', 512],
  ])('has a bound: %s of %i characters', (field, most) => {
    const fits = (length: number) => keyFields.safeParse({ [field]: 'x'.repeat(length) }).success
    expect([1, most, most + 1].map(fits)).toEqual([true, true, false])
    expect(fits(0)).toBe(field === 'description')
  })

  it.each([
    ['roles', 64, 'admin'],
    ['permissions', 256, 'users:read'],
    ['scopes', 256, 'read'],
    ['networks', 256, '10.0.0.0/8'],
    ['limits', 16, 'own'],
  ])('has a bound: %i %s', (field, most, one) => {
    const fits = (count: number) => keyFields.safeParse({ [field]: Array(count).fill(one) }).success
    expect([0, most, most + 1].map(fits)).toEqual([true, true, false])
  })

  it('is told what to write where it is wrong', () => {
    expect(problems(keyFields, { networks: ['10.0.0.1/8'] })).toEqual([
      'networks.0 is not a network: write 10.0.0.0/8, 192.168.1.7 or 2001:db8::/32, host bits zero',
    ])
    for (const text of ['2027-06-01', '2027-06-01T00:00:00', 'soon'])
      expect(problems(instant, text)).toEqual([' is not a point in time: write 2027-06-01T00:00:00Z'])
    expect(problems(instant, '2027-06-01T00:00:00+02:00')).toEqual([])
    expect(problems(keyFields, { surprise: 1 })).toHaveLength(1)
  })

  it('is kept whole: version, owner, state, one digest to eight, and no field besides', () => {
    const one = { digest: `sha256:${HEX}`, until: null, start: null }
    const whole = {
      v: 1,
      owner: 'bot',
      environment: null,
      status: 'active',
      digests: [one],
      created: 1,
      updated: 2,
    }
    const fits = (part: object) => keyRecord.safeParse({ ...whole, ...part }).success
    expect(keyRecord.parse(whole)).toMatchObject({ imported: null, tenant: null })
    expect(fits({ status: 'revoked', environment: 'live', imported: 'x' })).toBe(true)
    for (const part of [
      { v: 2 },
      { owner: '' },
      { status: 'other' },
      { surprise: 1 },
      { created: '1' },
      { updated: null },
    ])
      expect(fits(part)).toBe(false)
    expect([0, 1, 8, 9].map((count) => fits({ digests: Array(count).fill(one) }))).toEqual([
      false,
      true,
      true,
      false,
    ])
    expect(fits({ digests: [{ ...one, surprise: 1 }] })).toBe(false)
    expect(fits({ digests: [{ ...one, until: 5, start: 'ak_x' }] })).toBe(true)
  })
})
