import { exportSPKI } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Principal } from '../../src/core/model.ts'
import { jwt } from '../../src/credentials/jwt.ts'
import {
  AUDIENCE,
  build,
  claims,
  forge,
  ISSUER,
  outside,
  type Pair,
  pair,
  requestWith,
  SECRET,
  START,
  sign,
  symmetric,
} from './jwt/support.ts'

const secrets = { SECRET }
const HS = { alg: 'HS256' }
const SKEW = 30

const symmetricWith = (over: Readonly<Record<string, unknown>> = {}) => build(symmetric(over), { secrets })

async function principalOf(
  payload: Readonly<Record<string, unknown>>,
  mapping: Readonly<Record<string, string>> = {},
): Promise<Principal> {
  const found = await symmetricWith({ claims: mapping }).present(forge(HS, claims(payload)))
  if (found.is !== 'accepted') throw new Error(JSON.stringify(found))
  return found.principal
}

describe('where the token stands', () => {
  const judge = async (...lines: string[]) => {
    const { authenticator } = symmetricWith()
    const found = await authenticator.authenticate(requestWith(lines, START), new Set(['company']))
    return found.is === 'rejected' ? found.reason : found.is
  }
  const good = forge(HS, claims())

  it.each([[[]], [['']], [['Basic YTpi']], [['BearerX abc']], [['Digest a="b"']], [['Bearer-Token abc']]])(
    'finds nothing in %j',
    async (lines) => expect(await judge(...lines)).toBe('absent'),
  )

  it.each(['Bearer', 'bearer', 'BEARER', 'bEaReR', 'Bearer  '])(
    'takes the scheme %j in any case',
    async (scheme) => expect(await judge(`${scheme} ${good}`)).toBe('accepted'),
  )

  it.each([
    'Bearer',
    'Bearer ',
    'Bearer x',
    'Bearer\tabc',
    'Bearer,abc',
    'Bearer:abc',
    'Bearer "abc"',
    `Bearer ${good} ${good}`,
    `Bearer ${good}=`,
    `Bearer ${good}\0`,
    `Bearer ${good}é`,
    `Bearer \u00a0${good}`,
    `Bearer ${good}\u00a0`,
  ])('takes %j as presented, and refuses it', async (line) =>
    expect(await judge(line)).toBe('credential_malformed'),
  )

  it('refuses two lines, whatever they hold', async () => {
    for (const other of [good, 'x']) {
      expect(await judge(`Bearer ${good}`, `Bearer ${other}`)).toBe('credential_repeated')
      expect(await judge('Basic YTpi', `Bearer ${other}`)).toBe('credential_repeated')
    }
  })

  it('refuses two lines that a proxy or a runtime has joined as two', async () => {
    for (const comma of [',', ', ']) {
      expect(await judge(`Bearer ${good}${comma}Bearer ${good}`)).toBe('credential_repeated')
      expect(await judge(`Bearer ${good}${comma}Basic YTpi`)).toBe('credential_repeated')
      for (const other of [`Bearer ${good}`, 'bearer x', 'Bearer', 'Basic Yjpi'])
        expect(await judge(`Basic YTpi${comma}${other}`), other).toBe('credential_repeated')
      expect(await judge(`Digest realm="a"${comma}Bearer ${good}`)).toBe('credential_repeated')
    }
  })

  it.each([
    'Digest username="a", realm="b, c d", uri="/", nc=00000001',
    'AWS4-HMAC-SHA256 Credential=a/b/s3/aws4_request, SignedHeaders=host;range, Signature=ab',
    'OAuth realm="a",oauth_version = "1.0",',
  ])('leaves %s to others, whose commas part parameters', async (line) =>
    expect(await judge(line)).toBe('absent'),
  )

  it('declares that place, and its issuers as variants', () => {
    expect(jwt.places({})).toEqual(['Authorization: Bearer'])
    expect(jwt.variants({ company: {}, partner: {} })).toEqual(['company', 'partner'])
  })
})

