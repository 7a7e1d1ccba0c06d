import { KeyedHash } from './hash.ts'

/** Buckets that share a hash's lower bits; a newcomer looks for its place among these only. */
const WAYS = 8

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

  /** The stored arrival time of `key`, null when its bucket is full. */
  get(key: string, now: number): number | null {
    const slot = this.#find(key)
    if (slot < 0) return null
    const full = this.#full[slot] as number
    return full > now ? full : null
  }

  /** Microseconds until `key` could be stored; 0 when it can be now. Above 0 only when all its neighbours deny. */
  blocked(key: string, now: number): number {
    if (this.#find(key) >= 0 || this.#victim(now) >= 0) return 0
    let first = Infinity
    const base = this.#base()
    for (let slot = base; slot < base + WAYS; slot++) first = Math.min(first, this.#opens[slot] as number)
    return first - now
  }

  /** Stores an arrival time. @returns false when there is no room that may be taken */
  set(key: string, full: number, opens: number, now: number): boolean {
    let slot = this.#find(key)
    if (slot < 0) {
      slot = this.#victim(now)
      if (slot < 0) return false
      this.#high[slot] = this.#hash.high
      this.#low[slot] = this.#hash.low
    }
    this.#full[slot] = full
    this.#opens[slot] = opens
    return true
  }

  /** Buckets that are not full at `now`. Walks the whole table: for metrics. */
  size(now: number): number {
    let count = 0
    for (const full of this.#full) if (full > now) count++
    return count
  }

  #base(): number {
    return (this.#hash.low % this.#sets) * WAYS
  }

  #find(key: string): number {
    const hash = this.#hash
    hash.update(key)
    const base = this.#base()
    for (let slot = base; slot < base + WAYS; slot++) {
      // A slot that was never used has full = 0, which is in the past whatever its hash.
      if (this.#low[slot] === hash.low && this.#high[slot] === hash.high) return slot
    }
    return -1
  }

  /** Among the slots of the last hash: a full bucket, else the nearest to full that does not deny; -1 when all do. */
  #victim(now: number): number {
    const base = this.#base()
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
