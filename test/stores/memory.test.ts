import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arrive } from '../../src/core/limit.ts'
import type { Charge } from '../../src/core/model.ts'
import { KeyedHash } from '../../src/stores/memory/hash.ts'
import { BucketTable } from '../../src/stores/memory/table.ts'
import { MemoryStore } from '../../src/stores/memory.ts'
import { type Rig, storeConformance } from './conformance.ts'

const SECOND = 1_000_000
const charge = (key: string, burst = 10, cost = 1, interval = SECOND): Charge => ({
  key,
  interval,
  burst,
  cost,
})

function storeAt(capacity = 1024) {
  let now = 0
  let seed = 7
  const outside = { micros: () => now, random32: () => (seed = (seed * 48271) % 0x7fffffff) }
  const store = new MemoryStore(outside, capacity)
  return { store, pass: (micros: number) => (now += micros) }
}

storeConformance(
  'memory',
  async (): Promise<Rig> => {
    let now = 1_795_100_000_123
    const outside = { micros: () => (now - 1_795_000_000_000) * 1000, random32: () => 7, now: () => now }
    const store = new MemoryStore(outside, 2 ** 14)
    await store.open()
    return {
      store,
      now: () => now,
      pass: (milliseconds) => {
        now += milliseconds
      },
      held: () => store.size(),
      end: () => store.close(),
    }
  },
  {
    clock: { charges: true, entries: true },
    shared: false,
    refunds: false,
    countsOn: true,
    life: false,
    empty: false,
    stall: false,
    patience: 0,
  },
)

describe('the memory store', () => {
  it('R07 admits exactly the burst of a hundred requests at one instant, then one for each interval', () => {
    const { store, pass } = storeAt()
    const admitted = Array.from({ length: 100 }, () => store.charge([charge('a')]).charged[0]?.ok).filter(
      Boolean,
    )
    expect(admitted).toHaveLength(10)
    pass(SECOND)
    expect(store.charge([charge('a')]).charged[0]).toMatchObject({ ok: true, remaining: 0 })
    expect(store.charge([charge('a')]).charged[0]).toMatchObject({ ok: false, wait: 1000 })
  })

  it('charges all limits of a request or none, and says what the others still hold', () => {
    const { store } = storeAt()
    for (let i = 0; i < 3; i++) store.charge([charge('scarce', 3)])
    const [plenty, scarce] = store.charge([charge('plenty', 95), charge('scarce', 3)]).charged
    expect(scarce?.ok).toBe(false)
    expect(plenty).toMatchObject({ ok: true, remaining: 95, full: 0 })
    expect(store.charge([charge('plenty', 95, 0)]).charged[0]?.remaining).toBe(95)
  })

  it('weighs a request by its cost', () => {
    const { store } = storeAt()
    expect(store.charge([charge('a', 10, 7)]).charged[0]).toMatchObject({ ok: true, remaining: 3 })
    expect(store.charge([charge('a', 10, 4)]).charged[0]?.ok).toBe(false)
    expect(store.charge([charge('a', 10, 3)]).charged[0]?.ok).toBe(true)
  })

  it('agrees with the bare algorithm over any sequence of charges on many keys', () => {
    const step = fc.record({
      key: fc.nat(20),
      cost: fc.integer({ min: 1, max: 4 }),
      after: fc.nat(3 * SECOND),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (list) => {
        const { store, pass } = storeAt()
        const simulated = new Map<number, number>()
        let now = 0
        for (const { key, cost, after } of list) {
          pass(after)
          now += after
          const expected = arrive(simulated.get(key) ?? null, now + 1, SECOND, 5, cost)
          if (expected.ok) simulated.set(key, expected.next)
          const [found] = store.charge([charge(`k${key}`, 5, cost)]).charged
          expect(found).toMatchObject({ ok: expected.ok, remaining: expected.remaining })
        }
      }),
    )
  })

  it('forgets a bucket exactly when it is full again', () => {
    const { store, pass } = storeAt()
    store.charge([charge('a', 10, 3)])
    expect(store.size()).toBe(1)
    pass(3 * SECOND)
    expect(store.size()).toBe(0)
  })

  it('stays within its capacity under a million distinct clients', () => {
    const { store, pass } = storeAt(4096)
    for (let i = 0; i < 1_000_000; i++) {
      store.charge([charge(`client-${i}`)])
      if (i % 100 === 0) pass(100)
    }
    expect(store.size()).toBeLessThanOrEqual(4096)
  })

  it('never forgets a client that is over its limit, however many others come', () => {
    const { store } = storeAt(1024)
    const over = Array.from({ length: 64 }, (_, i) => `over-${i}`)
    for (const key of over) for (let i = 0; i < 10; i++) store.charge([charge(key)])
    for (let i = 0; i < 100_000; i++) store.charge([charge(`other-${i}`)])
    for (const key of over) expect(store.charge([charge(key)]).charged[0]?.ok).toBe(false)
  })

  it('denies a newcomer for whom there is no room rather than forgive somebody who is over the limit', () => {
    const { store, pass } = storeAt(8)
    for (let i = 0; i < 8; i++) store.charge([charge(`over-${i}`, 2, 2)])
    const [newcomer] = store.charge([charge('newcomer', 2)]).charged
    expect(newcomer).toMatchObject({ ok: false, wait: 1000 })
    pass(SECOND)
    expect(store.charge([charge('newcomer', 2)]).charged[0]?.ok).toBe(true)
  })

  it('gives way to a newcomer with the bucket that is nearest to full', () => {
    const table = new BucketTable(8, [1, 2])
    for (let i = 0; i < 8; i++) table.set(table.place(`k${i}`), 1000 + i, 0, 1)
    table.set(table.place('newcomer'), 2000, 0, 1)
    expect(table.get(table.place('k0'), 1)).toBeNull()
    for (let i = 1; i < 8; i++) expect(table.get(table.place(`k${i}`), 1)).toBe(1000 + i)
  })
})

describe('the keyed hash', () => {
  it('spreads keys that differ in one character over different buckets, and otherwise under another key', () => {
    const hashes = new Set<string>()
    const hash = new KeyedHash([1, 2])
    const other = new KeyedHash([1, 3])
    for (let i = 0; i < 20_000; i++) {
      hash.update(`per-client|c:10.0.${i >> 8}.${i & 255}`)
      hashes.add(`${hash.high}:${hash.low}`)
      other.update(`per-client|c:10.0.${i >> 8}.${i & 255}`)
      hashes.add(`${other.high}:${other.low}`)
    }
    expect(hashes.size).toBe(40_000)
  })

  it('tells texts apart that differ in length only', () => {
    const seen = new Set<string>()
    const hash = new KeyedHash([5, 6])
    for (let length = 0; length < 200; length++) {
      hash.update('\0'.repeat(length))
      seen.add(`${hash.high}:${hash.low}`)
    }
    expect(seen.size).toBe(200)
  })
})
