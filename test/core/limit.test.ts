import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../src/core/address.ts'
import { arrive, chargesOf, isClientLimit, type Limit, needsTenant, quotasOf } from '../../src/core/limit.ts'
import type { Principal } from '../../src/core/model.ts'
import { principalOf } from '../support/principal.ts'

const SECOND = 1_000_000

/** The oracle: a token bucket in exact rational arithmetic, the textbook twin of the algorithm under test. */
class TokenBucket {
  #micros = 0n
  #last: bigint
  readonly #interval: bigint
  readonly #burst: bigint

  constructor(interval: number, burst: number, now: number) {
    this.#interval = BigInt(interval)
    this.#burst = BigInt(burst)
    this.#micros = this.#interval * this.#burst
    this.#last = BigInt(now)
  }

  take(now: number, cost: number): boolean {
    const filled = this.#micros + (BigInt(now) - this.#last)
    const top = this.#interval * this.#burst
    this.#micros = filled > top ? top : filled
    this.#last = BigInt(now)
    const price = this.#interval * BigInt(cost)
    if (price > this.#micros) return false
    this.#micros -= price
    return true
  }
}

const interval = fc.integer({ min: 1, max: 10 * SECOND })
const burst = fc.integer({ min: 1, max: 50 })
const steps = fc.array(
  fc.record({
    after: fc.oneof(fc.constant(0), fc.nat(SECOND), fc.nat(60 * SECOND)),
    cost: fc.integer({ min: 1, max: 5 }),
  }),
  { maxLength: 200 },
)

describe('the limiter', () => {
  it('admits exactly what a token bucket in rational arithmetic admits', () => {
    fc.assert(
      fc.property(interval, burst, steps, (each, most, list) => {
        let now = 1_795_100_000_123_456
        const oracle = new TokenBucket(each, most, now)
        let stored: number | null = null
        for (const { after, cost } of list) {
          now += after
          const arrival = arrive(stored, now, each, most, cost)
          expect(arrival.ok).toBe(oracle.take(now, cost))
          if (arrival.ok) stored = arrival.next
          expect(Number.isSafeInteger(arrival.next)).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('never admits more than burst + rate x window in any window', () => {
    fc.assert(
      fc.property(interval, burst, steps, (each, most, list) => {
        let now = 0
        let stored: number | null = null
        const admitted: { at: number; cost: number }[] = []
        for (const { after, cost } of list) {
          now += after
          const arrival = arrive(stored, now, each, most, cost)
          if (!arrival.ok) continue
          stored = arrival.next
          admitted.push({ at: now, cost })
        }
        for (const [start, first] of admitted.entries()) {
          let sum = 0
          for (const { at, cost } of admitted.slice(start)) {
            sum += cost
            expect(sum).toBeLessThanOrEqual(most + Math.floor((at - first.at) / each))
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  it('says how long to wait: a moment earlier is refused, then it passes', () => {
    fc.assert(
      fc.property(interval, burst, fc.nat(100 * SECOND), (each, most, stored) => {
        const denied = arrive(stored, 0, each, most, most)
        if (denied.ok) return
        expect(arrive(Math.min(stored, each * most), denied.wait, each, most, most).ok).toBe(true)
        expect(arrive(Math.min(stored, each * most), denied.wait - 1, each, most, most).ok).toBe(false)
      }),
    )
  })

  it('is monotone in cost: what refuses a cheap request refuses a dear one', () => {
    fc.assert(
      fc.property(interval, burst, fc.nat(SECOND), fc.nat(20), (each, most, stored, cost) => {
        if (!arrive(stored, 0, each, most, cost).ok)
          expect(arrive(stored, 0, each, most, cost + 1).ok).toBe(false)
      }),
    )
  })

  it('heals at once when a limit shrinks or the clock steps back an hour', () => {
    const shrunk = arrive(100 * SECOND, 0, SECOND, 10, 1)
    expect(shrunk).toMatchObject({ ok: false, wait: SECOND })
    const stepped = arrive(7200 * SECOND, 3600 * SECOND, SECOND, 10, 1)
    expect(stepped.wait).toBe(SECOND)
  })

  it('tells all of a bucket: what is left, when it is full again and what is to be stored', () => {
    expect(arrive(null, 100, 10, 5, 1)).toEqual({ ok: true, next: 110, remaining: 4, full: 10, wait: 0 })
    expect(arrive(null, 100, 10, 5, 5)).toEqual({ ok: true, next: 150, remaining: 0, full: 50, wait: 0 })
    expect(arrive(null, 100, 10, 5, 6)).toEqual({ ok: false, next: 160, remaining: 5, full: 0, wait: 10 })
    expect(arrive(145, 100, 10, 5, 1)).toEqual({ ok: false, next: 155, remaining: 0, full: 45, wait: 5 })
    expect(arrive(90, 100, 10, 5, 1)).toEqual({ ok: true, next: 110, remaining: 4, full: 10, wait: 0 })
  })

  it('peeks at cost 0 and gives back at a negative cost, never beyond full', () => {
    expect(arrive(3 * SECOND, 0, SECOND, 10, 0)).toMatchObject({ ok: true, next: 3 * SECOND, remaining: 7 })
    expect(arrive(3 * SECOND, 0, SECOND, 10, -2)).toMatchObject({ next: SECOND, remaining: 9 })
    expect(arrive(SECOND, 0, SECOND, 10, -5)).toMatchObject({ next: 0, remaining: 10 })
  })
})

const limit = (by: Limit['by'], ipv6 = 64): Limit => ({
  name: 'l',
  by,
  count: 60,
  window: 60 * SECOND,
  burst: 10,
  interval: SECOND,
  ipv6,
  onOutage: 'local',
})
const client = (text: string) => parseAddress(text)
const keys = (by: Limit['by'], who: Principal | null, from: string, route = 'r') =>
  chargesOf([{ limit: limit(by), cost: 1 }], { client: client(from), principal: who, route }).map(
    ({ key }) => key,
  )

describe('the buckets of a limit', () => {
  it('R01 puts every address of an IPv6 /64 into one bucket, and every /64 of a /48 under one ceiling', () => {
    const [inner, outer] = keys(['client'], null, '2001:db8:1:2::1')
    expect(keys(['client'], null, '2001:db8:1:2:ffff::9')).toEqual([inner, outer])
    const [otherInner, sameOuter] = keys(['client'], null, '2001:db8:1:3::1')
    expect(otherInner).not.toBe(inner)
    expect(sameOuter).toBe(outer)
    expect(keys(['client'], null, '2001:db8:2::1')[1]).not.toBe(outer)
  })

  it('R01 gives the /48 sixteen times the limit, so that a household is not held to a host', () => {
    const use = { limit: limit(['client']), cost: 1 }
    const [, ceiling] = chargesOf([use], { client: client('2001:db8::1'), principal: null, route: 'r' })
    expect(ceiling).toMatchObject({ burst: 160, interval: SECOND / 16 })
  })

  it('counts an IPv4 client by its whole address', () => {
    expect(keys(['client'], null, '10.0.0.1')).toHaveLength(1)
    expect(keys(['client'], null, '10.0.0.1')).not.toEqual(keys(['client'], null, '10.0.0.2'))
  })

  it('keeps the same id of two issuers apart, whatever characters they hold', () => {
    const text = fc.string({ maxLength: 12 })
    fc.assert(
      fc.property(text, text, text, text, (issuer, id, issuer2, id2) => {
        const same = issuer === issuer2 && id === id2
        const one = keys(['principal', 'route'], principalOf({ issuer, id }), '10.0.0.1')
        const two = keys(['principal', 'route'], principalOf({ issuer: issuer2, id: id2 }), '10.0.0.1')
        expect(one[0] === two[0]).toBe(same)
      }),
    )
  })

  it('counts nobody by address, so that strangers do not spend each other’s quota', () => {
    const nobody = principalOf({ type: 'anonymous', issuer: 'anonymous', id: '' })
    expect(keys(['principal'], nobody, '10.0.0.1')).not.toEqual(keys(['principal'], nobody, '10.0.0.2'))
    expect(keys(['principal'], nobody, '2001:db8::1')).toEqual(keys(['principal'], nobody, '2001:db8::2'))
  })

  it('charges before authentication only what needs no principal', () => {
    expect(isClientLimit(limit(['client']))).toBe(true)
    expect(isClientLimit(limit(['client', 'route']))).toBe(true)
    expect(isClientLimit(limit(['route']))).toBe(false)
    expect(isClientLimit(limit(['client', 'principal']))).toBe(false)
    expect(isClientLimit(limit(['client', 'tenant']))).toBe(false)
  })

  it('gives two requests one bucket exactly when they agree in everything that the limit counts by', () => {
    const texts = fc.constantFrom('', 'a', 'b', '|t:', '|p:1:', 'a|t:a', 'a|p:1:a:a', '1', ':')
    const who = fc.option(
      fc.record({
        type: fc.constantFrom('jwt', 'anonymous'),
        issuer: texts,
        id: texts,
        tenant: fc.array(texts, { minLength: 1, maxLength: 2 }).map((list) => list.join('')),
      }),
    )
    const subject = fc.record({
      who,
      from: fc.constantFrom('10.0.0.1', '10.0.0.2'),
      route: fc.constantFrom('r', 's'),
    })
    const dimensions = fc.shuffledSubarray(['client', 'principal', 'tenant', 'route'] as const, {
      minLength: 1,
    })
    type Subject = {
      who: { type: string; issuer: string; id: string; tenant: string } | null
      from: string
      route: string
    }
    const facts = ({ who: one, from, route }: Subject, by: Limit['by']) =>
      by.map((dimension) => {
        if (dimension === 'client') return from
        if (dimension === 'route') return route
        if (dimension === 'tenant') return one?.tenant ?? ''
        return one === null || one.type === 'anonymous' ? { from } : { issuer: one.issuer, id: one.id }
      })
    const key = ({ who: one, from, route }: Subject, by: Limit['by']) =>
      keys(by, one === null ? null : principalOf(one), from, route)
    fc.assert(
      fc.property(subject, subject, dimensions, (one, two, by) => {
        const same = JSON.stringify(facts(one, by)) === JSON.stringify(facts(two, by))
        expect(key(one, by)[0] === key(two, by)[0]).toBe(same)
      }),
      { numRuns: 3000 },
    )
  })

  it.each([
    ['tenant', 'principal'],
    ['principal', 'tenant'],
  ] as const)(
    'by %s and %s keeps a tenant apart from one whose name looks like part of a principal',
    (...by) => {
      const key = (tenant: string, id: string) =>
        keys(by, principalOf({ issuer: 'i', tenant, id }), '10.0.0.1')
      expect(key('x|p:1:i:', 'q')).not.toEqual(key('x', '|p:1:i:q'))
      expect(key('x|t:y', 'q')).not.toEqual(key('y', 'q|t:x'))
      expect(key('x|t:1:y', 'q')).not.toEqual(key('1:y', 'q|t:x'))
    },
  )

  it('never shares a bucket with another limit', () => {
    const uses = ['a', 'b'].map((name) => ({ limit: { ...limit(['client']), name }, cost: 1 }))
    const [one, two] = chargesOf(uses, { client: client('10.0.0.1'), principal: null, route: 'r' })
    expect(one?.key).not.toBe(two?.key)
  })

  it('counts an unknown client as one, told apart from every address', () => {
    const [unknown] = chargesOf([{ limit: limit(['client']), cost: 1 }], {
      client: null,
      principal: null,
      route: 'r',
    })
    expect(unknown?.key).toBe(
      chargesOf([{ limit: limit(['client']), cost: 1 }], {
        client: null,
        principal: principalOf(),
        route: 's',
      })[0]?.key,
    )
    for (const from of ['10.0.0.1', '2001:db8::1'])
      expect(keys(['client'], null, from)).not.toContain(unknown?.key)
  })

  it('charges cost, rate and burst as the limit and its use say, the /48 at its own rate rounded up', () => {
    const odd: Limit = { ...limit(['client', 'route']), interval: 33, burst: 7 }
    const charges = chargesOf([{ limit: odd, cost: 3 }], {
      client: client('2001:db8::1'),
      principal: null,
      route: 'r',
    })
    expect(charges).toMatchObject([
      { limit: odd, interval: 33, burst: 7, cost: 3 },
      { limit: odd, interval: 3, burst: 112, cost: 3 },
    ])
  })

  it('puts no ceiling over a client that is a /16 or wider already, and one over anything narrower', () => {
    const count = (ipv6: number) =>
      chargesOf([{ limit: limit(['client'], ipv6), cost: 1 }], {
        client: client('2001:db8::1'),
        principal: null,
        route: 'r',
      }).length
    expect([8, 16, 17, 32, 64, 128].map(count)).toEqual([1, 1, 2, 2, 2, 2])
  })

  it('counts a principal of an IPv6 client once, and one that is nobody as the client it comes from', () => {
    expect(keys(['principal'], principalOf(), '2001:db8::1')).toHaveLength(1)
    expect(keys(['route'], null, '2001:db8::1')).toHaveLength(1)
    expect(keys(['principal'], principalOf({ type: 'anonymous' }), '2001:db8::1')).toHaveLength(2)
    expect(keys(['client', 'principal'], principalOf(), '2001:db8::1')).toHaveLength(2)
  })

  it('tells the store the tenant where the principal is known, so that revoking the tenant reaches the charge', () => {
    const tenants = (by: Limit['by'], tenant: string | null, from = '10.0.0.1') =>
      chargesOf([{ limit: limit(by), cost: 1 }], {
        client: client(from),
        principal: principalOf({ tenant }),
        route: 'r',
      }).map((charge) => charge.tenant)
    expect(tenants(['principal'], 'acme')).toEqual(['acme'])
    expect(tenants(['client', 'tenant'], 'acme', '2001:db8::1')).toEqual(['acme', 'acme'])
    expect(tenants(['principal'], null)).toEqual([undefined])
    // It may be charged before anybody is known.
    expect(tenants(['client'], 'acme')).toEqual([undefined])
  })

  it('needs a tenant exactly when it counts by one', () => {
    expect(needsTenant(limit(['tenant']))).toBe(true)
    expect(needsTenant(limit(['client', 'tenant']))).toBe(true)
    expect(needsTenant(limit(['client', 'principal', 'route']))).toBe(false)
  })
})

describe('the state of limits after a charge', () => {
  const charge = (one: Limit) => ({ limit: one, key: '', interval: 1, burst: 1, cost: 1, tenant: undefined })
  const told = fc.record({ ok: fc.boolean(), remaining: fc.nat(9), full: fc.nat(9), wait: fc.nat(9) })

  it('is that of the scarcest bucket of each limit, limit by limit in the order of the charge', () => {
    const buckets = fc.array(fc.array(told, { minLength: 1, maxLength: 3 }), { maxLength: 4 })
    fc.assert(
      fc.property(buckets, (groups) => {
        const limits = groups.map((_, index) => ({ ...limit(['client']), name: String(index) }))
        const charges = groups.flatMap((group, index) => group.map(() => charge(limits[index] as Limit)))
        const expected = groups.map((group, index) => ({
          limit: limits[index],
          ok: group.every(({ ok }) => ok),
          remaining: Math.min(...group.map(({ remaining }) => remaining)),
          full: Math.max(...group.map(({ full }) => full)),
          wait: Math.max(...group.map(({ wait }) => wait)),
        }))
        expect(quotasOf(charges, groups.flat())).toEqual(expected)
      }),
    )
  })
})
