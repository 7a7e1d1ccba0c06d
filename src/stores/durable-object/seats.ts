import type { WirePlace } from './wire.ts'

/** Holders of one object at most: far more than one object is asked for, and 20 MB of memory. */
const MOST = 100_000

/**
 * Who holds which place, in memory alone: when the object ends all of it is forgotten, until the holders renew. Until
 * then up to as many again may take a place.
 */
export class Seats {
  readonly #now: () => number
  readonly #most: number
  /** Milliseconds since the epoch until which a place is held, by key and holder. */
  readonly #held = new Map<string, Map<string, number>>()
  #count = 0

  /** @param now milliseconds since the epoch */
  constructor(now: () => number, most: number = MOST) {
    this.#now = now
    this.#most = most
  }

  /** @returns the index of the first place that is full; null when all were taken */
  take(holder: string, places: readonly WirePlace[], life: number): number | null {
    const now = this.#now()
    for (const [index, [key, most]] of places.entries()) {
      const holders = this.#holders(key, now)
      if (!holders.has(holder) && holders.size >= most) return index
    }
    const more = places.filter(([key]) => !this.#held.get(key)?.has(holder)).length
    if (more > 0 && this.#count + more > this.#most) this.#sweep(now)
    if (more > 0 && this.#count + more > this.#most) return 0
    for (const [key] of places) {
      const holders = this.#held.get(key) ?? new Map<string, number>()
      this.#held.set(key, holders)
      if (!holders.has(holder)) this.#count++
      holders.set(holder, now + life)
    }
    return null
  }

  release(holder: string, places: readonly WirePlace[]): void {
    for (const [key] of places) this.#drop(key, holder)
  }

  /** Who holds it now. */
  #holders(key: string, now: number): ReadonlyMap<string, number> {
    const holders = this.#held.get(key)
    if (holders === undefined) return NOBODY
    for (const [holder, until] of holders) if (until <= now) this.#drop(key, holder)
    return holders
  }

  #drop(key: string, holder: string): void {
    const holders = this.#held.get(key)
    if (!holders?.delete(holder)) return
    this.#count--
    if (holders.size === 0) this.#held.delete(key)
  }

  #sweep(now: number): void {
    for (const key of this.#held.keys()) this.#holders(key, now)
  }
}

const NOBODY: ReadonlyMap<string, number> = new Map()
