/** Attacks on limits, and on the store that counts them. */
import { describe, expect, it } from 'vitest'
import type { Charging, Counters } from '../../src/core/model.ts'
import { guarded } from '../../src/state/guard.ts'
import { type Store, StoreFault } from '../../src/stores/contract.ts'
import { MemoryStore } from '../../src/stores/memory.ts'
import { type Asked, type Service, serviceOf } from '../support/service.ts'
import { titled } from './attack.ts'
import { attack } from './catalogue.ts'
import { alice, bearer, claims, hmac, KEYS, key } from './forge.ts'
import { POLICY, proxiesWith, VARIABLES } from './stage.ts'

const named = (id: string, says: string) => titled(attack(id), says)

const policy = JSON.stringify({
  ...POLICY,
  proxies: proxiesWith({ peers: ['127.0.0.1'] }),
  limits: {
    client: { by: 'client', rate: '10/hour', burst: 10 },
    own: { by: 'principal', rate: '10/hour', burst: 10 },
    shut: { by: 'client', rate: '10/hour', burst: 10, onOutage: 'deny' },
    lax: { by: 'client', rate: '10/hour', burst: 10, onOutage: 'allow' },
  },
  routes: {
    client: { match: { path: '/client/**' }, credentials: ['anonymous'], limits: ['client'] },
    own: { match: { path: '/own/**' }, credentials: ['jwt:company', 'api-key'], limits: ['own'] },
    both: { match: { path: '/both/**' }, credentials: ['jwt:company'], limits: ['client', 'own'] },
    shut: { match: { path: '/shut/**' }, credentials: ['anonymous'], limits: ['shut'] },
    lax: { match: { path: '/lax/**' }, credentials: ['anonymous'], limits: ['lax'] },
  },
})
const service = (ports: Parameters<typeof serviceOf>[1] = {}) =>
  serviceOf(policy, { variables: VARIABLES, ...ports })

/** How many of these requests pass, and what the others get. */
async function passing(
  one: Service,
  requests: readonly Asked[],
): Promise<{ passed: number; others: number[] }> {
  const statuses: number[] = []
  for (const asked of requests) statuses.push((await one.ask(asked)).trueStatus)
  const passed = statuses.filter((status) => status === 200).length
  return { passed, others: [...new Set(statuses.filter((status) => status !== 200))] }
}
const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at))
const hex = (at: number): string => at.toString(16)

