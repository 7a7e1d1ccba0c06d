import type { Heat } from './wire.ts'

/** Charges a second from which a tenant is hot, on the average of some seconds, and below which it is no more. */
const HOT = 400
const COOL = 200
/** Milliseconds between two looks at the rate. */
const LOOK = 1000
/** Buckets that are charged by at least this part of all calls are shared by the whole tenant. */
const SHARE = 0.1
/** Shared buckets at most. */
const MOST = 8
/** Keys that are counted between two looks; what is shared is among the first of them. */
const COUNTED = 1000

/** How much a tenant's own object is asked, its shards included; above what one object can bear, it tells so. */
export class Thermometer {
  readonly #now: () => number
  #since: number
  #calls = 0
  #rate = 0
  #counts = new Map<string, number>()
  #heat: Heat | null = null

  /** @param now milliseconds since the epoch */
  constructor(now: () => number) {
    this.#now = now
    this.#since = now()
  }

  /** Null while it is not hot. The shared buckets stay the same for as long as it is. */
  get heat(): Heat | null {
    return this.#heat
  }

  /** A call that charges these buckets. */
  count(keys: readonly { readonly key: string }[]): void {
    for (const { key } of keys) {
      const known = this.#counts.get(key)
      if (known !== undefined || this.#counts.size < COUNTED) this.#counts.set(key, (known ?? 0) + 1)
    }
    this.report(1)
  }

  /** Calls that came elsewhere. */
  report(calls: number): void {
    this.#calls += calls
    const now = this.#now()
    const passed = now - this.#since
    if (passed >= 0 && passed < LOOK) return
    // A clock that stepped back says nothing of the rate.
    const rate = passed > 0 ? (this.#calls * 1000) / passed : 0
    this.#rate = (this.#rate + rate) / 2
    if (this.#heat === null && this.#rate > HOT) this.#heat = { shared: this.#shared() }
    if (this.#heat !== null && this.#rate < COOL) this.#heat = null
    this.#since = now
    this.#calls = 0
    this.#counts = new Map()
  }

  #shared(): string[] {
    return [...this.#counts]
      .filter(([, count]) => count >= this.#calls * SHARE)
      .sort(([, a], [, b]) => b - a)
      .slice(0, MOST)
      .map(([key]) => key)
  }
}
