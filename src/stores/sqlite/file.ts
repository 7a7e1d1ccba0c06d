import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { StoreFault, type StoreOutside } from '../contract.ts'
import { Records } from '../tables/records.ts'
import type { Statement } from '../tables/statement.ts'
import { Buckets } from './buckets.ts'
import { leavesSound } from './fault.ts'
import { prepareSchema } from './schema.ts'
import { prepare } from './statement.ts'

/** Microseconds for which a file is taken to be the one that was opened. */
const LOOK_AGAIN = 10_000

/**
 * Pages in the write-ahead log before they go to their places: 32 MB. Charges of many buckets write one page each, and a
 * page that is charged again meanwhile goes there once.
 */
const LOG_PAGES = 8000

/** How the file is opened. */
export interface FileOptions {
  /** A path, or a `file:` URI as SQLite reads it (https://sqlite.org/uri.html). */
  readonly location: string
  /** More settings of the connection, such as a ceiling for the file's size (`max_page_count`). */
  readonly pragmas?: Readonly<Record<string, number>>
}

/**
 * What a commit survives. `normal`: the end of the process in any way, not the loss of power, which may take the last
 * commits along (never a part of one): right for counters. `full`: both.
 */
export type Durability = 'normal' | 'full'

/** A file that is open. */
interface Opened {
  readonly db: DatabaseSync
  readonly buckets: Buckets
  readonly records: Records
  readonly begin: Statement
  readonly commit: Statement
  readonly dataVersion: Statement
  readonly inode: string
  durability: Durability
  /** The other processes' commits as of `epoch`. */
  seen: number
  epoch: number
}

/**
 * The connection: opens the file when it is first needed, and again when it broke or was replaced. Nothing in here
 * waits: a lock that another process holds is an error at once.
 */
export class SqliteFile {
  readonly #options: FileOptions
  readonly #outside: Pick<StoreOutside, 'now' | 'micros'>
  #opened: Opened | null = null
  #looked = 0

  constructor(options: FileOptions, outside: Pick<StoreOutside, 'now' | 'micros'>) {
    this.#options = options
    this.#outside = outside
  }

  /** Reads; throws what SQLite throws. */
  read<T>(work: (opened: Pick<Opened, 'records'>) => T): T {
    const opened = this.#current()
    try {
      return work(opened)
    } catch (error) {
      this.#consider(error)
      throw error
    }
  }

  /**
   * Writes: all that `work` does happens, or nothing.
   * @param stands whether to keep what was done, by what `work` answered
   */
  write<T>(
    durability: Durability,
    work: (opened: Pick<Opened, 'records' | 'buckets'>) => T,
    stands: (answer: T) => boolean = () => true,
  ): T {
    const opened = this.#current()
    const { db, begin, commit, buckets, dataVersion } = opened
    try {
      if (opened.durability !== durability) db.exec(`PRAGMA synchronous = ${durability}`)
      opened.durability = durability
      begin.run()
      buckets.begin(dataVersion.get()?.[0] as number)
      const answer = work(opened)
      if (stands(answer)) {
        buckets.flush()
        commit.run()
        // Our own commits do not move `data_version`; those of counters do not move the epoch either.
        if (durability === 'full') opened.seen = -1
      } else {
        buckets.abandon()
        db.exec('ROLLBACK')
      }
      return answer
    } catch (error) {
      buckets.abandon()
      this.#rollback(db)
      this.#consider(error)
      throw error
    }
  }

  /** The epoch of `access`: read only when somebody has committed since. */
  epoch(): number {
    const opened = this.#current()
    try {
      const seen = opened.dataVersion.get()?.[0] as number
      if (seen !== opened.seen) {
        opened.epoch = opened.records.epoch('access')
        opened.seen = seen
      }
      return opened.epoch
    } catch (error) {
      this.#consider(error)
      throw error
    }
  }

  close(): void {
    const opened = this.#opened
    this.#opened = null
    try {
      opened?.db.close()
    } catch {
      // It broke before; there is nothing left to let go of.
    }
  }

  #current(): Opened {
    const now = this.#outside.micros()
    if (this.#opened !== null && now - this.#looked >= LOOK_AGAIN) {
      this.#looked = now
      if (inodeOf(this.#path()) !== this.#opened.inode) this.close()
    }
    this.#opened ??= this.#open()
    return this.#opened
  }

  #open(): Opened {
    const path = this.#path()
    if (!existsSync(dirname(path)))
      throw new StoreFault('unavailable', `the folder ${dirname(path)} does not exist: make it first`)
    const db = new DatabaseSync(this.#options.location, { timeout: 0 })
    try {
      for (const [name, value] of Object.entries(this.#options.pragmas ?? {}))
        db.exec(`PRAGMA ${name} = ${value}`)
      db.exec('PRAGMA journal_mode = wal; PRAGMA synchronous = full; PRAGMA cache_size = -65536')
      db.exec(`PRAGMA wal_autocheckpoint = ${LOG_PAGES}`)
      const { store, salt } = prepareSchema(db, this.#outside.now())
      this.#looked = this.#outside.micros()
      return {
        db,
        buckets: new Buckets(db, salt),
        records: new Records((sql) => prepare(db, sql), store),
        begin: prepare(db, 'BEGIN IMMEDIATE'),
        commit: prepare(db, 'COMMIT'),
        dataVersion: prepare(db, 'PRAGMA data_version'),
        inode: inodeOf(path),
        durability: 'full',
        seen: -1,
        epoch: 0,
      }
    } catch (error) {
      db.close()
      throw error
    }
  }

  #path(): string {
    const { location } = this.#options
    return location.startsWith('file:') ? fileURLToPath(location.replace(/\?.*$/, '')) : location
  }

  #rollback(db: DatabaseSync): void {
    try {
      if (db.isTransaction) db.exec('ROLLBACK')
    } catch {
      // SQLite has rolled back by itself, or the connection is beyond it; then it is opened again.
    }
  }

  /** A connection that failed in a way that may stick to it is not used again. */
  #consider(error: unknown): void {
    if (!leavesSound(error)) this.close()
  }
}

/** What tells a file from the one that took its place; empty when there is none. */
function inodeOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false })
  return found === undefined ? '' : `${found.dev}:${found.ino}`
}
