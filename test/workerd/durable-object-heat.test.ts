import { listDurableObjectIds, runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Charge } from '../../src/core/model.ts'
import type { Store } from '../../src/stores/contract.ts'
import { Alarm } from '../../src/stores/durable-object/alarm.ts'
import { Buckets } from '../../src/stores/durable-object/buckets.ts'
import { Thermometer } from '../../src/stores/durable-object/heat.ts'
import { Leases } from '../../src/stores/durable-object/leases.ts'
import { PosternState } from '../../src/stores/durable-object/object.ts'
import { Shard } from '../../src/stores/durable-object/shard.ts'
import { Shelf } from '../../src/stores/durable-object/shelf.ts'
import type { Heat } from '../../src/stores/durable-object/wire.ts'
import { charge, eventually, HOUR, on, SECOND } from '../stores/conformance/rig.ts'
import { make, namespace, openStore } from './rig.ts'

const of = (key: string, burst: number, cost = 1, interval = HOUR): Charge => ({
  ...charge(key, burst, cost, interval),
  tenant: 'acme',
})

/** Sends so many calls at once, each of another principal. @returns how many were admitted */
async function burstOf(store: Store, calls: number, each: (i: number) => readonly Charge[]): Promise<number> {
  const all = await Promise.all(Array.from({ length: calls }, (_, i) => store.charge(each(i))))
  return all.filter(({ charged }) => charged.every((one) => one?.ok)).length
}

/** Makes the tenant hot, at the price of nothing but peeks. */
async function heat(store: Store, pass: ((milliseconds: number) => void) | undefined): Promise<void> {
  for (let second = 0; second < 2; second++) {
    await burstOf(store, 1000, (i) => [of(`p${i}`, 100, 0), of('tenant', 1000, 0)])
    pass?.(1000)
  }
  await burstOf(store, 1, () => [of('p0', 100, 0), of('tenant', 1000, 0)])
}

const objects = async () => (await listDurableObjectIds(namespace)).length

afterEach(() => vi.restoreAllMocks())

describe('a hot tenant', () => {
  it(
    'has its principals in eight more objects, and what it shares is still admitted once',
    on(make, async ({ store, pass }) => {
      const other = await openStore()
      await heat(store, pass)
      await heat(other, undefined)
      const calls = vi.spyOn(PosternState.prototype, 'charge')
      const grants = vi.spyOn(PosternState.prototype, 'grant')
      let admitted = 0
      for (let round = 0; round < 6; round++) {
        admitted += await burstOf(store, 200, (i) => [of(`p${i}`, 100), of('tenant', 1000)])
        admitted += await burstOf(other, 200, (i) => [of(`p${i}`, 100), of('tenant', 1000)])
      }
      // Its own, eight shards, and the one that keeps entries.
      expect(await objects()).toBe(10)
      expect(admitted).toBeLessThanOrEqual(1000)
      expect(admitted).toBeGreaterThan(950)
      const own = calls.mock.calls.filter(([, origin]) => origin === null).length
      expect(own).toBe(0)
      expect(grants.mock.calls.length).toBeLessThan(calls.mock.calls.length / 3)
    }),
  )

  it(
    'has each principal in one object, whose bucket is exact',
    on(make, async ({ store, pass }) => {
      const other = await openStore()
      await heat(store, pass)
      await heat(other, undefined)
      for (const name of ['p1', 'p2', 'p3']) {
        const all = await Promise.all([
          burstOf(store, 200, () => [of(name, 10), of('tenant', 1000)]),
          burstOf(other, 200, () => [of(name, 10), of('tenant', 1000)]),
        ])
        expect(all[0] + all[1]).toBe(10)
      }
      // What the principals could not spend was not taken from the tenant, or went back with the leases.
      await eventually(async () => {
        const { charged } = await store.charge([of('p1', 10, 0), of('tenant', 1000, 0)])
        expect(charged[0]).toMatchObject({ remaining: 0 })
        expect(charged[1]?.remaining).toBeLessThanOrEqual(970)
        return charged[1]?.remaining === 970
      })
    }),
  )

  it(
    'cools down, and then is one object again',
    on(make, async ({ store, pass }) => {
      await heat(store, pass)
      for (let second = 0; second < 12; second++) {
        await burstOf(store, 10, (i) => [of(`p${i}`, 100, 0), of('tenant', 1000, 0)])
        pass?.(1000)
      }
      const calls = vi.spyOn(PosternState.prototype, 'charge')
      await burstOf(store, 10, (i) => [of(`p${i}`, 100, 0), of('tenant', 1000, 0)])
      expect(calls.mock.calls.filter(([, origin]) => origin !== null)).toHaveLength(0)
    }),
  )

  it(
    'that moves admits the burst of a principal once more, and that of the whole tenant never',
    on(make, async ({ store, pass }) => {
      const calls = (times: number) => burstOf(store, times, () => [of('p1', 10), of('tenant', 25)])
      expect(await calls(20)).toBe(10)
      await heat(store, pass)
      expect(await calls(20)).toBe(10)
      expect(await calls(20)).toBe(0)
      const others = await burstOf(store, 100, (i) => [of(`other ${i}`, 10), of('tenant', 25)])
      expect(others).toBeLessThanOrEqual(5)
    }),
  )

  it(
    'is given back what a client was denied for, and tells the epoch from each of its objects',
    on(make, async ({ store, pass }) => {
      await heat(store, pass)
      await store.charge([charge('client', 1)])
      const calls = Array.from({ length: 50 }, (_, i) =>
        store.charge([charge('client', 1), of(`p${i}`, 10), of('tenant', 1000)]),
      )
      for (const { charged } of await Promise.all(calls)) expect(charged[0]?.ok).toBe(false)
      pass?.(1000)
      for (let i = 0; i < 50; i++) {
        const { charged, epoch } = await store.charge([of(`p${i}`, 10, 0), of('tenant', 1000, 0)])
        expect(charged[0]?.remaining).toBe(10)
        expect(epoch).toBe((await store.changes('access', -1)).epoch)
      }
    }),
  )
})

