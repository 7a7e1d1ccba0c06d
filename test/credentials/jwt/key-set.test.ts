import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  AUDIENCE,
  build,
  claims,
  ISSUER,
  type IssuerServer,
  issuerServer,
  outside,
  type Pair,
  pair,
  remote,
  requestWith,
  sign,
} from './support.ts'

const MINUTE = 60_000
const STALE = 70 * MINUTE

let one: Pair
let two: Pair
let server: IssuerServer
const more: IssuerServer[] = []

beforeAll(async () => {
  one = await pair('RS256', 'one')
  two = await pair('RS256', 'two')
})

beforeEach(async () => {
  server = await issuerServer({ keys: [one.jwk] })
})

afterEach(async () => {
  await Promise.all([server, ...more.splice(0)].map((each) => each.close()))
})

/** Lives long enough for every test of this file. */
const long = () => claims({ exp: (claims()['iat'] as number) + 200_000 })
const token = (held: Pair, over: Readonly<Record<string, unknown>> = {}) => sign(held, { ...long(), ...over })

/** Tokens with a claim of their own, so that none is known from before. */
let serial = 0
const fresh = (held: Pair) => token(held, { jti: String(serial++) })

const down = () => server.handle((_, response) => response.writeHead(500).end())

/** Lets a refresh in the background come to its end: the figures say when. */
async function settled(
  authenticator: ReturnType<typeof build>['authenticator'],
  fetches: number,
): Promise<void> {
  await expect.poll(() => server.paths.length, { interval: 1 }).toBe(fetches)
  await expect
    .poll(() => authenticator.keySets?.()[0], { interval: 1 })
    .toSatisfy((figures) => figures?.age === 0 || (figures?.failures ?? 0) > 0)
}

describe('the first keys', () => {
  it('are fetched once for all that ask at the same time', async () => {
    const { verdict } = build(remote(server.url))
    const tokens = await Promise.all(Array.from({ length: 50 }, () => fresh(one)))
    expect(new Set(await Promise.all(tokens.map((each) => verdict(each))))).toEqual(new Set(['accepted']))
    expect(server.paths).toHaveLength(1)
  })

  it('are there before the first decision once it is prepared', async () => {
    const { authenticator, verdict } = build(remote(server.url))
    await authenticator.prepare?.()
    expect(server.paths).toHaveLength(1)
    expect(authenticator.keySets?.()).toEqual([{ variant: 'company', age: 0, fetches: 1, failures: 0 }])
    expect(await verdict(await fresh(one))).toBe('accepted')
    expect(server.paths).toHaveLength(1)
  })

  it('make a decision unavailable at its deadline when they do not come, and serve the next when they do', async () => {
    let release = (): void => {}
    server.handle((_, response) => {
      release = () => response.end(JSON.stringify({ keys: [one.jwk] }))
    })
    const { authenticator, verdict } = build(remote(server.url), { patience: 20 })
    expect(await verdict(await fresh(one))).toBe('issuer_unavailable')
    expect(server.paths).toHaveLength(1)
    release()
    await settled(authenticator, 1)
    expect(await verdict(await fresh(one))).toBe('accepted')
    expect(server.paths).toHaveLength(1)
  })

  it('are not waited for when the deadline has passed', async () => {
    server.handle(() => {})
    const { verdict } = build(remote(server.url), { patience: 0 })
    expect(await verdict(await fresh(one))).toBe('issuer_unavailable')
  })

  it('are asked for again only after a pause that grows, while the issuer fails', async () => {
    down()
    const at = outside()
    const { authenticator, verdict } = build(remote(server.url), { at })
    await authenticator.prepare?.()
    const attempts: number[] = []
    const begun = at.clock
    for (; at.clock < begun + 2 * MINUTE; at.clock += 500) {
      const before = server.paths.length
      expect(await verdict(await fresh(one))).toBe('issuer_unavailable')
      if (server.paths.length > before) attempts.push((at.clock - begun) / 1000)
    }
    expect(attempts).toEqual([2, 6, 14, 30, 60, 90])
    expect(authenticator.keySets?.()).toEqual([{ variant: 'company', age: null, fetches: 7, failures: 7 }])
    expect(at.reports[0]).toMatchObject({
      event: 'key_set_failed',
      details: { issuer: 'company', held: false },
    })
  })

  it('come back by themselves once the issuer does', async () => {
    down()
    const { authenticator, verdict, outside: at } = build(remote(server.url))
    await authenticator.prepare?.()
    server.answer({ keys: [one.jwk] })
    at.clock += 2_000
    expect(await verdict(await fresh(one))).toBe('accepted')
    expect(at.reports.map(({ event }) => event)).toEqual(['key_set_failed', 'key_set_recovered'])
  })

  it('are spread by jitter', async () => {
    down()
    const at = Object.assign(outside(), { random: () => 0.999 })
    const { authenticator, verdict } = build(remote(server.url), { at })
    await authenticator.prepare?.()
    at.clock += 2_499
    await verdict(await fresh(one))
    expect(server.paths).toHaveLength(1)
    at.clock += 1
    await verdict(await fresh(one))
    expect(server.paths).toHaveLength(2)
  })
})

