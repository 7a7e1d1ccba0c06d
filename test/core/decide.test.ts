import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { AddressSet, parseNetwork } from '../../src/core/address.ts'
import { decide } from '../../src/core/decide.ts'
import { DenyCache } from '../../src/core/deny-cache.ts'
import type { Engine, Route } from '../../src/core/engine.ts'
import { IdentityPlan } from '../../src/core/identity.ts'
import { isClientLimit, type Limit } from '../../src/core/limit.ts'
import { type Matcher, RouteTable } from '../../src/core/match.ts'
import type { Authentication, Authenticator, ForwardedRequest, Ports } from '../../src/core/model.ts'
import { RoleBook } from '../../src/core/roles.ts'
import { Standings } from '../../src/core/standing.ts'
import { MemoryStore } from '../../src/stores/memory.ts'
import { portsOf } from '../support/ports.ts'
import { principalOf } from '../support/principal.ts'

const SECOND = 1_000_000

const ann = principalOf()

let asked: string[] = []
beforeEach(() => {
  asked = []
})

/** An authenticator that always says the same. */
const says = (answer: Authentication, type = answer.is, fallback = false): Authenticator => ({
  type,
  fallback,
  authenticate: () => {
    asked.push(type)
    return answer
  },
})
const absent = says({ is: 'absent' })
const accepted = says({ is: 'accepted', principal: ann })
const rejected = says({ is: 'rejected', reason: 'credential_invalid' })
const unavailable = says({ is: 'unavailable', reason: 'issuer_unavailable', cause: new Error('down') })
const nobody = says(
  { is: 'accepted', principal: { ...ann, id: '', type: 'anonymous', issuer: 'anonymous' } },
  'anonymous' as never,
  true,
)

const limit = (name: string, by: Limit['by'], burst: number): Limit => ({
  name,
  by,
  burst,
  count: burst,
  window: burst * SECOND,
  interval: SECOND,
  ipv6: 64,
  onOutage: 'local',
})
const use = (name: string, by: Limit['by'], burst: number, cost = 1) => ({
  limit: limit(name, by, burst),
  cost,
})

const networks = (...texts: string[]) =>
  new AddressSet(
    texts.map((text) => {
      const reading = parseNetwork(text)
      if (!reading.ok) throw new Error(text)
      return reading.network
    }),
  )

type Part = Partial<Omit<Route, 'credentials'>> & { readonly authenticators?: readonly Authenticator[] }

const route = ({ authenticators = [accepted], limits = [], ...part }: Part = {}): Route => ({
  name: 'app',
  networks: null,
  places: null,
  origins: null,
  credentials: authenticators.map((authenticator) => ({ authenticator, variants: null })),
  require: { roles: [], permissions: [], scopes: [], tenant: null, authentication: null },
  limits,
  clientLimits: limits.filter(({ limit }) => isClientLimit(limit)),
  furtherLimits: limits.filter(({ limit }) => !isClientLimit(limit)),
  preflight: false,
  parameters: [],
  ...part,
})

function world(one: Route, match: Partial<Matcher> = {}) {
  let micros = 0
  const matcher = { host: null, path: '/**', methods: null, ...match }
  const identity = new IdentityPlan({
    id: 'X-Auth-User',
    email: 'E',
    roles: 'R',
    permissions: 'P',
    tenant: 'T',
    method: 'M',
  })
  const engine: Engine = {
    proxies: new Map(),
    trustedHops: networks(),
    methods: new Set(['GET', 'HEAD', 'POST', 'OPTIONS', 'DELETE']),
    routes: new RouteTable([{ route: one, match: matcher }]),
    identity,
    standings: new Standings(new RoleBook(new Map()), identity),
    denials: new DenyCache(100),
    penalty: null,
    connections: new Map(),
    instances: 1,
  }
  const ports: Ports = portsOf({
    counters: new MemoryStore({ micros: () => micros, random32: () => 5 }, 1024),
    now: () => 1_000_000 + micros / 1000,
    ticks: () => micros / 1000,
  })
  const ask = async (part: Partial<ForwardedRequest> & { header?: Record<string, string> } = {}) => {
    const { header = {}, ...rest } = part
    return decide(
      {
        proxy: 'traefik',
        method: 'GET',
        scheme: 'https',
        host: 'a.example',
        target: '/x?y',
        forwardedFor: '203.0.113.9',
        headers: {
          lines: (name) =>
            Object.entries(header).flatMap(([key, value]) => (key.toLowerCase() === name ? [value] : [])),
          names: () => Object.keys(header),
        },
        ...rest,
      },
      engine,
      ports,
    )
  }
  return { ask, pass: (seconds: number) => (micros += seconds * SECOND) }
}

