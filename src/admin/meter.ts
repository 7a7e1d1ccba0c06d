import { Bounded } from '../core/bounded.ts'
import { arrive } from '../core/limit.ts'

/** A ceiling: GCRA with `interval` microseconds a unit. */
export interface Ceiling {
  readonly interval: number
  readonly burst: number
}

const CAPACITY = 10_000

/** Counts what the few callers of the admin API ask, in this process alone. */
export class Meter {
  readonly #now: () => number
  readonly #buckets = new Bounded<string, number>(CAPACITY)

  /** @param now milliseconds since the epoch */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Takes one unit. @returns seconds until there is one; 0 when it was taken */
  take(key: string, ceiling: Ceiling): number {
    return this.#step(key, ceiling, true)
  }

  /** Seconds until there is a unit; 0 when there is one now. */
  wait(key: string, ceiling: Ceiling): number {
    return this.#step(key, ceiling, false)
  }

  #step(key: string, { interval, burst }: Ceiling, take: boolean): number {
    const arrival = arrive(this.#buckets.get(key) ?? null, this.#now() * 1000, interval, burst, 1)
    if (!arrival.ok) return Math.ceil(arrival.wait / 1_000_000)
    if (take) this.#buckets.set(key, arrival.next)
    return 0
  }
}