describe('issuers', () => {
  const two = () =>
    build(
      {
        ...symmetric(),
        partner: {
          issuer: 'partner',
          audience: ['theirs', AUDIENCE],
          keys: { secret: '${OTHER}' },
          algorithms: ['HS256'],
        },
      },
      { secrets: { SECRET, OTHER: SECRET.toLowerCase() } },
    )
  const partners = forge(HS, claims({ iss: 'partner' }), SECRET.toLowerCase())

  it('finds the issuer of a token by its exact iss', async () => {
    const { present, verdict } = two()
    expect(await present(partners)).toMatchObject({ principal: { method: 'jwt:partner', issuer: 'partner' } })
    expect(await present(forge(HS, claims()))).toMatchObject({
      principal: { method: 'jwt:company', issuer: ISSUER },
    })
    for (const iss of [
      `${ISSUER}/`,
      'HTTPS://login.example.com',
      'Partner',
      '',
      null,
      1,
      ['partner'],
      undefined,
    ]) {
      expect(await verdict(forge(HS, claims({ iss })))).toBe('issuer_refused')
    }
  })

  it('never takes a token under the key of another issuer', async () => {
    expect(await two().verdict(forge(HS, claims({ iss: 'partner' })))).toBe('credential_invalid')
  })

  it('refuses an issuer that the route does not accept, also once its token is known', async () => {
    const { verdict, authenticator } = two()
    expect(await verdict(partners, ['company'])).toBe('issuer_refused')
    expect(await verdict(partners, ['company', 'partner'])).toBe('accepted')
    expect(await verdict(partners, ['company'])).toBe('issuer_refused')
    const unnamed = await authenticator.authenticate(requestWith([`Bearer ${partners}`], START), null)
    expect(unnamed).toEqual({ is: 'rejected', reason: 'issuer_refused' })
  })
})

describe('times', () => {
  const seconds = START / 1000
  const judge = (payload: Readonly<Record<string, unknown>>, over = {}) =>
    symmetricWith(over).verdict(forge(HS, claims(payload)))

  it('takes a token until exp plus the skew, and not a second longer', async () => {
    expect(await judge({ exp: seconds - SKEW + 1 })).toBe('accepted')
    expect(await judge({ exp: seconds - SKEW })).toBe('credential_expired')
    expect(await judge({ exp: seconds - 1 }, { clockSkew: '1ms' })).toBe('credential_expired')
  })

  it('takes a token from nbf and iat less the skew on', async () => {
    for (const claim of ['nbf', 'iat']) {
      expect(await judge({ [claim]: seconds + SKEW })).toBe('accepted')
      expect(await judge({ [claim]: seconds + SKEW + 1 })).toBe('credential_invalid')
      for (const odd of ['1', null, true, [], {}])
        expect(await judge({ [claim]: odd })).toBe('credential_invalid')
    }
    expect(await judge({ iat: undefined })).toBe('accepted')
  })

  it('with a maximum age demands iat, a young token and a short life', async () => {
    const old = { maxAge: '1h' }
    expect(await judge({ iat: seconds - 3600 - SKEW }, old)).toBe('accepted')
    expect(await judge({ iat: seconds - 3601 - SKEW }, old)).toBe('credential_expired')
    expect(await judge({ exp: seconds + 3600 + SKEW }, old)).toBe('accepted')
    expect(await judge({ exp: seconds + 3601 + SKEW }, old)).toBe('credential_invalid')
    expect(await judge({ iat: undefined }, old)).toBe('credential_invalid')
  })

  it('calls a token expired only when its signature is good', async () => {
    expect(await judge({ exp: seconds - 1000 })).toBe('credential_expired')
    const forged = forge(HS, claims({ exp: seconds - 1000 }), 'x'.repeat(32))
    expect(await symmetricWith().verdict(forged)).toBe('credential_invalid')
  })

  it('accepts fractions of seconds', async () => {
    expect(await judge({ exp: seconds + 0.5, iat: seconds - 0.25 }, { clockSkew: '1ms' })).toBe('accepted')
  })
})

