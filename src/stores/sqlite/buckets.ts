import { hash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { Bounded } from '../../core/bounded.ts'
import type { Charge, Charged } from '../../core/model.ts'
import { type Kept, settle } from '../counting/settle.ts'
import { chargedOf } from '../counting/told.ts'
import type { Statement } from '../tables/statement.ts'
import { prepare } from './statement.ts'

/** After so many charges a stretch of the table, twice as long as they were many, is rid of what is full. */
const SWEEP_EVERY = 64

/** Buckets that were charged last: far more than one transaction charges. */
const HELD = 2 ** 16

/** What stands for a bucket that is not there. */
const NONE = 0

/** A bucket as it was read or charged last: what is known of it costs neither a digest nor a question again. */
interface Held {
  /** Its key in the table. */
  readonly digest: number
  full: number
  /** The state of the file that `full` belongs to. */
  state: number
  /** Whether this transaction has to write it: once, however often it is charged in it. */
  dirty: boolean
}

/**
 * Arrival times in a table. All of this happens inside of a transaction of the caller's: `begin`, any number of charges,
 * and `flush` before it is committed or `abandon` when it is not.
 */
export class Buckets {
  readonly #salt: string
  readonly #read: Statement
  readonly #write: Statement
  readonly #delete: Statement
  readonly #stretch: Statement
  readonly #sweep: Statement
  readonly #held = new Bounded<string, Held>(HELD)
  #dirty: Held[] = []
  /** Counts the states of the file: another one whenever somebody else has committed, or we have not. */
  #state = 0
  #version = Number.NaN
  #charges = 0
  /** Where the next stretch begins. */
  #swept = 0

  constructor(db: DatabaseSync, salt: string) {
    this.#salt = salt
    this.#read = prepare(db, 'SELECT full FROM bucket WHERE key = ?')
    this.#write = prepare(
      db,
      'INSERT INTO bucket VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET full = excluded.full',
    )
    this.#delete = prepare(db, 'DELETE FROM bucket WHERE key = ?')
    this.#stretch = prepare(
      db,
      'SELECT max(key) FROM (SELECT key FROM bucket WHERE key >= ? ORDER BY key LIMIT ?)',
    )
    this.#sweep = prepare(db, 'DELETE FROM bucket WHERE key BETWEEN ? AND ? AND full <= ?')
  }

  /** @param version of the file: another one when somebody else has committed since */
  begin(version: number): void {
    if (version === this.#version) return
    this.#version = version
    this.#state++
  }

  /** Writes what was charged. */
  flush(): void {
    for (const bucket of this.#dirty) {
      bucket.dirty = false
      if (bucket.full === NONE) this.#delete.run(bucket.digest)
      else this.#write.run(bucket.digest, bucket.full)
    }
    this.#dirty = []
  }

  /** Forgets what was charged, with all that rests on it. */
  abandon(): void {
    for (const bucket of this.#dirty) bucket.dirty = false
    this.#dirty = []
    this.#state++
  }

  /** @param now microseconds since the epoch */
  charge(charges: readonly Charge[], now: number): Charged[] {
    const buckets = charges.map(({ key }) => this.#bucket(key))
    const stored = buckets.map(({ full }) => (full === NONE ? null : full))
    const { arrivals, kept } = settle(charges, stored, now)
    for (let index = 0; index < buckets.length; index++)
      this.#keep(buckets[index] as Held, kept[index] as Kept)
    this.#charges += charges.length
    if (this.#charges >= SWEEP_EVERY) this.#sweepSome(now)
    return arrivals.map((arrival, index) => chargedOf(arrival, charges[index] as Charge, false))
  }

  #keep(bucket: Held, kept: Kept): void {
    if (kept !== 'kept') this.#set(bucket, kept === 'full' ? NONE : kept)
  }

  #set(bucket: Held, full: number): void {
    bucket.full = full
    if (bucket.dirty) return
    bucket.dirty = true
    this.#dirty.push(bucket)
  }

  #bucket(key: string): Held {
    let bucket = this.#held.get(key)
    if (bucket === undefined) {
      bucket = { digest: digestOf(this.#salt + key), full: NONE, state: Number.NaN, dirty: false }
      this.#held.set(key, bucket)
    }
    if (bucket.state !== this.#state) {
      bucket.full = (this.#read.get(bucket.digest)?.[0] ?? NONE) as number
      bucket.state = this.#state
    }
    return bucket
  }

  #sweepSome(now: number): void {
    const last = this.#stretch.get(this.#swept, 2 * this.#charges)?.[0]
    this.#charges = 0
    if (typeof last !== 'number') {
      this.#swept = 0
      return
    }
    this.#sweep.run(this.#swept, last, now)
    this.#swept = last
  }
}

/**
 * 52 bits of SHA-256, as a number that a table can be keyed by: half the time of a text when there are many. Salted,
 * nobody can look for two that meet; of a million buckets two do by chance in one store of nine thousand.
 */
const digestOf = (text: string): number => Number.parseInt(hash('sha256', text, 'hex').slice(0, 13), 16)
