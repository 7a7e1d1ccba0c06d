import { type Arrival, arrive } from '../core/limit.ts'
import type { Charge, Charged, Store } from '../core/model.ts'
import { BucketTable } from './memory/table.ts'

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
    const arrivals = charges.map((charge) => this.#arrive(charge, now))
    const ok = arrivals.every((arrival) => arrival.ok)
    return arrivals.map((arrival, index) => {
      const charge = charges[index] as Charge
      if (ok && charge.cost !== 0) this.#keep(charge, arrival, now)
      return charged(arrival, charge, ok)
    })
  }

  size(): number {
    return this.#table.size(Math.floor(this.#micros()) + 1)
  }

  #arrive({ key, interval, burst, cost }: Charge, now: number): Arrival {
    const arrival = arrive(this.#table.get(key, now), now, interval, burst, cost)
    const blocked = arrival.ok ? this.#table.blocked(key, now) : 0
    return blocked > 0 ? { ...arrival, ok: false, wait: blocked } : arrival
  }

  #keep({ key, interval, burst }: Charge, { next }: Arrival, now: number): void {
    this.#table.set(key, next, next - interval * (burst - 1), now)
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
