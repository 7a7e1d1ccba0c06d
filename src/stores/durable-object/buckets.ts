import type { Arrival } from '../../core/limit.ts'
import { type Kept, type Settled, settle } from '../counting/settle.ts'
import type { Alarm } from './alarm.ts'
import type { BucketRow, BucketShelf } from './shelf.ts'
import type { Grant, WireCharge } from './wire.ts'

/** Milliseconds after which what was charged is on disk: what a crash may take. */
const FLUSH = 1000
/** Microseconds: what is full again sooner than this is not worth a row. */
const SHORT = 10_000_000
/** Rows in one transaction, so that charges get their turn in between. */
const BATCH = 2000
/** Milliseconds after which the disk is rid of what is full again. */
const SWEEP = 300_000

/** How much is kept at most. */
export interface BucketBounds {
  /** Buckets in memory: about 200 bytes each. */
  readonly held: number
  /** Buckets on disk. */
  readonly rows: number
}

export const BOUNDS: BucketBounds = { held: 2 ** 16, rows: 1_000_000 }

/** Stands for a bucket that is full. */
const NONE = 0

interface Held {
  /** Microseconds since the epoch at which it is full again. */
  full: number
  /** The same as the disk has it. */
  stored: number
}

/**
 * Buckets of one object: decided in memory, written behind. What was admitted within the last second, and of a bucket
 * that is full again within ten, is lost when the object ends: there is no moment at which it could still write.
 */
export class Buckets {
  readonly #shelf: BucketShelf
  readonly #alarm: Alarm
  readonly #now: () => number
  readonly #bounds: BucketBounds
  readonly #held = new Map<string, Held>()
  readonly #dirty = new Set<string>()
  #scheduled = false

  /** @param now milliseconds since the epoch */
  constructor(shelf: BucketShelf, alarm: Alarm, now: () => number, bounds: BucketBounds = BOUNDS) {
    this.#shelf = shelf
    this.#alarm = alarm
    this.#now = now
    this.#bounds = bounds
  }

  /** Buckets in memory: all that are held there, and those of them that are not full. */
  count(): { readonly held: number; readonly live: number } {
    const now = this.#now() * 1000
    let live = 0
    for (const { full } of this.#held.values()) if (full > now) live++
    return { held: this.#held.size, live }
  }

  /** @param blocked something else stands in the way of all of them */
  charge(charges: readonly WireCharge[], blocked = false): Settled {
    const now = this.#now() * 1000
    const held = charges.map(({ key }) => this.#bucket(key))
    const settled = settle(
      charges,
      held.map(({ full }) => (full === NONE ? null : full)),
      now,
      blocked,
    )
    for (let index = 0; index < held.length; index++)
      this.#keep((charges[index] as WireCharge).key, held[index] as Held, settled.kept[index] as Kept)
    if (this.#held.size > this.#bounds.held) this.#trim(now)
    return settled
  }

  /**
   * Lends units of a bucket: what is wanted, but no more than a part of what is left, so that the others get theirs; at
   * least the cost, or nothing.
   * @param parts how many may ask
   */
  lend(charge: WireCharge, want: number, parts: number): Grant {
    const [peeked] = this.charge([{ ...charge, cost: 0 }]).arrivals
    const fair = Math.min(want, Math.floor((peeked?.remaining ?? 0) / (2 * parts)))
    const cost = charge.cost > 0 ? Math.max(charge.cost, fair) : charge.cost
    const { ok, remaining, full, wait } = this.charge([{ ...charge, cost }]).arrivals[0] as Arrival
    return { units: ok ? Math.max(0, cost) : 0, remaining, full, wait }
  }

  /** Writes what was charged, as far as it is worth it. */
  flush(): void {
    const now = this.#now() * 1000
    this.#write([...this.#dirty].slice(0, BATCH), (full) => full - now > SHORT)
    // More than one transaction takes, or what could not be written and has its time already.
    if (this.#dirty.size > 0) this.#schedule(0)
  }

  /** Takes away what is full again, and looks again later while anything is left. */
  async expire(pause: () => Promise<void>): Promise<void> {
    await this.#shelf.sweep(() => this.#now() * 1000, pause)
    const now = this.#now() * 1000
    for (const bucket of this.#held.values()) if (bucket.stored <= now) bucket.stored = NONE
    if (this.#shelf.rows > 0) return this.#alarm.want(this.#now() + SWEEP)
    this.#alarm.gone()
    await this.#shelf.clear()
  }

  #bucket(key: string): Held {
    let bucket = this.#held.get(key)
    if (bucket === undefined) {
      const stored = this.#shelf.read(key) ?? NONE
      bucket = { full: stored, stored }
      this.#held.set(key, bucket)
    }
    return bucket
  }

  #keep(key: string, bucket: Held, kept: Kept): void {
    if (kept === 'kept') return
    bucket.full = kept === 'full' ? NONE : kept
    this.#dirty.add(key)
    this.#schedule(FLUSH)
  }

  #schedule(after: number): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setTimeout(() => {
      this.#scheduled = false
      this.flush()
    }, after)
  }

  /** Of these, what `worth` says of its full time, and what the disk has for more spent than it is. */
  #write(keys: readonly string[], worth: (full: number) => boolean): void {
    const rows: BucketRow[] = []
    let room = this.#bounds.rows - this.#shelf.rows
    for (const key of keys) {
      this.#dirty.delete(key)
      const bucket = this.#held.get(key)
      if (bucket === undefined || bucket.full === bucket.stored) continue
      const added = bucket.stored === NONE
      if (bucket.full > bucket.stored && !worth(bucket.full)) continue
      if (added && room-- <= 0) continue
      rows.push({ key, full: bucket.full === NONE ? null : bucket.full, added })
    }
    if (rows.length === 0) return
    try {
      this.#shelf.write(rows)
    } catch {
      // A disk that is full or fails: memory goes on to decide, and what is not written is tried again.
      for (const { key } of rows) this.#dirty.add(key)
      this.#schedule(FLUSH)
      return
    }
    for (const { key, full } of rows) {
      const bucket = this.#held.get(key)
      if (bucket !== undefined) bucket.stored = full ?? NONE
    }
    this.#alarm.want(this.#now() + SWEEP)
  }

  /**
   * Makes room in memory. Nothing is forgiven for that: what is not on disk goes there first. Only when the disk holds
   * as many as it may is a bucket forgotten before it is full.
   */
  #trim(now: number): void {
    for (const [key, { full }] of this.#held) if (full <= now) this.#forget(key)
    this.#write([...this.#held.keys()], () => true)
    for (const [key, { full, stored }] of this.#held) if (full === stored) this.#held.delete(key)
    if (this.#held.size > this.#bounds.held / 2) this.#held.clear()
  }

  #forget(key: string): void {
    this.#held.delete(key)
    this.#dirty.delete(key)
  }
}
