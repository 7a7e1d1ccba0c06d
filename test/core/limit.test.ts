import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../src/core/address.ts'
import { arrive, chargesOf, isClientLimit, type Limit } from '../../src/core/limit.ts'
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
})