describe('types', () => {
  const judge = (typ: unknown, required?: string) =>
    symmetricWith(required === undefined ? {} : { typ: required }).verdict(forge({ ...HS, typ }, claims()))

  it.each(['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/At+Jwt'])(
    'takes %s for at+jwt, however the policy writes it',
    async (typ) => {
      expect(await judge(typ, 'at+jwt')).toBe('accepted')
      expect(await judge(typ, 'application/AT+jwt')).toBe('accepted')
    },
  )

  it.each([undefined, 'JWT', 'at', 'at+jwt ', 'text/at+jwt', 'logout+jwt', ''])(
    'refuses %s where at+jwt is required',
    async (typ) => expect(await judge(typ, 'at+jwt')).toBe('credential_invalid'),
  )

  it('without a required type takes none, JWT and at+jwt', async () => {
    for (const typ of [undefined, 'JWT', 'jwt', 'application/jwt', 'at+jwt'])
      expect(await judge(typ)).toBe('accepted')
  })
})

describe('the principal', () => {
  it('says who, by which credential and how strongly', async () => {
    expect(
      await principalOf(
        {
          email: 'a@example.com',
          org: 'acme',
          amr: ['pwd', 'otp'],
          acr: 'gold',
          auth_time: START / 1000 - 60,
        },
        { email: 'email', tenant: 'org' },
      ),
    ).toEqual({
      id: 'alice',
      issuer: ISSUER,
      type: 'jwt',
      method: 'jwt:company',
      tenant: 'acme',
      email: 'a@example.com',
      roles: [],
      permissions: [],
      scopes: [],
      strength: { methods: ['pwd', 'otp'], context: 'gold', at: START / 1000 - 60 },
      limits: [],
      credential: { id: null, session: null, issued: START / 1000 - 10 },
    })
  })

  it('knows nothing that the policy does not map', async () => {
    const found = await principalOf({
      email: 'a@example.com',
      roles: ['admin'],
      permissions: ['*'],
      tenant: 'acme',
    })
    expect(found).toMatchObject({ email: null, roles: [], permissions: [], tenant: null })
  })

  it.each([undefined, null, '', 0, 42, ['alice'], { id: 'alice' }])(
    'refuses a token whose id is %j',
    async (sub) => {
      expect(await symmetricWith().verdict(forge(HS, claims({ sub })))).toBe('credential_invalid')
    },
  )

  it('reads a name as a literal member, and with a leading slash as a pointer', async () => {
    const payload = {
      'https://example.com/roles': ['admin'],
      realm_access: { roles: ['user'] },
      'a/b': { '~x': [[], ['admin']] },
      'realm_access.roles': 'user admin',
    }
    const roles = async (name: string) => (await principalOf(payload, { roles: name })).roles
    expect(await roles('https://example.com/roles')).toEqual(['admin'])
    expect(await roles('/realm_access/roles')).toEqual(['user'])
    expect(await roles('/a~1b/~0x/1')).toEqual(['admin'])
    expect(await roles('realm_access.roles')).toEqual(['user', 'admin'])
    for (const none of [
      '/realm_access/roles/length',
      '/realm_access/x/y',
      '/a~1b/~0x/01',
      'toString',
      '/constructor/name',
    ]) {
      expect(await roles(none)).toEqual([])
    }
  })

  it('reads roles from an array or words, drops unknown ones, and takes nothing from other forms', async () => {
    const roles = async (role: unknown) => (await principalOf({ role }, { roles: 'role' })).roles
    expect(await roles(['admin', 'ghost', 'admin'])).toEqual(['admin'])
    expect(await roles('user  admin')).toEqual(['user', 'admin'])
    for (const odd of [null, 1, { admin: true }, ['admin', 1], 'Admin', ['admin user'], true]) {
      expect(await roles(odd)).toEqual([])
    }
  })

  it('reads scopes from scope, else scp, else where the policy says', async () => {
    expect((await principalOf({ scope: 'a b', scp: ['c'] })).scopes).toEqual(['a', 'b'])
    expect((await principalOf({ scp: ['c', 'd'] })).scopes).toEqual(['c', 'd'])
    expect((await principalOf({ scope: 'a', rights: 'e' }, { scopes: 'rights' })).scopes).toEqual(['e'])
  })

  it('takes literal permissions only', async () => {
    const permissions = ['users:read', 'mcp:{server}:call', 'a:*', '*:a', 'a b', '', 'x'.repeat(300)]
    expect((await principalOf({ permissions }, { permissions: 'permissions' })).permissions).toEqual([
      'users:read',
      'a:*',
    ])
  })

  it('takes no sign-in of the future for a recent one', async () => {
    for (const at of [START / 1000 + SKEW + 1, '1', null, true]) {
      expect((await principalOf({ auth_time: at })).strength.at).toBeNull()
    }
    expect((await principalOf({ auth_time: 0 })).strength.at).toBe(0)
  })
})