describe('a shard', () => {
  it('tells the heat to everybody who comes while it asks for it the first time', async () => {
    let answer: (heat: Heat) => void = () => {}
    const tenant = {
      grant: () => Promise.reject(new Error('nothing is shared')),
      report: () => new Promise<Heat>((resolve) => (answer = resolve)),
    }
    await runInDurableObject(namespace.getByName('a shard'), async (_, { storage }) => {
      const now = () => Date.now()
      const shard = new Shard(new Buckets(new Shelf(storage), new Alarm(storage), now), tenant, now)
      const told = ['a', 'b', 'c'].map(async (key) => {
        await shard.charge([{ key, interval: HOUR, burst: 1, cost: 1 }], { name: 'tenant', shared: [] })
        return shard.heat
      })
      await new Promise((resolve) => setTimeout(resolve, 0))
      answer({ shared: [] })
      expect(await Promise.all(told)).toEqual([{ shared: [] }, { shared: [] }, { shared: [] }])
    })
  })
})

describe('a thermometer', () => {
  const measured = (perSecond: number, seconds: number): Thermometer => {
    let now = 0
    const thermometer = new Thermometer(() => now)
    for (let second = 0; second < seconds; second++) {
      for (let i = 0; i < perSecond; i++) thermometer.count([{ key: `p${i % 50}` }, { key: 'tenant' }])
      now += 1000
    }
    thermometer.count([{ key: 'tenant' }])
    return thermometer
  }

  it.each([
    [100, 20, null],
    [390, 20, null],
    [450, 1, null],
    [450, 6, ['tenant']],
    [2000, 1, ['tenant']],
  ])('at %i charges a second for %i seconds tells %j', (perSecond, seconds, shared) => {
    expect(measured(perSecond, seconds).heat?.shared ?? null).toEqual(shared)
  })

  it('does not take a clock that stepped back for heat, and goes on', () => {
    let now = 3_600_000
    const thermometer = new Thermometer(() => now)
    thermometer.report(100_000)
    now = 0
    thermometer.report(1)
    expect(thermometer.heat).toBeNull()
    now = 1000
    thermometer.report(5000)
    expect(thermometer.heat).not.toBeNull()
  })
})

describe('a lease', () => {
  /** A tenant's bucket of so many units, and what was asked of it. */
  const tenant = (units: number) => {
    const asked: number[] = []
    let left = units
    let now = 0
    const leases = new Leases(
      async ({ cost }, want) => {
        asked.push(want)
        const part = cost > 0 ? Math.max(cost, Math.min(want, Math.floor(left / 16))) : cost
        const given = left >= cost ? part : 0
        left -= given
        return { units: Math.max(0, given), remaining: left, full: 0, wait: given > 0 ? 0 : 5_000_000 }
      },
      () => now,
    )
    return { asked, leases, pass: (milliseconds: number) => (now += milliseconds), left: () => left }
  }
  const one = { key: 'k', interval: SECOND, burst: 1000, cost: 1 }

  it('is never spent beyond what the bucket has, and by those who come later to the last unit', async () => {
    const { leases, left } = tenant(1000)
    let admitted = 0
    for (let round = 0; round < 4; round++) {
      const all = await Promise.all(Array.from({ length: 500 }, () => leases.take(one)))
      admitted += all.filter(({ arrival }) => arrival.ok).length
    }
    expect(admitted).toBe(1000)
    expect(left()).toBe(0)
  })

  it('asks less than once for ten charges while there is plenty', async () => {
    const { leases, asked } = tenant(100_000)
    for (let i = 0; i < 1000; i++) expect((await leases.take(one)).arrival.ok).toBe(true)
    expect(asked.length).toBeLessThan(100)
  })

  it('ends after a second, and what was not spent by then goes back, also when nobody asks any more', async () => {
    const { leases, left, pass } = tenant(1000)
    await leases.take(one)
    expect(left()).toBe(984)
    pass(1000)
    await leases.take(one)
    expect(left()).toBe(1000 - 1 - 16)
    pass(1000)
    await eventually(async () => left() === 998)
  })

  it('tells what the bucket said last to those who take nothing', async () => {
    const { leases, left } = tenant(100)
    expect((await leases.peek({ ...one, cost: 101 })).arrival).toMatchObject({ ok: false, remaining: 100 })
    await leases.take(one)
    expect((await leases.peek(one)).arrival).toMatchObject({ ok: true, remaining: 99 })
    expect(left()).toBe(94)
  })

  it('does not ask again for what was denied a moment ago', async () => {
    const { leases, asked, pass } = tenant(0)
    for (let i = 0; i < 100; i++)
      expect((await leases.take(one)).arrival).toMatchObject({ ok: false, remaining: 0 })
    expect(asked).toHaveLength(1)
    pass(1000)
    await leases.take(one)
    expect(asked).toHaveLength(2)
  })
})