describe('who is counted', () => {
  it(named('R01', 'every address of a /64 is one client'), async () => {
    const one = service()
    const requests = times(200, (at) => ({
      target: '/client/x',
      from: `2001:db8:1:2:${hex(at)}:${hex(at * 7)}::${hex(at)}`,
    }))
    expect(await passing(one, requests)).toEqual({ passed: 10, others: [429] })
    expect(
      (await one.ask({ target: '/client/x', from: '2001:db8:1:2:ffff:ffff:ffff:ffff' })).trueStatus,
    ).toBe(429)
    expect((await one.ask({ target: '/client/x', from: '2001:db8:9:2::1' })).trueStatus).toBe(200)
  })

  it(named('R01', 'all networks of a /48 together have a ceiling'), async () => {
    const one = service()
    const requests = times(2000, (at) => ({ target: '/client/x', from: `2001:db8:2:${hex(at)}::1` }))
    expect(await passing(one, requests)).toEqual({ passed: 160, others: [429] })
    expect((await one.ask({ target: '/client/x', from: '2001:db8:3::1' })).trueStatus).toBe(200)
  })

  it(named('R03', 'no spelling of address, host, path or credential is a client of its own'), async () => {
    const addresses = [
      '203.0.113.9',
      '::ffff:203.0.113.9',
      '::ffff:cb00:7109',
      '203.0.113.9:1',
      '[::ffff:203.0.113.9]:2',
      '1.2.3.4, 203.0.113.9',
    ]
    const hosts = [
      'app.example.com',
      'App.Example.COM',
      'app.example.com.',
      'app.example.com:443',
      'other.example.com',
    ]
    const paths = [
      '/client/x',
      '/client/',
      '/client/x?1',
      '/client/%78',
      '/client//x',
      '/client/x;y',
      '/client/X',
    ]
    const schemes = ['http', 'https', 'ws', 'wss']
    const methods = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE']
    const requests = times(
      300,
      (at): Asked => ({
        from: addresses[at % addresses.length] ?? '',
        host: hosts[at % hosts.length] ?? '',
        target: paths[at % paths.length] ?? '',
        scheme: schemes[at % schemes.length] ?? '',
        method: methods[at % methods.length] ?? '',
        headers: [
          ['User-Agent', String(at)],
          ['X-Real-IP', `10.0.0.${at % 250}`],
          ['Forwarded', `for=10.0.0.${at % 250}`],
        ],
      }),
    )
    expect(await passing(service(), requests)).toEqual({ passed: 10, others: [429] })

    // A subject is one in every token that it has, from wherever it asks; so is a key.
    const tokens = times(
      60,
      (at): Asked => ({
        target: '/own/x',
        from: `203.0.113.${at}`,
        headers: [
          bearer(
            hmac(
              claims({
                jti: at,
                exp: Math.floor(Date.now() / 1000) + 300 + at,
                roles: at % 2 ? ['reader'] : [],
              }),
            ),
          ),
        ],
      }),
    )
    expect(await passing(service(), tokens)).toEqual({ passed: 10, others: [429] })
    const keys = times(
      60,
      (at): Asked => ({ target: `/own/${at}`, from: `203.0.113.${at}`, headers: [key(KEYS.bot)] }),
    )
    expect(await passing(service(), keys)).toEqual({ passed: 10, others: [429] })
  })

  it(named('R08', 'bad credentials count against the client and against nobody else'), async () => {
    const one = service()
    const [, token] = alice()
    const bad: Asked[] = times(10, (at) => ({
      target: '/both/x',
      from: '203.0.113.1',
      headers: [['Authorization', `${token}${at}`]],
    }))
    expect(await passing(one, bad)).toEqual({ passed: 0, others: [401] })
    // The client has used up its limit by guessing: now even the good token of that client waits.
    expect((await one.ask({ target: '/both/x', from: '203.0.113.1', headers: [alice()] })).trueStatus).toBe(
      429,
    )
    // The principal has lost nothing, and neither has anybody else.
    expect(
      await passing(
        one,
        times(11, () => ({ target: '/both/x', from: '203.0.113.2', headers: [alice()] })),
      ),
    ).toEqual({
      passed: 10,
      others: [429],
    })
  })
})

describe('the moment', () => {
  it(named('R07', 'a hundred at once pass as often as the limit says'), async () => {
    const one = service()
    const answers = await Promise.all(times(100, (at) => one.ask({ target: `/client/${at}` })))
    expect(answers.filter(({ trueStatus }) => trueStatus === 200)).toHaveLength(10)
    for (const { trueStatus, headers } of answers.filter((answer) => answer.trueStatus !== 200)) {
      expect(trueStatus).toBe(429)
      expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
    }
  })

  it(named('R07', 'the edge of a window is no place to stand'), async () => {
    const one = service({ now: Date.parse('2026-11-21T10:59:59.900Z') })
    const burst = () =>
      passing(
        one,
        times(20, () => ({ target: '/client/x' })),
      )
    expect((await burst()).passed).toBe(10)
    one.pass(200) // into the next hour
    expect((await burst()).passed).toBe(0)
    // Six minutes are one unit; an hour is all of them, and never more than all.
    one.pass(360_000)
    expect((await burst()).passed).toBe(1)
    one.pass(3_600_000 * 24)
    expect((await burst()).passed).toBe(10)
  })
})

