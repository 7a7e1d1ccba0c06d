import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Charge, Charged } from '../../src/core/model.ts'
import type { Store } from '../../src/stores/contract.ts'
import { HOUR, type Make, on, type Rig, spend, type Traits } from '../stores/conformance/rig.ts'
import { LeakyBuckets, type Told } from './leaky-bucket.ts'

/** One call: several buckets that are charged together, so many times at once. */
interface Call {
  readonly charges: readonly Charge[]
  readonly times: number
}

interface Step {
  /** Milliseconds that pass before; negative: the clock steps back. */
  readonly after: number
  /** Made at the same time; none has a bucket of another's. */
  readonly calls: readonly Call[]
}

/** Microseconds for a unit: round and odd ones, from one to beyond an hour. */
const INTERVALS = [1, 7, 1000, 333_333, 500_000, 1_000_000, 3_600_000_007]

/** On a real clock an interval that changed would tell microseconds that nobody counted. */
const micros = (injected: boolean) => (injected ? fc.constantFrom(...INTERVALS) : fc.constant(HOUR + 40))

const bucket = (injected: boolean, cost: fc.Arbitrary<number>) =>
  fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    interval: micros(injected),
    burst: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 7, max: 1000 })),
    cost,
  })

const spent = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 5, max: 1002 }))
const refund = fc.oneof(fc.integer({ min: -4, max: 0 }), fc.integer({ min: -1002, max: 0 }))

/**
 * @param refunds whether what was denied is given back later: then several limits under way at once deny each other, and
 * a clock that steps back meanwhile is one that the refund never saw
 */
function steps(injected: boolean, refunds: boolean): fc.Arbitrary<Step[]> {
  const charges = (cost: fc.Arbitrary<number>, most: number) =>
    fc.uniqueArray(bucket(injected, cost), { selector: ({ key }) => key, minLength: 1, maxLength: most })
  const alone = fc.oneof(
    { weight: 4, arbitrary: charges(spent, 4) },
    { weight: 1, arbitrary: charges(refund, 3) },
  )
  const together = fc
    .uniqueArray(fc.record({ one: bucket(injected, spent), times: fc.integer({ min: 1, max: 6 }) }), {
      selector: ({ one }) => one.key,
      minLength: 1,
      maxLength: 4,
    })
    .map((all) => all.map(({ one, times }) => ({ charges: [one], times })))
  const crowd = fc
    .tuple(charges(fc.integer({ min: 0, max: 3 }), 3), fc.integer({ min: 2, max: 12 }))
    .map(([many, times]) => [{ charges: many, times }])
  const calls = fc.oneof(
    { weight: 5, arbitrary: alone.map((many) => [{ charges: many, times: 1 }]) },
    { weight: 2, arbitrary: together },
    ...(refunds ? [] : [{ weight: 1, arbitrary: crowd }]),
  )
  const after = fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.nat(4000) },
    { weight: 2, arbitrary: fc.nat(3_700_000) },
    ...(refunds
      ? []
      : [{ weight: 2, arbitrary: fc.oneof(fc.nat(3000), fc.nat(4_000_000)).map((back) => -back) }]),
  )
  return fc.array(fc.record({ after, calls }), { minLength: 1, maxLength: 30 })
}

/** The order in which equal charges were made, from what they were told: each spends what the one before has left. */
const inTurn = (answers: readonly Charged[][]): Charged[][] => {
  const passed = (charged: readonly Charged[]) => charged.every(({ ok }) => ok)
  return answers.toSorted(
    (one, other) =>
      Number(passed(other)) - Number(passed(one)) ||
      one.reduce((sum, { remaining }, index) => sum || (other[index] as Charged).remaining - remaining, 0),
  )
}

/**
 * Counters beside a leaky bucket in exact integers. On a clock of the test's every figure is compared, to the
 * millisecond that is told; on a server's own clock intervals are so long that none comes back, and units are compared.
 */
export function limiterDifferential(make: Make, traits: Traits): void {
  const injected = traits.clock.charges
  describe('its counters, beside an exact leaky bucket', { timeout: 120_000 }, () => {
    it(
      'tell the same over any sequence of charges, alone and at once, while the clock steps',
      on(make, agreement),
    )
  })

  async function agreement(rig: Rig): Promise<void> {
    let run = 0
    const property = fc.asyncProperty(steps(injected, traits.refunds), async (all) => {
      run++
      const buckets = new LeakyBuckets()
      let now = 0
      for (const { after, calls } of all) {
        if (injected) {
          rig.pass?.(after)
          now += after * 1000
          buckets.see(now)
        }
        const named = calls.map(({ charges, times }) => ({
          times,
          charges: charges.map((charge) => ({ ...charge, key: `run ${run} ${charge.key}` })),
        }))
        const answers = await Promise.all(named.map((call) => crowdOf(rig.store, call)))
        for (const [index, { charges }] of named.entries()) {
          for (const found of inTurn(answers[index] ?? [])) {
            const expected = buckets.charge(charges, now, (told) => same(told, found))
            if (expected !== null) expect(shown(found)).toEqual(shown(expected))
          }
        }
      }
    })
    await fc.assert(property, { numRuns: injected ? 100 : 40 })
  }

  /** Without a clock of ours the bucket's stands still: it knows units, not the milliseconds that went by. */
  function shown(answers: readonly Told[]): unknown {
    return injected ? answers : answers.map(({ ok, remaining }) => ({ ok, remaining }))
  }

  function same(told: readonly Told[], found: readonly Charged[]): boolean {
    return told.every((one, index) => {
      const other = found[index] as Charged
      const units = one.ok === other.ok && one.remaining === other.remaining
      return units && (!injected || (one.full === other.full && one.wait === other.wait))
    })
  }
}

const crowdOf = (store: Store, { charges, times }: Call): Promise<Charged[][]> =>
  Promise.all(Array.from({ length: times }, () => spend(store, ...charges)))
