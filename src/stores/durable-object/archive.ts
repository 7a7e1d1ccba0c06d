import type { DurableObjectStorage } from '@cloudflare/workers-types'
import {
  type Applied,
  type Change,
  type Changes,
  type Entry,
  type EntryKind,
  FEED,
  type Feed,
  type Page,
} from '../contract.ts'
import { Records } from '../tables/records.ts'
import { beginEntries, ENTRY_TABLES } from '../tables/schema.ts'
import type { Alarm } from './alarm.ts'
import { metaOf, roleOf } from './role.ts'
import { statements } from './statements.ts'
import type { Some } from './wire.ts'

/** UTF-16 units of bodies in one answer: the runtime takes 32 MiB of them. */
const ANSWER = 4_000_000
/** Entries that one stretch of an expiry takes away, so that others get their turn. */
const STRETCH = 200
/** Milliseconds: entries that are over lie on the disk no longer than this. */
const SWEEP = 60_000
/** No alarm is set further ahead, in milliseconds: the runtime cannot count to the end of some entries. */
const FAR = 7 * 86_400_000

/** Entries, feeds and audit lines in the tables of one object; what it answers is on disk. */
export class Archive {
  readonly #storage: DurableObjectStorage
  readonly #alarm: Alarm
  readonly #now: () => number
  readonly #records: Records

  /** @throws {StoreFault} when the tables are of another version */
  constructor(storage: DurableObjectStorage, alarm: Alarm, now: () => number) {
    this.#storage = storage
    this.#alarm = alarm
    this.#now = now
    const prepare = statements(storage.sql)
    if (roleOf(storage) === null)
      storage.transactionSync(() => {
        storage.sql.exec(ENTRY_TABLES)
        beginEntries(prepare, { ...metaOf('entries'), store: crypto.randomUUID() }, now())
      })
    const store = prepare(`SELECT value FROM meta WHERE name = 'store'`).get()?.[0]
    this.#records = new Records(prepare, String(store))
  }

  get epoch(): number {
    return this.#records.epoch('access')
  }

  apply(changes: readonly Change[], audit: string | null): Applied {
    let applied: Applied | undefined
    try {
      this.#storage.transactionSync(() => {
        applied = this.#records.apply(changes, audit, this.#now())
        if (!applied.ok) throw UNDONE
      })
    } catch (error) {
      if (error !== UNDONE) throw error
    }
    this.#wake()
    return applied as Applied
  }

  get(kind: EntryKind, ids: readonly string[]): Some<Entry | null> {
    const some: (Entry | null)[] = []
    let size = 0
    for (const id of ids) {
      const [entry = null] = this.#records.get(kind, [id], this.#now())
      some.push(entry)
      size += entry?.body.length ?? 0
      if (size > ANSWER) break
    }
    return { some, more: some.length < ids.length }
  }

  find(kind: EntryKind, aliases: readonly string[]): Entry | null {
    return this.#records.find(kind, aliases, this.#now())
  }

  list(kind: EntryKind, page: Page): Some<Entry> {
    const all = this.#records.list(kind, page, this.#now())
    const some: Entry[] = []
    let size = 0
    for (const entry of all) {
      some.push(entry)
      size += entry.body.length
      if (size > ANSWER) break
    }
    return { some, more: some.length < all.length }
  }

  changes(feed: Feed, since: number): Changes {
    return this.#records.changes(feed, since)
  }

  touch(uses: readonly (readonly [id: string, minute: number])[]): void {
    this.#storage.transactionSync(() => this.#records.touch(uses, this.#now()))
  }

  /** The latest of them, as many as fit into one answer. */
  history(limit: number): string[] {
    const lines = this.#records.history(limit)
    let size = 0
    for (let index = 0; index < lines.length; index++) {
      size += (lines[index] as string).length
      if (size > ANSWER) return lines.slice(0, Math.max(1, index))
    }
    return lines
  }

  /** Takes away what is over, and looks again when the next entry is. */
  async expire(pause: () => Promise<void>): Promise<void> {
    while (this.#storage.transactionSync(() => this.#records.sweep(STRETCH, this.#now())) === STRETCH)
      await pause()
    this.#wake()
  }

  #wake(): void {
    const next = this.#records.nextOver()
    if (next === null) return
    const now = this.#now()
    this.#alarm.want(Math.min(Math.max(next, now) + SWEEP, now + FAR))
  }
}

const UNDONE = new Error('refused')

/** Whether a write moves the epoch that charges tell. */
export const movesEpoch = (changes: readonly Change[]): boolean =>
  changes.some((change) => FEED['put' in change ? change.put.kind : change.remove.kind] === 'access')