describe('the store', () => {
  const unguarded = { deadline: 30, ticks: () => performance.now(), random: () => 0, report: () => {} }
  const never = new Promise<never>(() => {})
  /** What the store makes of a charge. */
  const FAILURES: Readonly<Record<string, () => Charging | Promise<Charging>>> = {
    dead: () => Promise.reject(new StoreFault('unavailable', 'ECONNREFUSED')),
    'throwing at once': () => {
      throw new StoreFault('unavailable', 'ECONNREFUSED')
    },
    silent: () => never,
    slow: () => new Promise((resolve) => setTimeout(resolve, 2000, { charged: [], epoch: 1 }).unref()),
    'read-only': () => Promise.reject(new Error('READONLY You cannot write against a read only replica.')),
    moved: () => Promise.reject(new Error('MOVED 3999 127.0.0.1:6381')),
    full: () => Promise.reject(new Error("OOM command not allowed when used memory > 'maxmemory'.")),
    'not ready': () => Promise.reject(new Error('LOADING Redis is loading the dataset in memory')),
  }

  it(named('R05', 'a store that is dead, silent, slow or refuses to write never opens a limit'), async () => {
    for (const [name, charge] of Object.entries(FAILURES)) {
      const inner = { ...shell, charge } as unknown as Store
      const one = service({ ports: { counters: guarded(inner, unguarded) as unknown as Counters } })
      const twenty = (target: string) =>
        passing(
          one,
          times(20, () => ({ target })),
        )
      const start = performance.now()
      expect([name, await twenty('/client/x')]).toEqual([name, { passed: 10, others: [429] }])
      expect([name, await twenty('/shut/x')]).toEqual([name, { passed: 0, others: [503] }])
      // Open only where the policy says so, in so many words.
      expect([name, (await twenty('/lax/x')).passed]).toEqual([name, 20])
      // A breaker sees to it that sixty requests do not wait sixty times.
      expect(performance.now() - start).toBeLessThan(10_000)
      expect((await one.ask({ target: '/lax/x' })).decision.degraded).toContain('limits')
    }
  })

  it(named('R05', 'a clock that jumps by an hour, either way, gives nobody a second burst'), async () => {
    // The time of the machine jumps; what a limit is counted by does not.
    let wall = Date.now()
    let micros = 0
    const store = new MemoryStore({ micros: () => micros, random32: () => 7 })
    const one = service({ ports: { counters: store, local: store, now: () => wall } })
    const twenty = () =>
      passing(
        one,
        times(20, () => ({ target: '/client/x' })),
      )
    expect((await twenty()).passed).toBe(10)
    for (const jump of [3_600_000, -3_600_000, -3_600_000, 86_400_000, -86_400_000]) {
      wall += jump
      expect(await twenty()).toEqual({ passed: 0, others: [429] })
    }
    micros += 360_000_000
    one.pass(360_000)
    expect((await twenty()).passed).toBe(1)
  })

  it(named('R05', 'two instances whose clocks differ by five seconds admit one burst together'), async () => {
    let now = Date.now()
    const store = new MemoryStore({ micros: () => now * 1000, random32: () => 7 })
    const ports = (skew: number) => ({ ports: { counters: store, local: store, now: () => now + skew } })
    const [ahead, behind] = [service(ports(2500)), service(ports(-2500))]
    let passed = 0
    for (let at = 0; at < 40; at++)
      if ((await (at % 2 ? ahead : behind).ask({ target: '/client/x' })).trueStatus === 200) passed++
    expect(passed).toBe(10)
    now += 360_000
    for (const one of [ahead, behind]) one.pass(360_000)
    const later = [await ahead.ask({ target: '/client/x' }), await behind.ask({ target: '/client/x' })]
    expect(later.map(({ trueStatus }) => trueStatus).sort()).toEqual([200, 429])
  })

  const shell = {
    name: 'scripted',
    shared: true,
    messenger: null,
    size: () => 0,
    glance: () => null,
    ...Object.fromEntries(
      ['open', 'close', 'apply', 'get', 'find', 'list', 'changes', 'touch', 'history'].map((name) => [
        name,
        () => never,
      ]),
    ),
  }
})