describe('a set that is held', () => {
  const held = async (over: Parameters<typeof build>[1] = {}) => {
    const made = build(remote(server.url), over)
    await made.authenticator.prepare?.()
    return made
  }

  it('is refreshed in the background at 80 % of its age, once, and nobody waits', async () => {
    const { authenticator, verdict, outside: at } = await held()
    at.clock += 8 * MINUTE - 1
    expect(await verdict(await fresh(one))).toBe('accepted')
    expect(server.paths).toHaveLength(1)
    server.handle((_, response) => setImmediate(() => response.end(JSON.stringify({ keys: [one.jwk] }))))
    at.clock += 1
    const many = await Promise.all(Array.from({ length: 20 }, () => fresh(one)))
    expect(new Set(await Promise.all(many.map((each) => verdict(each))))).toEqual(new Set(['accepted']))
    await settled(authenticator, 2)
  })

  it('is refreshed also when only known tokens come', async () => {
    const { authenticator, verdict, outside: at } = await held()
    at.clock += 8 * MINUTE - 30_000
    const known = await fresh(one)
    expect(await verdict(known)).toBe('accepted')
    at.clock += 30_000
    const again = authenticator.authenticate(requestWith([`Bearer ${known}`], at.clock), new Set(['company']))
    expect(again).not.toBeInstanceOf(Promise)
    await settled(authenticator, 2)
  })

  it('refuses a key that the issuer removed once the refreshed set is in, also for known tokens', async () => {
    server.answer({ keys: [one.jwk, two.jwk] })
    const { authenticator, verdict, outside: at } = await held()
    at.clock += 8 * MINUTE - 1
    const [gone, stays] = [await fresh(one), await fresh(two)]
    expect([await verdict(gone), await verdict(stays)]).toEqual(['accepted', 'accepted'])
    server.answer({ keys: [two.jwk] })
    at.clock += 1
    await verdict(stays)
    await settled(authenticator, 2)
    expect(await verdict(gone)).toBe('credential_invalid')
    expect(await verdict(await fresh(one))).toBe('credential_invalid')
    const again = authenticator.authenticate(requestWith([`Bearer ${stays}`], at.clock), new Set(['company']))
    expect(again).toMatchObject({ is: 'accepted' })
  })

  it('takes another key under an old name for another key', async () => {
    const { authenticator, verdict, outside: at } = await held()
    const known = await fresh(one)
    expect(await verdict(known)).toBe('accepted')
    at.clock += 9 * MINUTE
    server.answer({ keys: [{ ...two.jwk, kid: 'one' }] })
    await verdict(known)
    await settled(authenticator, 2)
    expect(await verdict(known)).toBe('credential_invalid')
    expect(await verdict(await fresh({ ...two, kid: 'one' }))).toBe('accepted')
  })

  it('refuses a known token when its key goes, also where that key has lived through a refresh', async () => {
    const { verdict, outside: at } = await held()
    const known = await fresh(one)
    expect(await verdict(known)).toBe('accepted')
    await verdict(await fresh({ ...two, kid: 'a' }))
    expect(server.paths).toHaveLength(2)
    expect(await verdict(known)).toBe('accepted')
    server.answer({ keys: [two.jwk] })
    at.clock += 30_000
    await verdict(await fresh({ ...two, kid: 'b' }))
    expect(server.paths).toHaveLength(3)
    expect(await verdict(known)).toBe('credential_invalid')
  })

  it('serves an hour past its age while the issuer fails, and not longer', async () => {
    const { authenticator, verdict, outside: at } = await held()
    down()
    at.clock += STALE - 1
    expect(await verdict(await fresh(one))).toBe('accepted')
    const known = await fresh(one)
    expect(await verdict(known)).toBe('accepted')
    at.clock += 1
    expect(await verdict(await fresh(one))).toBe('issuer_unavailable')
    expect(await verdict(known)).toBe('issuer_unavailable')
    expect(authenticator.keySets?.()[0]?.failures).toBeGreaterThan(0)
  })

  it('past its age is replaced before it is used, if the issuer answers soon', async () => {
    const { verdict, outside: at } = await held()
    server.answer({ keys: [two.jwk] })
    at.clock += 11 * MINUTE
    expect(await verdict(await fresh(one))).toBe('credential_invalid')
    expect(server.paths).toHaveLength(2)
  })

  it('past its age is used when the issuer does not answer soon', async () => {
    const { authenticator, verdict, outside: at } = await held({ patience: 20 })
    server.handle(() => {})
    at.clock += 11 * MINUTE
    expect(await verdict(await fresh(one))).toBe('accepted')
    expect(server.paths).toHaveLength(2)
    // The fetch, which gives up by itself after five seconds, was not waited for.
    expect(authenticator.keySets?.()[0]?.failures).toBe(0)
  })

  it('is asked for at most every 30 seconds while the issuer fails', async () => {
    const { verdict, outside: at } = await held()
    down()
    at.clock += 8 * MINUTE
    const begun = server.paths.length
    const end = at.clock + 2 * MINUTE
    for (; at.clock < end; at.clock += 1000) await verdict(await fresh(one))
    expect(server.paths.length - begun).toBeLessThanOrEqual(3)
    expect(server.paths.length - begun).toBeGreaterThan(0)
  })

  it.each([
    ['an empty set', { keys: [] }],
    ['a set without usable keys', { keys: [{ kty: 'RSA', use: 'enc', n: 'x', e: 'AQAB' }] }],
    ['a set of symmetric keys', { keys: [{ kty: 'oct', k: 'c2VjcmV0', kid: 'one' }] }],
    ['a set without keys', {}],
    ['no JSON', '<html>'],
    ['a duplicate member', '{"keys":[],"keys":[]}'],
    ['more than 256 kB', JSON.stringify({ keys: [], pad: 'x'.repeat(262_144) })],
    ['keys that are no objects', { keys: ['x'] }],
  ])('is not replaced by %s', async (_, answer) => {
    const { authenticator, verdict, outside: at } = await held()
    server.answer(answer)
    at.clock += 8 * MINUTE
    await verdict(await fresh(one))
    await settled(authenticator, 2)
    expect(authenticator.keySets?.()[0]).toMatchObject({ fetches: 2, failures: 1, age: 480 })
    expect(await verdict(await fresh(one))).toBe('accepted')
  })

  it('is not replaced by more than 100 keys', async () => {
    const { authenticator, verdict, outside: at } = await held()
    server.answer({ keys: Array.from({ length: 101 }, (_, n) => ({ ...two.jwk, kid: `key-${n}` })) })
    at.clock += 8 * MINUTE
    await verdict(await fresh(one))
    await settled(authenticator, 2)
    expect(await verdict(await fresh(one))).toBe('accepted')
  })

  it('is not replaced through a redirect', async () => {
    const elsewhere = await issuerServer({ keys: [two.jwk] })
    more.push(elsewhere)
    const { authenticator, verdict, outside: at } = await held()
    server.handle((_, response) => response.writeHead(302, { location: elsewhere.url }).end())
    at.clock += 8 * MINUTE
    await verdict(await fresh(one))
    await settled(authenticator, 2)
    expect(elsewhere.paths).toEqual([])
    expect(await verdict(await fresh(one))).toBe('accepted')
  })

  it('passes over private, symmetric, weak and odd keys beside good ones', async () => {
    const { d: _, ...rest } = { d: 'x', ...two.jwk }
    server.answer({
      keys: [
        { ...rest, d: 'AQAB' },
        { kty: 'oct', k: 'eA' },
        { kty: 'RSA', n: 'AQAB', e: 'AQAB' },
        { kty: 'X' },
        {},
        one.jwk,
      ],
    })
    const { verdict } = await held()
    expect(await verdict(await fresh(one))).toBe('accepted')
    expect(await verdict(await fresh(two))).toBe('credential_invalid')
  })
})