const reasonOf = async (one: Route, part: Parameters<ReturnType<typeof world>['ask']>[0] = {}) =>
  (await world(one).ask(part)).reason

describe('decide', () => {
  it('allows with every identity header and leaves nothing of the caller in them', async () => {
    const decision = await world(route()).ask({ header: { 'X-Auth-User': 'root' } })
    expect(decision).toMatchObject({ verdict: 'allow', reason: null, route: 'app', principal: ann })
    expect(decision.identity).toEqual({ 'X-Auth-User': 'ann', E: '', R: '', P: '', T: '', M: 'jwt:a' })
  })

  it('keeps absent, rejected and unavailable apart', async () => {
    expect(await reasonOf(route({ authenticators: [absent] }))).toBe('credential_missing')
    expect(await reasonOf(route({ authenticators: [rejected] }))).toBe('credential_invalid')
    expect(await reasonOf(route({ authenticators: [unavailable] }))).toBe('issuer_unavailable')
  })

  it('J25 does not rescue a rejected credential with another authenticator, before it or behind it', async () => {
    expect(await reasonOf(route({ authenticators: [rejected, accepted] }))).toBe('credential_invalid')
    expect(await reasonOf(route({ authenticators: [accepted, rejected] }))).toBe('credential_invalid')
    expect(await reasonOf(route({ authenticators: [rejected, nobody] }))).toBe('credential_invalid')
  })

  it('changes nothing when an authenticator is added to one that rejects', async () => {
    const any = fc.constantFrom(absent, accepted, rejected, unavailable, nobody)
    await fc.assert(
      fc.asyncProperty(
        fc.array(any, { maxLength: 3 }),
        fc.array(any, { maxLength: 3 }),
        async (before, behind) => {
          const decision = await world(route({ authenticators: [...before, rejected, ...behind] })).ask()
          expect(decision).toMatchObject({ verdict: 'deny', principal: null, identity: null })
          expect(['credential_invalid', 'credential_repeated']).toContain(decision.reason)
        },
      ),
    )
  })

  it('refuses two good credentials, which contradict each other', async () => {
    expect(await reasonOf(route({ authenticators: [accepted, accepted] }))).toBe('credential_repeated')
  })

  it('asks the fallback only where nothing was presented', async () => {
    expect((await world(route({ authenticators: [nobody, absent] })).ask()).principal?.type).toBe('anonymous')
    asked = []
    expect((await world(route({ authenticators: [nobody, accepted] })).ask()).principal?.id).toBe('ann')
    expect(asked).toEqual(['accepted'])
    expect(await reasonOf(route({ authenticators: [nobody, unavailable] }))).toBe('issuer_unavailable')
  })

  it('denies by default: no route, no entry', async () => {
    const { ask } = world(route(), { path: '/only' })
    expect(await ask()).toMatchObject({ verdict: 'deny', reason: 'route_missing', route: null })
  })

  it.each([
    { method: 'get' },
    { method: 'FOO' },
    { method: 'GET, DELETE' },
    { method: 'TRACE' },
    { scheme: 'ftp' },
    { scheme: 'HTTPS' },
    { scheme: '__proto__' },
    { host: 'u@app' },
    { host: 'app,evil' },
    { host: '' },
  ])('P10 H05 refuses the field %j', async (part) =>
    expect(await reasonOf(route(), part)).toBe('request_malformed'),
  )

  it('P10 takes the method from the proxy only, whatever an override header says', async () => {
    const { ask } = world(route(), { methods: ['GET'] })
    expect((await ask({ method: 'DELETE', header: { 'X-HTTP-Method-Override': 'GET' } })).reason).toBe(
      'route_missing',
    )
  })

  it('P07 never lets the query decide', async () => {
    const { ask } = world(route(), { path: '/public/**' })
    for (const target of ['/private?x=/public', '/api/private?path=/public/x', '/private?/../public']) {
      expect((await ask({ target })).reason).toBe('route_missing')
    }
    expect((await ask({ target: '/private/#/public' })).reason).toBe('path_malformed')
    expect((await ask({ target: '/public/x?a=%00&b=\\#é' })).verdict).toBe('allow')
  })

  it('maps ws and wss to the schemes they stand on', async () => {
    expect((await world(route()).ask({ scheme: 'wss' })).request.scheme).toBe('https')
  })

  it('checks networks before any credential, deny first, and an unknown client fits no rule', async () => {
    const allow = route({ networks: { allow: networks('203.0.113.0/24'), deny: networks('203.0.113.9') } })
    expect(await reasonOf(allow)).toBe('network_denied')
    expect(asked).toEqual([])
    expect(await reasonOf(allow, { forwardedFor: '203.0.113.8' })).toBe(null)
    expect(await reasonOf(allow, { forwardedFor: '198.51.100.1' })).toBe('network_denied')
    const denyOnly = route({ networks: { allow: null, deny: networks('10.0.0.0/8') } })
    expect(await reasonOf(denyOnly, { forwardedFor: 'unknown' })).toBe('network_denied')
    expect(await reasonOf(route(), { forwardedFor: 'unknown' })).toBe(null)
  })

  it('checks where a client is, where a route says so, and takes nobody whose place is unknown', async () => {
    const german = route({ places: { countries: { allow: new Set(['DE']), deny: null }, asns: null } })
    const from = (country: string | null) => reasonOf(german, { place: { country, asn: null } })
    expect([await from('DE'), await from('FR'), await from(null)]).toEqual([
      null,
      'place_denied',
      'place_denied',
    ])
    expect(await reasonOf(german)).toBe('place_denied')
    expect(asked).toEqual(['accepted'])
  })

  it('W01 lets in only the origins that a route names, and requests that have none', async () => {
    const own = route({ origins: new Set(['https://a.example']) })
    expect(await reasonOf(own, { header: { Origin: 'https://a.example' } })).toBe(null)
    expect(await reasonOf(own, { header: { Origin: 'https://evil.example' } })).toBe('origin_denied')
    expect(await reasonOf(own, { header: { Origin: 'null' } })).toBe('origin_denied')
    expect(await reasonOf(own)).toBe(null)
  })

  it('H02 refuses an alias of an identity header before it looks at anything else', async () => {
    expect(await reasonOf(route(), { header: { X_Auth_User: 'root' } })).toBe('header_alias')
    expect(await reasonOf(route(), { header: { Connection: 'X-Auth-User' } })).toBe('header_alias')
  })
})

