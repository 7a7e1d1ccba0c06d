import type { DurableObjectStorage } from '@cloudflare/workers-types'
import { within } from '../../schema/within.ts'
import type { Prepare } from '../tables/statement.ts'
import { statements } from './statements.ts'
import type { EpochLease } from './wire.ts'

/** Milliseconds for which a counter object is told of changes once it has asked. */
const LIFE = 10_000
/** Milliseconds for which the disk names an object that has asked: it is written anew when half of them are over. */
const NAMED = 600_000
/** Objects that are told. Each is one call out of a thousand that one event may make; others learn within ten seconds. */
const MOST = 500
/** Milliseconds that a write waits for those that have to be told. */
const PATIENCE = 1000

const TABLE =
  'CREATE TABLE IF NOT EXISTS listener (id TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID'

/**
 * Who is told of a new epoch. Leases are in memory; the disk names everybody who may hold one, so that an object that
 * was restarted knows whom its predecessor had promised to tell.
 */
export class Roster {
  readonly #prepare: Prepare
  readonly #now: () => number
  readonly #tell: (id: string, epoch: number) => Promise<void>
  readonly #most: number
  /** Milliseconds since the epoch until which each is to be told. */
  readonly #leases = new Map<string, number>()
  /** The same as the disk names them. */
  readonly #named = new Map<string, number>()
  /** How many the disk names when it is next looked through: twice as many as were left, so that each costs the same. */
  #full: number
  #telling: Promise<void> = Promise.resolve()
  #next: Promise<void> | null = null

  /** @param tell rejects when the object with that id does not answer */
  constructor(
    storage: DurableObjectStorage,
    now: () => number,
    tell: (id: string, epoch: number) => Promise<void>,
    most: number = MOST,
  ) {
    this.#prepare = statements(storage.sql)
    this.#now = now
    this.#tell = tell
    this.#most = most
    this.#full = 2 * most
    storage.sql.exec(TABLE)
    const begun = now()
    for (const [id, until] of this.#prepare('SELECT id, until FROM listener').all()) {
      this.#named.set(id as string, until as number)
      if ((until as number) > begun) this.#leases.set(id as string, begun + LIFE)
    }
  }

  /** Objects that are to be told now. */
  get size(): number {
    this.#prune()
    return this.#leases.size
  }

  enlist(id: string, epoch: number): EpochLease {
    const now = this.#now()
    if (!this.#leases.has(id) && this.size >= this.#most) return { epoch, life: 0 }
    this.#leases.set(id, now + LIFE)
    if ((this.#named.get(id) ?? 0) < now + NAMED / 2) this.#name(id, now)
    return { epoch, life: LIFE }
  }

  /**
   * Tells everybody; one that does not answer in time is told no more until it asks again. What is announced while that
   * is under way is told together, next.
   */
  announce(epoch: () => number): Promise<void> {
    this.#next ??= this.#telling.then(() => {
      this.#next = null
      this.#telling = this.#announce(epoch())
      return this.#telling
    })
    return this.#next
  }

  async #announce(epoch: number): Promise<void> {
    this.#prune()
    const silent = new Set(this.#leases.keys())
    const told = [...silent].map((id) =>
      this.#tell(id, epoch).then(
        () => void silent.delete(id),
        () => {},
      ),
    )
    await within(Promise.all(told), PATIENCE)
    for (const id of silent) this.#leases.delete(id)
  }

  #prune(): void {
    const now = this.#now()
    for (const [id, until] of this.#leases) if (until <= now) this.#leases.delete(id)
  }

  #name(id: string, now: number): void {
    this.#prepare(
      'INSERT INTO listener VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET until = excluded.until',
    ).run(id, now + NAMED)
    this.#named.set(id, now + NAMED)
    if (this.#named.size <= this.#full) return
    this.#prepare('DELETE FROM listener WHERE until <= ?').run(now)
    for (const [other, until] of this.#named) if (until <= now) this.#named.delete(other)
    this.#full = 2 * Math.max(this.#most, this.#named.size)
  }
}
