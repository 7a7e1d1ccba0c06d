/**
 * Limits as a leaky bucket in exact integers: ITU-T I.371 annex A has it beside the algorithm of src/core/limit.ts and
 * says that both admit the same. A bucket holds water, in microseconds that it takes to run out; each unit pours
 * `interval` in, and a charge that would make it run over does not happen. Imports nothing of what it is compared with.
 */

/** One bucket's part of a charge. Microseconds and units. */
export interface Pour {
  readonly key: string
  readonly interval: number
  readonly burst: number
  readonly cost: number
}

/** What is told of it: units, and milliseconds. */
export interface Told {
  readonly ok: boolean
  readonly remaining: number
  readonly full: number
  readonly wait: number
}

/** How much was in a bucket, and when. */
interface Water {
  readonly level: bigint
  readonly at: bigint
}

/** A bucket as a store may hold it: null where it has forgotten it, which it may as soon as it ran out once. */
type Held = Water | null

interface Poured {
  readonly told: Told
  readonly left: Held
}

const MICROS = 1000n
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
const most = (a: bigint, b: bigint): bigint => (a > b ? a : b)
const milliseconds = (micros: bigint): number => Number((micros + MICROS - 1n) / MICROS)

/** What one state of all buckets makes of a charge: all of it happens, or none. */
function pour(charges: readonly Pour[], held: readonly Held[], now: bigint): Poured[] {
  const tried = charges.map(({ interval, burst, cost }, index) => {
    const water = held[index] ?? null
    const size = BigInt(interval) * BigInt(burst)
    const unclipped = water === null ? 0n : most(0n, water.level - (now - water.at))
    // A clock that stepped back, or a limit that shrank: what does not fit in is gone.
    const level = least(unclipped, size)
    const after = most(0n, level + BigInt(interval) * BigInt(cost))
    return { water, size, unclipped, level, after, ok: after <= size }
  })
  const all = tried.every(({ ok }) => ok)
  return charges.map(({ interval, cost }, index) => {
    const { water, size, unclipped, level, after, ok } = tried[index] as (typeof tried)[number]
    const shown = all ? after : level
    const told = {
      ok,
      remaining: Number((size - shown) / BigInt(interval)),
      full: milliseconds(shown),
      wait: ok ? 0 : milliseconds(after - size),
    }
    // A peek keeps nothing; a charge that did not happen takes away what lies beyond the limit.
    if (cost === 0) return { told, left: water }
    if (all) return { told, left: after > 0n ? { level: after, at: now } : null }
    return { told, left: unclipped > size ? { level: size, at: now } : water }
  })
}

const key = (held: Held): string => (held === null ? 'none' : `${held.level + held.at}`)

/**
 * All states that a store may be in. Only where the clock went back is there more than one: a bucket that had run out
 * by the later time may have been forgotten, or not.
 */
export class LeakyBuckets {
  readonly #held = new Map<string, readonly Held[]>()

  /**
   * Charges, and goes on with those states that tell what the store told.
   * @param now microseconds, from any start
   * @param agrees compares what a state tells with what the store told
   * @returns what the store should have told, where no state tells what it did; else null
   */
  charge(
    charges: readonly Pour[],
    now: number,
    agrees: (expected: readonly Told[]) => boolean,
  ): readonly Told[] | null {
    const time = BigInt(now)
    const states = charges.map((charge) => this.#states(charge.key, time))
    const outcomes = combinations(states).map((held) => pour(charges, held, time))
    const possible = outcomes.filter((outcome) => agrees(outcome.map(({ told }) => told)))
    if (possible.length === 0) return outcomes[0]?.map(({ told }) => told) ?? []
    for (const [index, charge] of charges.entries()) {
      const left = possible.map((outcome) => (outcome[index] as Poured).left)
      this.#held.set(charge.key, [...new Map(left.map((held) => [key(held), held])).values()])
    }
    return null
  }

  /** Lets the time be seen by every bucket: what has run out by now may be forgotten. */
  see(now: number): void {
    for (const name of this.#held.keys()) this.#held.set(name, this.#states(name, BigInt(now)))
  }

  #states(name: string, now: bigint): readonly Held[] {
    const known = this.#held.get(name) ?? [null]
    const out = known.some((held) => held !== null && held.at + held.level <= now)
    return out && !known.includes(null) ? [...known, null] : known
  }
}

const combinations = (states: readonly (readonly Held[])[]): Held[][] =>
  states.reduce<Held[][]>(
    (sofar, some) => sofar.flatMap((before) => some.map((one) => [...before, one])),
    [[]],
  )