describe('a policy that is replaced', () => {
  const parts = new Map<string, unknown>()
  const keep = <Part>(definition: string, make: () => Part): Part => {
    const part = (parts.get(definition) ?? make()) as Part
    parts.set(definition, part)
    return part
  }

  it('takes over the key set of an issuer that it defines alike, and no other', async () => {
    const at = outside()
    const verdict = async (over: Readonly<Record<string, unknown>>, held: Pair) =>
      build(remote(server.url, over), { at, keep }).verdict(await fresh(held))
    expect(await verdict({}, one)).toBe('accepted')
    expect(await verdict({ clockSkew: '1s', claims: { roles: 'roles' } }, one)).toBe('accepted')
    expect(server.paths).toHaveLength(1)
    for (const over of [
      { algorithms: ['RS256', 'RS512'] },
      { keys: { jwks: `${server.url}/other`, allow: ['http', 'private'] } },
    ]) {
      server.paths.length = 0
      expect(await verdict(over, one)).toBe('accepted')
      expect(server.paths).toHaveLength(1)
    }
  })
})

describe('an unknown kid', () => {
  const held = async (at = outside()) => {
    const made = build(remote(server.url), { at })
    await made.authenticator.prepare?.()
    return made
  }

  it('is found at once when its key was rotated in right after a fetch', async () => {
    const { verdict } = await held()
    server.answer({ keys: [one.jwk, two.jwk] })
    expect(await verdict(await fresh(two))).toBe('accepted')
    expect(server.paths).toHaveLength(2)
  })

  it('is asked for once by all who wait', async () => {
    const { verdict } = await held()
    server.answer({ keys: [one.jwk, two.jwk] })
    const tokens = await Promise.all(Array.from({ length: 20 }, () => fresh(two)))
    expect(new Set(await Promise.all(tokens.map((each) => verdict(each))))).toEqual(new Set(['accepted']))
    expect(server.paths).toHaveLength(2)
  })

  it('asks again after the cooldown, and only one burst in five minutes', async () => {
    const { verdict, outside: at } = await held()
    const asks = async (kid: string): Promise<boolean> => {
      const before = server.paths.length
      expect(await verdict(await fresh({ ...two, kid }))).toBe('credential_invalid')
      return server.paths.length > before
    }
    expect(await asks('a')).toBe(true)
    expect(await asks('b')).toBe(false)
    at.clock += 29_999
    expect(await asks('c')).toBe(false)
    at.clock += 1
    expect(await asks('d')).toBe(true)
    expect(await asks('e')).toBe(false)
    at.clock += 5 * MINUTE - 30_001
    expect(await asks('f')).toBe(true)
    expect(await asks('g')).toBe(false)
    at.clock += 1
    expect(await asks('h')).toBe(true)
    expect(await asks('i')).toBe(false)
  })

  it('does not spend the burst twice for one name', async () => {
    const { verdict, outside: at } = await held()
    at.clock += 30_000
    expect(await verdict(await fresh({ ...two, kid: 'ghost' }))).toBe('credential_invalid')
    expect(server.paths).toHaveLength(2)
    expect(await verdict(await fresh({ ...two, kid: 'ghost' }))).toBe('credential_invalid')
    expect(server.paths).toHaveLength(2)
    expect(await verdict(await fresh({ ...two, kid: 'other' }))).toBe('credential_invalid')
    expect(server.paths).toHaveLength(3)
  })

  it('spends no burst while the issuer fails', async () => {
    const { verdict, outside: at } = await held()
    down()
    at.clock += 30_000
    expect(await verdict(await fresh({ ...two, kid: 'a' }))).toBe('credential_invalid')
    expect(server.paths).toHaveLength(2)
    at.clock += 29_999
    expect(await verdict(await fresh({ ...two, kid: 'b' }))).toBe('credential_invalid')
    expect(server.paths).toHaveLength(2)
  })

  it('is unavailable when the issuer does not say in time, and stays answered for others', async () => {
    const { authenticator, verdict, outside: at } = build(remote(server.url), { patience: 20 })
    await authenticator.prepare?.()
    server.handle(() => {})
    at.clock += 31_000
    expect(await verdict(await fresh(two))).toBe('issuer_unavailable')
    expect(await verdict(await fresh(one))).toBe('accepted')
  })

  it('asks nobody when the kid is held for another algorithm, or the token names none', async () => {
    const { verdict } = build(remote(server.url, { algorithms: ['RS256', 'PS256'] }))
    await verdict(await fresh(one))
    const ps = await pair('PS256', 'one')
    expect(await verdict(await fresh(ps))).toBe('credential_invalid')
    expect(await verdict(await sign({ alg: 'PS256', privateKey: ps.privateKey }, long()))).toBe(
      'credential_invalid',
    )
    expect(server.paths).toHaveLength(1)
  })

  it('finds a key whose token was refused a moment ago, as soon as the key is in', async () => {
    const { verdict, outside: at } = await held()
    const early = await fresh({ ...two, kid: 'one' })
    expect(await verdict(early)).toBe('credential_invalid')
    server.answer({ keys: [{ ...two.jwk, kid: 'one' }] })
    at.clock += 1_000
    await verdict(await fresh(two))
    expect(await verdict(early)).toBe('accepted')
  })
})

