import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { charge, furtherLimits, recall, refund, together } from '../../src/core/charge.ts'
import { DenyCache } from '../../src/core/deny-cache.ts'
import type { Engine, Route } from '../../src/core/engine.ts'
import type { BucketCharge, Limit } from '../../src/core/limit.ts'
import type { Charge, Charged, Charging } from '../../src/core/model.ts'
import { portsOf } from '../support/ports.ts'
import { principalOf } from '../support/principal.ts'

const limit = { name: 'few', by: ['client'], count: 1, window: 1, burst: 1, interval: 1, ipv6: 64 } as const
const due = [
  { key: 'few|c:1', interval: 1, burst: 1, cost: 3, limit: { ...limit, onOutage: 'local' } as const },
]

describe('what is given back', () => {
  it('outlasts the request that gives it, and is no error when the store does not take it', async () => {
    const outlasting: Promise<unknown>[] = []
    const asked: (readonly Charge[])[] = []
    const ports = portsOf({
      counters: {
        charge: (charges) => {
          asked.push(charges)
          return Promise.reject<Charging>(new Error('gone'))
        },
        size: () => null,
      },
      background: (work) => void outlasting.push(work),
    })
    refund(due, ports)
    expect(asked.map(([one]) => one?.cost)).toEqual([-3])
    expect(outlasting).toHaveLength(1)
    await expect(outlasting[0]).resolves.toBe(undefined)
  })

  it('is nothing where nothing was charged', () => {
    refund([], portsOf({ background: () => expect.unreachable() }))
  })

  it('waits for nobody where the store takes it at once', () => {
    const counters = { charge: (): Charging => ({ charged: [], epoch: null }), size: () => null }
    refund(due, portsOf({ counters, background: () => expect.unreachable() }))
  })
})

const named = (name: string, by: Limit['by'] = ['client'], onOutage: Limit['onOutage'] = 'local'): Limit => ({
  ...{ name, by, count: 1, window: 1, burst: 12, interval: 4, ipv6: 64, onOutage },
})
const bucket = (one: Limit, cost = 1): BucketCharge => ({
  ...{ key: one.name, interval: one.interval, burst: one.burst, cost, limit: one, tenant: undefined },
})
const engineOf = (instances = 1) => ({ denials: new DenyCache(64), instances }) as unknown as Engine
const good = (remaining: number): Charged => ({ ok: true, remaining, full: 1, wait: 0 })
const bad: Charged = { ok: false, remaining: 0, full: 9, wait: 5 }

describe('a charge', () => {
  it('of nothing asks nobody and is paid', () => {
    const bill = charge(
      [],
      engineOf(),
      portsOf({ counters: { charge: () => expect.unreachable(), size: () => null } }),
    )
    expect(bill).toEqual({ reason: null, quotas: [], epoch: null, degraded: false })
  })

  /** What a store says to each charge, and what this instance says by itself. */
  const state = fc.record({
    store: fc.constantFrom<Charged | null>(good(7), bad, null),
    own: fc.constantFrom(good(3), bad),
    onOutage: fc.constantFrom<Limit['onOutage']>('local', 'deny', 'allow'),
    by: fc.constantFrom<Limit['by']>(['client'], ['principal']),
    cost: fc.integer({ min: 1, max: 5 }),
  })

  it('is what every limit says of its part, whichever parts of a store answer', () => {
    fc.assert(
      fc.property(
        fc.array(state, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 5 }),
        (states, instances) => {
          const due = states.map(({ by, onOutage, cost }, index) =>
            bucket(named(String(index), by, onOutage), cost),
          )
          const asked: (readonly Charge[])[] = []
          const local: (readonly Charge[])[] = []
          const engine = engineOf(instances)
          const cause = new Error('slow')
          const bill = charge(
            due,
            engine,
            portsOf({
              ticks: () => 100,
              counters: {
                charge: (charges) => {
                  asked.push(charges)
                  return { charged: states.map(({ store }) => store), epoch: 42, cause }
                },
                size: () => null,
              },
              local: {
                charge: (charges) => {
                  local.push(charges)
                  return { charged: charges.map(({ key }) => states[Number(key)]?.own ?? bad) }
                },
              },
            }),
          )
          const rows = states.map((each, index) => ({ ...each, charge: due[index] as BucketCharge }))
          const answered = rows.filter(({ store }) => store !== null)
          const silent = rows.filter(({ store }) => store === null)
          const counted = silent.filter(({ onOutage }) => onOutage === 'local')
          const denied = answered.some(({ store }) => store?.ok === false)
          const closed = !denied && silent.some(({ onOutage }) => onOutage === 'deny')
          const reached = silent.length > 0 && !denied && !closed
          const over = reached && counted.some(({ own }) => !own.ok)
          const quota = (said: Charged | null, { limit: of }: BucketCharge) => ({ limit: of, ...said })
          expect(bill).toEqual({
            reason: denied || over ? 'limit_exceeded' : closed ? 'limit_unavailable' : null,
            quotas: [
              ...answered.map((row) => quota(row.store, row.charge)),
              ...(reached ? counted.map((row) => quota(row.own, row.charge)) : []),
            ],
            epoch: 42,
            degraded: silent.length > 0,
            ...(silent.length > 0 ? { cause } : {}),
          })
          // This instance charges its part of what the store could not, and nothing where something denies anyway.
          const parts = counted.map(({ charge: one }) => ({
            ...one,
            interval: one.interval * instances,
            burst: Math.max(one.cost, Math.floor(one.burst / instances)),
          }))
          expect(local).toEqual(reached ? [parts] : [])
          // What the store did charge is given back when the rest stands in the way.
          const back = (closed || over) && answered.length > 0
          expect(asked).toEqual(
            back ? [due, answered.map(({ charge: one }) => ({ ...one, cost: -one.cost }))] : [due],
          )
          // What the store refused is known from now on, where it can be known before anybody is.
          for (const { store, by, charge: one } of rows) {
            const known = engine.denials.recall(one, 100)
            expect(known).toEqual(store?.ok === false && by[0] === 'client' ? bad : null)
            expect(engine.denials.recall(one, 104)?.wait ?? 1).toBe(1)
          }
        },
      ),
      { numRuns: 1000 },
    )
  })
})