describe('preflights', () => {
  const preflight = { Origin: 'https://app.example', 'Access-Control-Request-Method': 'POST' }
  const open = route({ preflight: true, authenticators: [absent] })

  it('C01 pass without a credential and with empty identity where the route says so', async () => {
    const decision = await world(open, { methods: ['POST'] }).ask({ method: 'OPTIONS', header: preflight })
    expect(decision).toMatchObject({ verdict: 'allow', principal: null })
    expect(Object.values(decision.identity ?? {})).toEqual(['', '', '', '', '', ''])
    expect(asked).toEqual([])
  })

  it.each([
    ['no Access-Control-Request-Method', 'OPTIONS', { Origin: 'https://app.example' }],
    ['no Origin', 'OPTIONS', { 'Access-Control-Request-Method': 'POST' }],
    ['another method', 'POST', preflight],
    [
      'an empty Access-Control-Request-Method',
      'OPTIONS',
      { ...preflight, 'Access-Control-Request-Method': '' },
    ],
    ['a list of methods', 'OPTIONS', { ...preflight, 'Access-Control-Request-Method': 'POST, DELETE' }],
    ['an empty Origin', 'OPTIONS', { ...preflight, Origin: '' }],
    [
      'two Origins in one line',
      'OPTIONS',
      { ...preflight, Origin: 'https://app.example, https://b.example' },
    ],
  ])('C01 are nothing with %s', async (_, method, header) =>
    expect((await world(open).ask({ method, header: header as Record<string, string> })).reason).toBe(
      'credential_missing',
    ),
  )

  it('C01 are judged like any request on a route that does not say so', async () => {
    expect(
      await reasonOf(route({ authenticators: [absent] }), { method: 'OPTIONS', header: preflight }),
    ).toBe('credential_missing')
  })

  it('C01 do not open a route for a method that it does not have', async () => {
    const header = { ...preflight, 'Access-Control-Request-Method': 'DELETE' }
    expect((await world(open, { methods: ['POST'] }).ask({ method: 'OPTIONS', header })).reason).toBe(
      'route_missing',
    )
  })

  it('C01 still obey networks and client limits', async () => {
    const closed = route({ preflight: true, networks: { allow: networks('10.0.0.0/8'), deny: null } })
    expect(await reasonOf(closed, { method: 'OPTIONS', header: preflight })).toBe('network_denied')
    const { ask } = world(
      route({ preflight: true, limits: [use('c', ['client'], 1), use('p', ['principal'], 1)] }),
    )
    expect((await ask({ method: 'OPTIONS', header: preflight })).verdict).toBe('allow')
    expect((await ask({ method: 'OPTIONS', header: preflight })).reason).toBe('limit_exceeded')
  })
})

