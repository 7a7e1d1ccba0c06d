import { describe, expect, it } from 'vitest'
import {
  charge,
  elapse,
  HOSTILE,
  HOUR,
  type Make,
  on,
  SECOND,
  spend,
  spendOne,
  type Traits,
  when,
} from './rig.ts'

const MICROS = 1000

/** Counters: the algorithm of core/limit.ts, kept exactly. */
export function chargesConformance(make: Make, traits: Traits): void {
  const injected = traits.clock.charges

  describe('its counters', () => {
    it(
      'admit exactly the burst of a hundred charges at once',
      on(make, async ({ store }) => {
        const all = await Promise.all(Array.from({ length: 100 }, () => spendOne(store, charge('a'))))
        const left = all.filter(({ ok }) => ok).map(({ remaining }) => remaining)
        expect(left.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
        for (const { ok, remaining, wait } of all)
          if (!ok) {
            expect(remaining).toBe(0)
            expect(wait).toBeGreaterThan(0)
          }
      }),
    )

    it(
      'give back one unit for each interval, and no more than the burst',
      on(make, async (rig) => {
        const interval = injected ? SECOND : SECOND / 5
        const one = charge('a', 3, 1, interval)
        for (let i = 0; i < 3; i++) expect((await spendOne(rig.store, one)).ok).toBe(true)
        const denied = await spendOne(rig.store, one)
        expect(denied).toMatchObject({ ok: false, remaining: 0 })
        expect(denied.wait).toBeLessThanOrEqual(interval / MICROS)
        await elapse(rig, injected, denied.wait)
        expect((await spendOne(rig.store, one)).ok).toBe(true)
        if (injected) expect(await spendOne(rig.store, one)).toMatchObject({ ok: false, wait: 1000 })
        await elapse(rig, injected, 10 * (interval / MICROS))
        expect(await spendOne(rig.store, { ...one, cost: 0 })).toMatchObject({ remaining: 3, full: 0 })
      }),
    )

    it(
      'weigh a charge by its cost',
      on(make, async ({ store }) => {
        expect(await spendOne(store, charge('a', 10, 7))).toMatchObject({ ok: true, remaining: 3, wait: 0 })
        expect(await spendOne(store, charge('a', 10, 4))).toMatchObject({ ok: false, remaining: 3 })
        expect(await spendOne(store, charge('a', 10, 3))).toMatchObject({ ok: true, remaining: 0 })
        expect(await spendOne(store, charge('b', 10, 11))).toMatchObject({ ok: false, remaining: 10 })
      }),
    )

    it(
      'take a negative cost back, and never more than was spent',
      on(make, async ({ store, held }) => {
        await spendOne(store, charge('a', 10, 6))
        expect(await spendOne(store, charge('a', 10, -4))).toMatchObject({ ok: true, remaining: 8 })
        expect(await spendOne(store, charge('a', 10, -9))).toMatchObject({ ok: true, remaining: 10, full: 0 })
        expect(await spendOne(store, charge('a', 10, 10))).toMatchObject({ ok: true, remaining: 0 })
        await spendOne(store, charge('a', 10, -10))
        expect(await held()).toBe(0)
      }),
    )

    it(
      'peek with cost 0, and keep nothing of it',
      on(make, async ({ store, held }) => {
        expect(await spendOne(store, charge('a', 10, 0))).toEqual({
          ok: true,
          remaining: 10,
          full: 0,
          wait: 0,
        })
        expect(await held()).toBe(0)
        await spendOne(store, charge('a', 10, 10))
        expect(await spendOne(store, charge('a', 10, 0))).toMatchObject({ ok: true, remaining: 0 })
        expect(await held()).toBe(1)
      }),
    )

    it(
      'charge all limits of a call or none, and show the others uncharged',
      on(make, async ({ store }) => {
        await spendOne(store, charge('scarce', 3, 3))
        const [plenty, scarce, heavy] = await spend(
          store,
          charge('plenty', 95),
          charge('scarce', 3),
          charge('heavy', 10, 4),
        )
        expect(scarce).toMatchObject({ ok: false, remaining: 0 })
        expect(plenty).toMatchObject({ ok: true, remaining: 95, full: 0 })
        expect(heavy).toMatchObject({ ok: true, remaining: 10, full: 0 })
        expect((await spendOne(store, charge('plenty', 95, 0))).remaining).toBe(95)
        expect((await spendOne(store, charge('heavy', 10, 0))).remaining).toBe(10)
        const both = await spend(store, charge('plenty', 95), charge('heavy', 10, 4))
        expect(both).toMatchObject([
          { ok: true, remaining: 94 },
          { ok: true, remaining: 6 },
        ])
      }),
    )

    it(
      'answer in the order of the charges, for one and for sixteen, and for none',
      on(make, async ({ store }) => {
        expect((await store.charge([])).charged).toEqual([])
        const many = Array.from({ length: 16 }, (_, i) => charge(`k${i}`, i + 2))
        expect((await spend(store, ...many)).map(({ remaining }) => remaining)).toEqual(
          many.map((_, i) => i + 1),
        )
      }),
    )

    it(
      'heal at once when a limit shrinks, and grow with it',
      on(make, async (rig) => {
        const { store } = rig
        const interval = injected ? SECOND : SECOND / 5
        await spendOne(store, charge('a', 100, 100, interval))
        const shrunk = await spendOne(store, charge('a', 10, 1, interval))
        expect(shrunk).toMatchObject({ ok: false, remaining: 0 })
        expect(shrunk.wait).toBeLessThanOrEqual(interval / MICROS)
        await elapse(rig, injected, shrunk.wait)
        expect((await spendOne(store, charge('a', 10, 1, interval))).ok).toBe(true)
        expect(await spendOne(store, charge('b', 10, 10))).toMatchObject({ remaining: 0 })
        expect(await spendOne(store, charge('b', 100))).toMatchObject({ ok: true, remaining: 89 })
      }),
    )

    when(
      injected,
      'heal at once when the clock steps by an hour, back or forth',
      on(make, async (rig) => {
        const { store } = rig
        const one = charge('a', 10, 1, SECOND)
        await spendOne(store, { ...one, cost: 10 })
        rig.pass?.(-3_600_000)
        expect(await spendOne(store, one)).toMatchObject({ ok: false, wait: 1000, full: 10_000 })
        rig.pass?.(1000)
        expect(await spendOne(store, one)).toMatchObject({ ok: true, remaining: 0 })
        rig.pass?.(3_600_000)
        expect(await spendOne(store, one)).toMatchObject({ ok: true, remaining: 9, full: 1000 })
      }),
    )

    when(
      injected && !traits.life,
      'forget a bucket exactly when it is full again',
      on(make, async (rig) => {
        const { full } = await spendOne(rig.store, charge('a', 10, 3, SECOND))
        expect(full).toBe(3000)
        rig.pass?.(2999)
        expect(await rig.held()).toBe(1)
        rig.pass?.(1)
        expect(await rig.held()).toBe(0)
      }),
    )

    when(
      traits.life,
      'forget a bucket by themselves when it is full again',
      on(make, async (rig) => {
        const { full } = await spendOne(rig.store, charge('a', 10, 3, SECOND))
        const life = (await rig.life?.()) ?? Number.NaN
        expect(full).toBe(3000)
        expect(life).toBeLessThanOrEqual(full)
        expect(life).toBeGreaterThan(full - 1000)
        const more = await spendOne(rig.store, charge('a', 10, -2, SECOND))
        expect((await rig.life?.()) ?? Number.NaN).toBeLessThanOrEqual(more.full)
      }),
    )

    it(
      'count single microseconds over a thousand charges',
      on(make, async (rig) => {
        // 40 µs more than a multiple of 100: a store that keeps 14 digits loses them with each charge.
        const interval = HOUR + 40
        const one = charge('a', 2000, 1, interval)
        const before = rig.now()
        await spendOne(rig.store, one)
        const first = rig.now()
        await Promise.all(Array.from({ length: 998 }, () => spendOne(rig.store, one)))
        const then = rig.now()
        const { full, remaining } = await spendOne(rig.store, one)
        expect(remaining).toBe(1000)
        const whole = (1000 * interval) / MICROS
        expect(full).toBeLessThanOrEqual(whole - (then - first) + 2)
        expect(full).toBeGreaterThanOrEqual(whole - (rig.now() - before) - 2)
      }),
    )

    when(
      injected,
      'count to the microsecond at one instant',
      on(make, async ({ store }) => {
        const one = charge('a', 10, 1, 1)
        const all = await Promise.all(Array.from({ length: 100 }, () => spendOne(store, one)))
        expect(all.filter(({ ok }) => ok)).toHaveLength(10)
      }),
    )

    it(
      'are exact for two hundred at once under two limits',
      on(make, async ({ store }) => {
        const both = [charge('ten', 10), charge('more', 25)]
        const all = await Promise.all(Array.from({ length: 200 }, () => spend(store, ...both)))
        const admitted = all.filter((charged) => charged.every(({ ok }) => ok)).length
        if (traits.refunds) expect(admitted).toBeLessThanOrEqual(10)
        else expect(admitted).toBe(10)
        const left = await spend(store, charge('ten', 10, 0), charge('more', 25, 0))
        expect(left.map(({ remaining }) => remaining)).toEqual([10 - admitted, 25 - admitted])
      }),
    )

    it(
      'keep keys apart whatever stands in them',
      on(make, async ({ store }) => {
        const keys = [...HOSTILE, '\0', 'a\0b', 'a\nb', 'a', 'A', '', 'a '.repeat(5000)]
        for (const key of keys) expect((await spendOne(store, charge(key, 3))).remaining).toBe(2)
        const again = await spend(store, ...keys.map((key) => charge(key, 3)))
        for (const { remaining } of again) expect(remaining).toBe(1)
      }),
    )
  })
}
