/**
 * Counts from outside what each limit admitted. When the store charged is not seen, only that it was between sending
 * and arrival; so two bounds are kept of each bucket, one that no honest limiter exceeds and one that it reaches.
 */
import { type Bucket, LIMITS } from './oracle.ts'
import type { Span } from './world.ts'

/** Milliseconds that a request may take before it is not counted among those that the store admitted. */
const LONGEST = 3000

interface Count {
  /** The latest moment to which what the store surely admitted since it was last emptied has filled the bucket. */
  store: number
  /** The same of what was admitted without the store. */
  local: number
  /** The latest moment to which everything that may have been charged has filled it. */
  most: number
  /** Milliseconds that the slowest of the admitted took: by so much earlier than one another may have been sent. */
  longest: number
  /** Units of requests under way. */
  under: number
  admitted: number
}

export interface Figures {
  readonly buckets: number
  readonly admitted: number
  /** The largest part of what a bucket may hold that was seen in use at once. */
  readonly fullest: number
}

export class Buckets {
  readonly #counts = new Map<string, Count>()
  #emptied = Number.NEGATIVE_INFINITY
  #fullest = 0
  /** How many processes each admit their part while the store is away. */
  readonly #workers: number

  constructor(workers: number) {
    this.#workers = workers
  }

  /** The store has lost all counters at that time: all buckets are full again. */
  emptied(at: number): void {
    this.#emptied = at
    for (const count of this.#counts.values()) count.store = Number.NEGATIVE_INFINITY
  }

  sending(buckets: readonly Bucket[]): void {
    for (const bucket of buckets) this.#of(bucket).under += bucket.cost
  }

  /** The answer came, or none ever will. @param charged whether the request may have been charged */
  settled(buckets: readonly Bucket[], at: number, charged: boolean): void {
    for (const bucket of buckets) {
      const count = this.#of(bucket)
      count.under -= bucket.cost
      if (charged) count.most = Math.max(count.most, at) + bucket.cost * intervalOf(bucket)
    }
  }

  /** Whether a denial for want of quota has a bucket that may be spent. Asked before the request is settled. */
  mayDeny(buckets: readonly Bucket[], { sent }: Span, away: boolean): boolean {
    return buckets.some((bucket) => {
      const { burst } = LIMITS[bucket.limit]
      const { most, under } = this.#of(bucket)
      const interval = intervalOf(bucket)
      // A millisecond of rounding, and the request's own units among those under way.
      const level = Math.max(most - sent, 0) + under * interval + 1
      const part = away ? Math.max(bucket.cost, Math.floor(burst / this.#workers)) : burst
      return level > part * interval
    })
  }

  /**
   * A request was admitted and arrived.
   * @param now when that became known, which is never before it was known of another
   * @param local whether the service counted by itself
   * @returns what is wrong with that; null when nothing is
   */
  admitted(buckets: readonly Bucket[], sent: number, now: number, local: boolean): string | null {
    for (const bucket of buckets) {
      const count = this.#of(bucket)
      const { burst, onOutage } = LIMITS[bucket.limit]
      const interval = intervalOf(bucket)
      count.admitted++
      const took = now - sent
      if (took > LONGEST || sent <= this.#emptied || (local && onOutage !== 'local')) continue
      if (took > count.longest) {
        count.store -= took - count.longest
        count.local -= took - count.longest
        count.longest = took
      }
      const side = local ? 'local' : 'store'
      count[side] = Math.max(count[side], sent - count.longest) + bucket.cost * interval
      const used = (count[side] - now) / (burst * interval)
      this.#fullest = Math.max(this.#fullest, used)
      if (used > 1)
        return `${bucket.limit} of ${bucket.partition} admitted more than ${burst} and its rate (${side})`
    }
    return null
  }

  figures(): Figures {
    let admitted = 0
    for (const count of this.#counts.values()) admitted += count.admitted
    return { buckets: this.#counts.size, admitted, fullest: this.#fullest }
  }

  #of({ limit, partition }: Bucket): Count {
    const name = `${limit} ${partition}`
    let count = this.#counts.get(name)
    if (count === undefined) {
      const never = Number.NEGATIVE_INFINITY
      count = { store: never, local: never, most: never, longest: 0, under: 0, admitted: 0 }
      this.#counts.set(name, count)
    }
    return count
  }
}

/** Milliseconds in which one unit comes back. */
const intervalOf = ({ limit }: Bucket): number => 1000 / LIMITS[limit].rate