describe('several keys', () => {
  it('are tried when the token names none, eight at most', async () => {
    const others = await Promise.all(Array.from({ length: 8 }, (_, n) => pair('ES256', `other-${n}`)))
    const last = await pair('ES256', 'last')
    const over = { algorithms: ['ES256'] }
    server.answer({ keys: [...others.slice(1), last].map(({ jwk }) => jwk) })
    const unnamed = () => sign({ alg: 'ES256', privateKey: last.privateKey }, long())
    expect(await build(remote(server.url, over)).verdict(await unnamed())).toBe('accepted')
    server.answer({ keys: [...others, last].map(({ jwk }) => jwk) })
    expect(await build(remote(server.url, over)).verdict(await unnamed())).toBe('credential_invalid')
    expect(await build(remote(server.url, over)).verdict(await token(last))).toBe('accepted')
  })

  it('of one kid are both tried', async () => {
    server.answer({ keys: [{ ...two.jwk, kid: 'one' }, one.jwk] })
    const { verdict } = build(remote(server.url))
    expect(await verdict(await fresh(one))).toBe('accepted')
    expect(await verdict(await fresh({ ...two, kid: 'one' }))).toBe('accepted')
  })

  it('are not shared between issuers, whatever their kids', async () => {
    const other = await issuerServer({ keys: [{ ...two.jwk, kid: 'one' }] })
    more.push(other)
    const partner = { ...(remote(other.url)['company'] as object), issuer: 'https://partner.example.com' }
    const { verdict } = build({ ...remote(server.url), partner })
    const iss = 'https://partner.example.com'
    expect(await verdict(await token({ ...two, kid: 'one' }, { iss }))).toBe('accepted')
    expect(await verdict(await token({ ...two, kid: 'one' }))).toBe('credential_invalid')
    expect(await verdict(await token(one, { iss }))).toBe('credential_invalid')
  })
})

