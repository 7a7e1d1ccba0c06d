import { type Arrival, arrive } from '../core/limit.ts'
import type { Charge, Charged, Store } from '../core/model.ts'
import { BucketTable, type Place } from './memory/table.ts'

/** Two to the twenty buckets take 24 MiB when all are in use. */
const CAPACITY = 2 ** 20

/** What the memory store asks of its runtime. */
export interface MemoryOutside {
  /** Microseconds on a clock that never steps, from an arbitrary start. */
  micros(): number
  /** A random 32-bit number from a cryptographic source. */
  random32(): number
}

/** Keeps counters in this process: exact, nothing survives a restart, nothing is shared. */
export class MemoryStore implements Store {
  readonly #micros: () => number
  readonly #table: BucketTable

  constructor(outside: MemoryOutside, capacity: number = CAPACITY) {
    this.#micros = outside.micros
    this.#table = new BucketTable(capacity, [outside.random32(), outside.random32()])
  }

  charge(charges: readonly Charge[]): readonly Charged[] {
    // Never zero: in the table that is the time of a bucket that was never used.
    const now = Math.floor(this.#micros()) + 1
    const places: Place[] = []
    const arrivals: Arrival[] = []
    let all = true
    for (const { key, interval, burst, cost } of charges) {
      const place = this.#table.place(key)
      const arrival = arrive(this.#table.get(place, now), now, interval, burst, cost)
      const blocked = arrival.ok ? this.#table.blocked(place, now) : 0
      places.push(place)
      arrivals.push(blocked > 0 ? { ...arrival, ok: false, wait: blocked } : arrival)
      all &&= arrival.ok && blocked === 0
    }
    const results: Charged[] = []
    for (let index = 0; index < charges.length; index++) {
      const charge = charges[index] as Charge
      const arrival = arrivals[index] as Arrival
      if (all && charge.cost !== 0) this.#keep(places, index, charge, arrival.next, now)
      results.push(charged(arrival, charge, all))
    }
    return results
  }

  size(): number {
    return this.#table.size(Math.floor(this.#micros()) + 1)
  }

  #keep(
    places: readonly Place[],
    index: number,
    { key, interval, burst }: Charge,
    next: number,
    now: number,
  ): void {
    // A newcomer before this one may have taken a place that was looked up earlier.
    let moved = false
    for (let before = 0; before < index; before++) moved ||= (places[before] as Place).slot < 0
    const place = moved ? this.#table.place(key) : (places[index] as Place)
    this.#table.set(place, next, next - interval * (burst - 1), now)
  }
}

/** In the units of the contract. When another limit stood in the way, this one was not charged either. */
function charged(
  { ok, remaining, full, wait }: Arrival,
  { interval, burst, cost }: Charge,
  all: boolean,
): Charged {
  const left = ok && !all ? Math.min(burst, remaining + cost) : remaining
  const spent = ok && !all ? Math.max(0, full - interval * cost) : full
  return { ok, remaining: Math.max(0, left), full: Math.ceil(spent / 1000), wait: Math.ceil(wait / 1000) }
}