describe('a token seen before', () => {
  it('is answered at once, with the same principal', async () => {
    const { authenticator, present } = symmetricWith()
    const token = forge(HS, claims())
    const first = await present(token)
    const again = authenticator.authenticate(
      requestWith([`Bearer ${token}`], START + 1000),
      new Set(['company']),
    )
    expect(again).not.toBeInstanceOf(Promise)
    expect(again).toBe(first)
  })

  it('keeps its principal when it is verified anew', async () => {
    const { present, outside: at } = symmetricWith()
    const token = forge(HS, claims())
    const first = await present(token)
    at.clock += 61_000
    const later = await present(token)
    expect(later.is === 'accepted' && first.is === 'accepted' && later.principal === first.principal).toBe(
      true,
    )
  })

  it('expires all the same, to the millisecond', async () => {
    const { verdict, outside: at } = symmetricWith()
    const token = forge(HS, claims({ exp: START / 1000 + 5 }))
    expect(await verdict(token)).toBe('accepted')
    at.clock += 5_000 + SKEW * 1000 - 1
    expect(await verdict(token)).toBe('accepted')
    at.clock += 1
    expect(await verdict(token)).toBe('credential_expired')
  })

  it('grows too old all the same', async () => {
    const { verdict, outside: at } = symmetricWith({ maxAge: '15m' })
    const token = forge(HS, claims({ iat: START / 1000 - 900, exp: START / 1000 + 600 }))
    expect(await verdict(token)).toBe('accepted')
    at.clock += SKEW * 1000 + 1
    expect(await verdict(token)).toBe('credential_expired')
  })

  it('is not good yet when the clock is set back before its nbf', async () => {
    const { verdict, outside: at } = symmetricWith()
    const token = forge(HS, claims({ nbf: START / 1000 - 5 }))
    expect(await verdict(token)).toBe('accepted')
    at.clock -= 5_000 + SKEW * 1000 + 1
    expect(await verdict(token)).toBe('credential_invalid')
  })

  it('is verified anew after a minute', async () => {
    const { authenticator, verdict } = symmetricWith()
    const token = forge(HS, claims())
    expect(await verdict(token)).toBe('accepted')
    const at = (now: number) =>
      authenticator.authenticate(requestWith([`Bearer ${token}`], now), new Set(['company']))
    expect(at(START + 59_999)).not.toBeInstanceOf(Promise)
    expect(at(START + 60_000)).toBeInstanceOf(Promise)
  })

  it('is refused at once for five seconds when its signature was bad, and then judged again', async () => {
    const { authenticator, verdict } = symmetricWith()
    const token = forge(HS, claims(), 'another secret of enough length!!')
    expect(await verdict(token)).toBe('credential_invalid')
    const at = (now: number) =>
      authenticator.authenticate(requestWith([`Bearer ${token}`], now), new Set(['company']))
    expect(at(START + 4_999)).toEqual({ is: 'rejected', reason: 'credential_invalid' })
    expect(at(START + 5_000)).toBeInstanceOf(Promise)
  })
})

