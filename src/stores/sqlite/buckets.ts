import { hash } from 'node:crypto'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type Arrival, arrive } from '../../core/limit.ts'
import type { Charge, Charged } from '../../core/model.ts'

/** After so many charges a stretch of the table, twice as long as they were many, is rid of what is full. */
const SWEEP_EVERY = 64

/** Arrival times in a table. All of this happens inside of a transaction of the caller's. */
export class Buckets {
  readonly #salt: string
  readonly #read: StatementSync
  readonly #write: StatementSync
  readonly #delete: StatementSync
  readonly #stretch: StatementSync
  readonly #sweep: StatementSync
  #charges = 0
  /** Where the next stretch begins. */
  #swept = -(2n ** 63n)

  constructor(db: DatabaseSync, salt: string) {
    this.#salt = salt
    this.#read = db.prepare('SELECT full FROM bucket WHERE key = ?')
    this.#write = db.prepare(
      'INSERT INTO bucket VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET full = excluded.full',
    )
    this.#delete = db.prepare('DELETE FROM bucket WHERE key = ?')
    this.#stretch = db.prepare(
      'SELECT max(key) AS last FROM (SELECT key FROM bucket WHERE key >= ? ORDER BY key LIMIT ?)',
    )
    this.#stretch.setReadBigInts(true)
    this.#sweep = db.prepare('DELETE FROM bucket WHERE key BETWEEN ? AND ? AND full <= ?')
  }

  /** @param now microseconds since the epoch */
  charge(charges: readonly Charge[], now: number): Charged[] {
    const keys: bigint[] = []
    const stored: (number | null)[] = []
    const arrivals: Arrival[] = []
    let all = true
    for (const { key, interval, burst, cost } of charges) {
      const digest = hash('sha256', this.#salt + key, 'buffer').readBigInt64BE(0)
      const found = this.#read.get(digest)
      const full = found === undefined ? null : (found['full'] as number)
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
      if (charge.cost !== 0) this.#keep(keys[index] as bigint, charge, full, all ? arrival.next : null, now)
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
    key: bigint,
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

  #sweepSome(now: number): void {
    const last = this.#stretch.get(this.#swept, 2 * this.#charges)?.['last']
    this.#charges = 0
    if (typeof last !== 'bigint') {
      this.#swept = -(2n ** 63n)
      return
    }
    this.#sweep.run(this.#swept, last, now)
    this.#swept = last
  }
}