describe('limits in a decision', () => {
  it('are charged together: a denial by one costs the others nothing', async () => {
    const { ask } = world(route({ limits: [use('c', ['client'], 10), use('p', ['principal'], 1)] }))
    const first = await ask()
    expect(first.quotas.map(({ limit: { name }, remaining }) => [name, remaining])).toEqual([
      ['c', 9],
      ['p', 0],
    ])
    const second = await ask()
    expect(second.reason).toBe('limit_exceeded')
    expect(second.quotas.map(({ ok, remaining }) => [ok, remaining])).toEqual([
      [true, 9],
      [false, 0],
    ])
  })

  it('let a bad credential cost its client, and an exhausted client with a bad credential gets 429', async () => {
    const { ask } = world(
      route({ authenticators: [rejected], limits: [use('c', ['client'], 2), use('p', ['principal'], 1)] }),
    )
    expect((await ask()).reason).toBe('credential_invalid')
    expect((await ask()).reason).toBe('credential_invalid')
    expect((await ask()).reason).toBe('limit_exceeded')
  })

  it('keep a client that is over its limit away from authenticators and store until it may come again', async () => {
    const { ask, pass } = world(route({ limits: [use('c', ['client'], 1)] }))
    await ask()
    await ask()
    asked = []
    const known = await ask()
    expect(known.reason).toBe('limit_exceeded')
    expect(known.quotas[0]).toMatchObject({ ok: false, wait: 1000 })
    expect(asked).toEqual([])
    pass(1)
    expect((await ask()).verdict).toBe('allow')
  })

  it('do not charge the principal for what its client may not do', async () => {
    const demanding = route({
      limits: [use('p', ['principal'], 1)],
      require: { roles: ['admin'], permissions: [], scopes: [], tenant: null, authentication: null },
    })
    const { ask } = world(demanding)
    for (let i = 0; i < 3; i++) expect((await ask()).reason).toBe('role_missing')
  })

  it('by tenant refuse a principal that has none', async () => {
    expect(await reasonOf(route({ limits: [use('t', ['tenant'], 5)] }))).toBe('tenant_missing')
  })

  it('of a principal’s own are charged beside those of the route, once', async () => {
    const own = says({
      is: 'accepted',
      principal: { ...ann, limits: [use('k', ['principal'], 3), use('c', ['client'], 9)] },
    })
    const decision = await world(route({ authenticators: [own], limits: [use('c', ['client'], 9)] })).ask()
    expect(decision.quotas.map(({ limit: { name }, remaining }) => [name, remaining])).toEqual([
      ['c', 8],
      ['k', 2],
    ])
  })

  it('R03 count one client once, however it spells path, host or address', async () => {
    const { ask } = world(route({ limits: [use('c', ['client'], 3)] }))
    await ask({ target: '/a%20b', host: 'A.example.', forwardedFor: '10.0.0.1, 203.0.113.9' })
    await ask({ target: '/A', forwardedFor: '203.0.113.9:4711' })
    await ask({ forwardedFor: '::ffff:203.0.113.9' })
    expect((await ask()).reason).toBe('limit_exceeded')
  })

  it('R07 admit exactly ten of a hundred at once', async () => {
    const { ask } = world(route({ limits: [use('c', ['client'], 10)] }))
    const decisions = await Promise.all(Array.from({ length: 100 }, () => ask()))
    expect(decisions.filter(({ verdict }) => verdict === 'allow')).toHaveLength(10)
  })
})
