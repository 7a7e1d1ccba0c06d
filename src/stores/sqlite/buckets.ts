import { hash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { Bounded } from '../../core/bounded.ts'
import { type Arrival, arrive } from '../../core/limit.ts'
import type { Charge, Charged } from '../../core/model.ts'
import { prepare, type Statement } from './statement.ts'

/** After so many charges a stretch of the table, twice as long as they were many, is rid of what is full. */
const SWEEP_EVERY = 64

/** Digests of the keys that were charged last: looking one up takes a tenth of making it. */
const DIGESTS = 2 ** 14

/** Arrival times in a table. All of this happens inside of a transaction of the caller's. */
export class Buckets {
  readonly #salt: string
  readonly #read: Statement
  readonly #write: Statement
  readonly #delete: Statement
  readonly #stretch: Statement
  readonly #sweep: Statement
  readonly #digests = new Bounded<string, number>(DIGESTS)
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

  /** @param now microseconds since the epoch */
  charge(charges: readonly Charge[], now: number): Charged[] {
    const keys: number[] = []
    const stored: (number | null)[] = []
    const arrivals: Arrival[] = []
    let all = true
    for (const { key, interval, burst, cost } of charges) {
      const digest = this.#digest(key)
      const full = (this.#read.get(digest)?.[0] ?? null) as number | null
      const arrival = arrive(full, now, interval, burst, cost)
      keys.push(digest)
      stored.push(full)
      arrivals.push(arrival)
      all &&= arrival.ok
    }
    const results: Charged[] = []
    for (let index = 0; index < charges.length; index++) {
      const charge = charges[index] as Charge
      const arrival = arrivals[index] as Arrival
      const full = stored[index] as number | null
      if (charge.cost !== 0) this.#keep(keys[index] as number, charge, full, all ? arrival.next : null, now)
      const { remaining, full: left } =
        arrival.ok && !all ? arrive(full, now, charge.interval, charge.burst, 0) : arrival
      results.push({
        ok: arrival.ok,
        remaining,
        full: Math.ceil(left / 1000),
        wait: Math.ceil(arrival.wait / 1000),
      })
    }
    this.#charges += charges.length
    if (this.#charges >= SWEEP_EVERY) this.#sweepSome(now)
    return results
  }

  /** @param next null: denied, and all that may be written is a time beyond the limit's reach, brought back for good */
  #keep(
    key: number,
    { interval, burst }: Charge,
    stored: number | null,
    next: number | null,
    now: number,
  ): void {
    if (next === null) {
      const top = now + interval * burst
      if (stored !== null && stored > top) this.#write.run(key, top)
    } else if (next > now) this.#write.run(key, next)
    else if (stored !== null) this.#delete.run(key)
  }

  #digest(key: string): number {
    const known = this.#digests.get(key)
    if (known !== undefined) return known
    const digest = digestOf(this.#salt + key)
    this.#digests.set(key, digest)
    return digest
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
