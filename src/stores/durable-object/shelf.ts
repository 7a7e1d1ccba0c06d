import type { DurableObjectStorage } from '@cloudflare/workers-types'
import type { Prepare } from '../tables/statement.ts'
import { metaOf, roleOf } from './role.ts'
import { statements } from './statements.ts'

const TABLES = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE bucket (key TEXT PRIMARY KEY, full INTEGER NOT NULL) WITHOUT ROWID;
`

/** Buckets that one stretch of a sweep looks at. */
const STRETCH = 2000

/** A bucket to write. */
export interface BucketRow {
  readonly key: string
  /** Microseconds since the epoch; null: it is full, and goes. */
  readonly full: number | null
  /** Whether it was not there before. */
  readonly added: boolean
}

/** What keeps buckets when the object ends. */
export interface BucketShelf {
  /** How many there are at most. */
  readonly rows: number
  /** Microseconds since the epoch at which it is full again; null where there is none. */
  read(key: string): number | null
  /** All of them or none; throws when the disk is full or fails. */
  write(buckets: readonly BucketRow[]): void
  /** @param now microseconds since the epoch */
  sweep(now: () => number, pause: () => Promise<void>): Promise<void>
  clear(): Promise<void>
}

/** Buckets on disk: microseconds at which each is full again. An object that never writes one has no tables at all. */
export class Shelf implements BucketShelf {
  readonly #storage: DurableObjectStorage
  readonly #prepare: Prepare
  #there: boolean
  #rows: number

  /** @throws {StoreFault} when the tables are of another version */
  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
    this.#prepare = statements(storage.sql)
    this.#there = roleOf(storage) !== null
    this.#rows = this.#there ? (this.#prepare('SELECT count(*) FROM bucket').get()?.[0] as number) : 0
  }

  /** How many there are, at least as many as are on disk. */
  get rows(): number {
    return this.#rows
  }

  /** Null where there is none. */
  read(key: string): number | null {
    if (!this.#there) return null
    return (this.#prepare('SELECT full FROM bucket WHERE key = ?').get(key)?.[0] ?? null) as number | null
  }

  /** All of them in one transaction. */
  write(buckets: readonly BucketRow[]): void {
    this.#storage.transactionSync(() => {
      if (!this.#there) this.#create()
      const put = this.#prepare(
        'INSERT INTO bucket VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET full = excluded.full',
      )
      const remove = this.#prepare('DELETE FROM bucket WHERE key = ?')
      for (const { key, full } of buckets) {
        if (full === null) remove.run(key)
        else put.run(key, full)
      }
    })
    this.#there = true
    for (const { full, added } of buckets) this.#rows += full === null ? -1 : added ? 1 : 0
  }

  /**
   * Takes away what is full again, a stretch at a time so that charges get their turn in between.
   * @param now microseconds since the epoch
   */
  async sweep(now: () => number, pause: () => Promise<void>): Promise<void> {
    if (!this.#there) return
    const stretch = this.#prepare(
      'SELECT max(key) FROM (SELECT key FROM bucket WHERE key > ? ORDER BY key LIMIT ?)',
    )
    const remove = this.#prepare('DELETE FROM bucket WHERE key > ? AND key <= ? AND full <= ?')
    for (let from = ''; ; ) {
      const to = stretch.get(from, STRETCH)?.[0]
      if (typeof to !== 'string') break
      remove.run(from, to, now())
      from = to
      await pause()
    }
    this.#rows = this.#prepare('SELECT count(*) FROM bucket').get()?.[0] as number
  }

  /** Gives back all that the disk holds, tables included: an object without storage is none. */
  async clear(): Promise<void> {
    this.#there = false
    this.#rows = 0
    await this.#storage.deleteAll()
  }

  #create(): void {
    this.#storage.sql.exec(TABLES)
    const note = this.#prepare('INSERT INTO meta VALUES (?, ?)')
    for (const [name, value] of Object.entries(metaOf('buckets'))) note.run(name, value)
  }
}
