import { KeyedHash } from './hash.ts'

/** Buckets that share a hash's lower bits; a newcomer looks for its place among these only. */
const WAYS = 8

/** Where a key belongs. */
export interface Place {
  /** Its slot, -1 when it has none yet. */
  readonly slot: number
  readonly base: number
  readonly high: number
  readonly low: number
}

/**
 * Arrival times by key in typed arrays: 24 bytes a bucket, nothing for the collector to look at, and never more than
 * the capacity. When a newcomer finds no room, the bucket nearest to full gives way, for forgetting it forgives the
 * least; one that denies never does, or whoever is over a limit could flood itself free.
 */
export class BucketTable {
  readonly #hash: KeyedHash
  readonly #sets: number
  readonly #high: Uint32Array
  readonly #low: Uint32Array
  /** Microseconds at which the bucket is full again; a bucket in the past is as good as none. */
  readonly #full: Float64Array
  /** Microseconds from which the bucket admits one unit. */
  readonly #opens: Float64Array

  /** @param capacity buckets at most: a power of two, 8 or more */
  constructor(capacity: number, key: readonly [number, number]) {
    if (!Number.isInteger(Math.log2(capacity)) || capacity < WAYS)
      throw new RangeError('capacity is a power of two from 8 up')
    this.#hash = new KeyedHash(key)
    this.#sets = capacity / WAYS
    this.#high = new Uint32Array(capacity)
    this.#low = new Uint32Array(capacity)
    this.#full = new Float64Array(capacity)
    this.#opens = new Float64Array(capacity)
  }

  /** Where `key` is, or would go. Good until the next `set`. */
  place(key: string): Place {
    const hash = this.#hash
    hash.update(key)
    const { high, low } = hash
    const base = (low % this.#sets) * WAYS
    for (let slot = base; slot < base + WAYS; slot++) {
      // A slot that was never used has full = 0, which is in the past whatever its hash.
      if (this.#low[slot] === low && this.#high[slot] === high) return { slot, base, high, low }
    }
    return { slot: -1, base, high, low }
  }

  /** The stored arrival time, null when the bucket is full. */
  get({ slot }: Place, now: number): number | null {
    if (slot < 0) return null
    const full = this.#full[slot] as number
    return full > now ? full : null
  }

  /** Microseconds until the bucket could be stored; 0 when it can be now. Above 0 only when all its neighbours deny. */
  blocked({ slot, base }: Place, now: number): number {
    if (slot >= 0 || this.#victim(base, now) >= 0) return 0
    let first = Infinity
    for (let other = base; other < base + WAYS; other++) first = Math.min(first, this.#opens[other] as number)
    return first - now
  }

  /** Stores an arrival time; without room that may be taken nothing happens. */
  set(place: Place, full: number, opens: number, now: number): void {
    let { slot } = place
    if (slot < 0) {
      slot = this.#victim(place.base, now)
      if (slot < 0) return
      this.#high[slot] = place.high
      this.#low[slot] = place.low
    }
    this.#full[slot] = full
    this.#opens[slot] = opens
  }

  /** Buckets that are not full at `now`. Walks the whole table: for metrics. */
  size(now: number): number {
    let count = 0
    for (const full of this.#full) if (full > now) count++
    return count
  }

  /** Among the slots from `base` on: a full bucket, else the nearest to full that does not deny; -1 when all do. */
  #victim(base: number, now: number): number {
    let best = -1
    let bestFull = Infinity
    for (let slot = base; slot < base + WAYS; slot++) {
      const full = this.#full[slot] as number
      if (full <= now) return slot
      if ((this.#opens[slot] as number) <= now && full < bestFull) {
        best = slot
        bestFull = full
      }
    }
    return best
  }
}