describe('every algorithm', () => {
  const pairs = new Map<string, Pair>()
  const ASYMMETRIC = [
    'RS256',
    'RS384',
    'RS512',
    'PS256',
    'PS384',
    'PS512',
    'ES256',
    'ES384',
    'ES512',
    'EdDSA',
  ]

  beforeAll(async () => {
    for (const alg of ASYMMETRIC) pairs.set(alg, await pair(alg))
  })

  /** Every issuer form that can hold this key, with a token of it. */
  async function forms(alg: string): Promise<{ built: ReturnType<typeof build>; token: string }[]> {
    const entry = { issuer: ISSUER, audience: AUDIENCE, algorithms: [alg] }
    const held = pairs.get(alg)
    if (held === undefined) {
      const built = build(
        { company: { ...entry, keys: { secret: '${SECRET}' } } },
        { secrets: { SECRET: SECRET + SECRET } },
      )
      const key = await crypto.subtle.importKey(
        'raw',
        new TextEncoder().encode(SECRET + SECRET),
        { name: 'HMAC', hash: `SHA-${alg.slice(2)}` },
        false,
        ['sign'],
      )
      return [{ built, token: await sign({ alg, privateKey: key }) }]
    }
    const pem = await exportSPKI(held.publicKey)
    const files = {
      '/keys/public.pem': `\n  ${pem}\n`,
      '/keys/jwks.json': JSON.stringify({ keys: [held.jwk] }),
    }
    const keys = [
      { pem },
      { pem: { file: '/keys/public.pem' } },
      { jwk: held.jwk },
      { jwk: { file: '/keys/jwks.json' } },
    ]
    const token = await sign(held)
    return keys.map((source) => ({
      built: build({ company: { ...entry, keys: source } }, { secrets: files }),
      token,
    }))
  }

  it.each(['HS256', 'HS384', 'HS512', ...ASYMMETRIC])(
    'verifies %s by every form of its key, and refuses the token with any character changed',
    async (alg) => {
      for (const { built, token } of await forms(alg)) {
        expect(await built.verdict(token)).toBe('accepted')
        const step = Math.ceil(token.length / 40)
        for (let i = 0; i < token.length; i += step) {
          const other = token[i] === 'A' ? 'B' : 'A'
          const mutated = `${token.slice(0, i)}${other}${token.slice(i + 1)}`
          expect(await built.verdict(mutated)).not.toBe('accepted')
        }
      }
    },
  )

  it('takes no algorithm that the issuer does not list, however good its signature', async () => {
    const held = pairs.get('RS256')
    if (held === undefined) throw new Error('no pair')
    const { alg: _, ...jwk } = held.jwk
    const { verdict } = build({
      company: { issuer: ISSUER, audience: AUDIENCE, algorithms: ['RS256'], keys: { jwk } },
    })
    const key = await crypto.subtle.importKey(
      'pkcs8',
      await crypto.subtle.exportKey('pkcs8', held.privateKey),
      { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' },
      false,
      ['sign'],
    )
    expect(await verdict(await sign(held))).toBe('accepted')
    expect(await verdict(await sign({ alg: 'RS512', privateKey: key }))).toBe('credential_invalid')
  })

  it('tries the keys of a set one after the other where a token names none', async () => {
    const others = await Promise.all([pair('RS256', 'a'), pair('RS256', 'b')])
    const held = pairs.get('RS256')
    if (held === undefined) throw new Error('no pair')
    const jwk = { keys: [...others, held].map((each) => each.jwk) }
    const { verdict } = build({
      company: { issuer: ISSUER, audience: AUDIENCE, algorithms: ['RS256'], keys: { jwk } },
    })
    expect(await verdict(await sign({ alg: 'RS256', privateKey: held.privateKey }))).toBe('accepted')
    expect(await verdict(await sign({ ...held, kid: 'a' }))).toBe('credential_invalid')
  })
})

describe('a key that cannot be imported', () => {
  it('makes its tokens unavailable, not invalid', async () => {
    const held = await pair('ES256')
    const jwk = { ...held.jwk, x: held.jwk.y }
    const { verdict, authenticator } = build(
      { company: { issuer: ISSUER, audience: AUDIENCE, algorithms: ['ES256'], keys: { jwk } } },
      { at: outside() },
    )
    await authenticator.prepare?.()
    expect(await verdict(await sign(held))).toBe('issuer_unavailable')
    expect(authenticator.keySets?.()).toEqual([])
  })
})