describe('what is known of a charge beforehand', () => {
  const [one, two] = [bucket(named('one')), bucket(named('two'))]

  it('is the first bucket that denies, as the quota of its limit', () => {
    const engine = engineOf()
    expect(recall([one, two], engine, portsOf({ ticks: () => 0 }))).toBeNull()
    engine.denials.note(two, bad, 0)
    expect(recall([one, two], engine, portsOf({ ticks: () => 2 }))).toEqual({
      limit: two.limit,
      ...bad,
      wait: 3,
      full: 7,
    })
    expect(recall([one], engine, portsOf({ ticks: () => 0 }))).toBeNull()
    expect(recall([one, two], engine, portsOf({ ticks: () => 5 }))).toBeNull()
  })

  it('costs no look at the clock where nothing is known or nothing is due', () => {
    const engine = engineOf()
    const ports = portsOf({ ticks: () => expect.unreachable() })
    expect(recall([one], engine, ports)).toBeNull()
    engine.denials.note(two, bad, 0)
    expect(recall([], engine, ports)).toBeNull()
  })
})

describe('the limits of a principal', () => {
  it('are charged beside those of the route, but for limits that the route charges already', () => {
    const use = (name: string) => ({ limit: named(name), cost: 1 })
    const [a, b, c] = [use('a'), use('b'), use('c')]
    const route = { limits: [a, b], furtherLimits: [b] } as unknown as Route
    const of = (...limits: ReturnType<typeof use>[]) => furtherLimits(route, principalOf({ limits }))
    expect(of()).toEqual([b])
    expect(of(use('a'), c, use('b'))).toEqual([b, c])
  })
})

describe('two bills of one request', () => {
  it('are one: the first reason and cause, all quotas, the latest epoch, degraded if either is', () => {
    const quota = (name: string) => ({ limit: named(name), ...good(1) })
    const first = { reason: null, quotas: [quota('a')], epoch: null, degraded: false } as const
    const second = {
      reason: 'limit_exceeded',
      quotas: [quota('b')],
      epoch: 7,
      degraded: true,
      cause: 2,
    } as const
    const both = { quotas: [quota('a'), quota('b')], degraded: true }
    expect(together(first, second)).toEqual({ ...second, ...both })
    expect(together(second, first)).toEqual({ ...second, ...both, quotas: both.quotas.toReversed() })
    const third = { ...second, reason: 'limit_unavailable', epoch: 9, cause: 3 } as const
    expect(together(second, third)).toMatchObject({ reason: 'limit_exceeded', epoch: 9, cause: 2 })
    expect(together(first, first)).toEqual({ ...first, quotas: [quota('a'), quota('a')], cause: undefined })
  })
})