describe('discovery', () => {
  const allow = ['http', 'private']
  const OIDC = '/realm/.well-known/openid-configuration'
  const OAUTH = '/.well-known/oauth-authorization-server/realm'
  const iss = () => `${server.url}/realm`
  const issued = (held: Pair) => token(held, { iss: iss(), jti: String(serial++) })

  function discovering(discovery: true | string = true, over: Readonly<Record<string, unknown>> = {}) {
    return build({
      company: {
        issuer: iss(),
        audience: AUDIENCE,
        keys: { discovery, allow },
        algorithms: ['RS256'],
        ...over,
      },
    })
  }

  /** Serves documents by path; everything else is 404. */
  const serve = (documents: Readonly<Record<string, unknown>>) =>
    server.handle((request, response) => {
      const document = documents[request.url ?? '']
      if (document === undefined) response.writeHead(404).end()
      else response.end(JSON.stringify(document))
    })

  const metadata = (path = '/keys') => ({ issuer: iss(), jwks_uri: `${server.url}${path}` })

  it('finds the key set where OpenID Connect says, else where RFC 8414 says', async () => {
    for (const [path, asked] of [
      [OIDC, [OIDC, '/keys']],
      [OAUTH, [OIDC, OAUTH, '/keys']],
    ] as const) {
      server.paths.length = 0
      serve({ [path]: metadata(), '/keys': { keys: [one.jwk] } })
      expect(await discovering().verdict(await issued(one))).toBe('accepted')
      expect(server.paths).toEqual(asked)
    }
  })

  it('asks only the document that the policy names, where it names one', async () => {
    serve({ '/meta': metadata(), '/keys': { keys: [one.jwk] } })
    expect(await discovering(`${server.url}/meta`).verdict(await issued(one))).toBe('accepted')
    expect(server.paths).toEqual(['/meta', '/keys'])
  })

  it.each(['/', '/realm/', '/Realm', ''])(
    'refuses the document of another issuer (%j behind the host)',
    async (path) => {
      serve({ [OIDC]: { ...metadata(), issuer: `${server.url}${path}` }, '/keys': { keys: [one.jwk] } })
      expect(await discovering().verdict(await issued(one))).toBe('issuer_unavailable')
      expect(server.paths).not.toContain('/keys')
    },
  )

  it.each([
    undefined,
    1,
    'file:///etc/passwd',
    'http://user:word@127.0.0.1/keys',
    '/keys',
    'http://127.0.0.1/keys#x',
  ])('refuses the jwks_uri %j', async (uri) => {
    serve({ [OIDC]: { issuer: iss(), jwks_uri: uri } })
    const { verdict, outside: at } = discovering()
    expect(await verdict(await issued(one))).toBe('issuer_unavailable')
    expect(at.fetched).toHaveLength(2)
  })

  it('judges the jwks_uri by what the issuer allows, as if it stood in the policy', async () => {
    const fetched: string[] = []
    const at = outside({
      fetchText: async (url) => {
        fetched.push(url)
        const path = new URL(url).pathname
        if (path.includes('openid')) return JSON.stringify({ issuer: ISSUER, jwks_uri: uri })
        throw new Error('404')
      },
    })
    let uri = ''
    for (uri of [
      'http://keys.example.com/',
      'https://10.0.0.1/keys',
      'https://[::1]/',
      'https://localhost/',
    ]) {
      const keys = { discovery: true }
      const { verdict } = build(
        { company: { issuer: ISSUER, audience: AUDIENCE, keys, algorithms: ['RS256'] } },
        { at },
      )
      expect(await verdict(await fresh(one))).toBe('issuer_unavailable')
    }
    expect(fetched.every((url) => url.includes('/.well-known/'))).toBe(true)
  })

  it('keeps what it found for an hour, and longer while it cannot be found again', async () => {
    serve({ [OIDC]: metadata(), '/keys': { keys: [one.jwk] } })
    const { verdict, outside: at } = discovering()
    const asked = async (advance: number) => {
      server.paths.length = 0
      at.clock += advance
      expect(await verdict(await issued(one))).toBe('accepted')
      return [...server.paths]
    }
    expect(await asked(0)).toEqual([OIDC, '/keys'])
    expect(await asked(11 * MINUTE)).toEqual(['/keys'])
    expect(await asked(50 * MINUTE)).toEqual([OIDC, '/keys'])
    serve({ '/keys': { keys: [one.jwk] } })
    expect(await asked(61 * MINUTE)).toEqual([OIDC, OAUTH, '/keys'])
  })

  it('looks again when the key set is no longer where it was', async () => {
    serve({ [OIDC]: metadata(), '/keys': { keys: [one.jwk] } })
    const { verdict, outside: at } = discovering()
    expect(await verdict(await issued(one))).toBe('accepted')
    serve({ [OIDC]: metadata('/moved'), '/moved': { keys: [two.jwk] } })
    at.clock += 11 * MINUTE
    expect(await verdict(await issued(one))).toBe('accepted')
    at.clock += MINUTE
    expect(await verdict(await issued(two))).toBe('accepted')
    expect(server.paths.slice(-2)).toEqual([OIDC, '/moved'])
  })
})
