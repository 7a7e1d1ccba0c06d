import {
  type Applied,
  type Change,
  type Changes,
  type Entry,
  type EntryDraft,
  type EntryKind,
  FEED,
  type Feed,
  type Page,
} from '../contract.ts'
import type { Prepare, Row, Statement } from './statement.ts'

/** Changes of a feed, and audit lines, that are kept. */
const KEPT = 10_000
/** What every write looks for at least that is over. */
const SWEPT = 64

type Refusal = Extract<Applied, { ok: false }>

const COLUMNS = 'entry.kind, entry.id, body, owner, aliases, expires, version, used'
/** Milliseconds since the epoch, the last argument of each statement that has it. */
const LIVES = '(expires IS NULL OR expires > ?)'

/** Entries, feeds and audit lines in tables. What writes happens inside of a transaction of the caller's. */
export class Records {
  readonly #store: string
  readonly #statements: Readonly<Record<keyof typeof SQL, Statement>>

  /** @param store identifies the contents */
  constructor(prepare: Prepare, store: string) {
    this.#store = store
    const prepared = Object.entries(SQL).map(([name, sql]) => [name, prepare(sql)])
    this.#statements = Object.fromEntries(prepared)
  }

  /** When one may not happen, the caller rolls back those before it. */
  apply(changes: readonly Change[], audit: string | null, now: number): Applied {
    const { append, log, trimLog, audit: note, trimAudit } = this.#statements
    this.sweep(Math.max(SWEPT, 2 * changes.length), now)
    const versions: number[] = []
    const feeds = new Set<Feed>()
    for (const [index, change] of changes.entries()) {
      const { kind, id } = 'put' in change ? change.put : change.remove
      const done = this.#change(change, now)
      if (typeof done === 'string') return { ok: false, index, why: done }
      versions.push(done)
      const feed = FEED[kind]
      if (feed === null) continue
      append.run(feed)
      log.run(kind, id, feed)
      feeds.add(feed)
    }
    for (const feed of feeds) trimLog.run(feed, KEPT, feed)
    if (audit !== null) {
      note.run(audit)
      trimAudit.run(KEPT)
    }
    return { ok: true, versions }
  }

  get(kind: EntryKind, ids: readonly string[], now: number): (Entry | null)[] {
    return ids.map((id) => entryOf(this.#statements.byId.get(kind, id, now)))
  }

  find(kind: EntryKind, aliases: readonly string[], now: number): Entry | null {
    for (const alias of aliases) {
      const entry = entryOf(this.#statements.byAlias.get(kind, alias, now))
      if (entry !== null) return entry
    }
    return null
  }

  list(kind: EntryKind, { after, limit, owner }: Page, now: number): Entry[] {
    const { page, pageOfOwner } = this.#statements
    const from = after ?? ''
    const rows =
      owner === null ? page.all(kind, from, now, limit) : pageOfOwner.all(kind, owner, from, now, limit)
    return rows.map((row) => entryOf(row) as Entry)
  }

  epoch(feed: Feed): number {
    return this.#statements.epoch.get(feed)?.[0] as number
  }

  /** Each change moves the epoch by one, so that the log tells all when it has as many lines as the epoch has moved. */
  changes(feed: Feed, since: number): Changes {
    const epoch = this.epoch(feed)
    const moved = epoch - since
    const rows = moved >= 0 && moved <= KEPT ? this.#statements.since.all(feed, since) : []
    const entries = rows.map(([kind, id]) => ({ kind: kind as EntryKind, id: id as string }))
    return { epoch, store: this.#store, entries: entries.length === moved ? entries : null }
  }

  touch(uses: readonly (readonly [id: string, minute: number])[], now: number): void {
    for (const [id, minute] of uses) this.#statements.touch.run(minute, id, minute, now)
  }

  history(limit: number): string[] {
    return this.#statements.history.all(limit).map(([line]) => line as string)
  }

  /** Takes away what is over, so many entries at most. @returns how many those were */
  sweep(most: number, now: number): number {
    const over = this.#statements.over.all(now, most)
    for (const row of over) this.#drop(entryOf(row) as Entry)
    return over.length
  }

  /** When the next entry is over, in milliseconds since the epoch; null: none ever is. */
  nextOver(): number | null {
    return (this.#statements.nextOver.get()?.[0] ?? null) as number | null
  }

  /** Does one change. @returns the version, 0 for what is gone; or why it may not happen */
  #change(change: Change, now: number): number | Refusal['why'] {
    const { kind, id } = 'put' in change ? change.put : change.remove
    const { any } = this.#statements
    let before = entryOf(any.get(kind, id))
    if (before !== null && before.expires !== null && before.expires <= now) {
      this.#drop(before)
      before = null
    }
    const { expected } = change
    if (expected === 'absent' && before !== null) return 'exists'
    if (before === null && (typeof expected === 'number' || 'remove' in change)) return 'missing'
    if (typeof expected === 'number' && before?.version !== expected) return 'changed'
    if ('put' in change) return this.#put(change.put, before, now)
    if (before !== null) this.#drop(before)
    return 0
  }

  #put(draft: EntryDraft, before: Entry | null, now: number): number | 'alias_taken' {
    const { aliasOf, freeAlias, takeAlias, any, insert, update } = this.#statements
    const { kind, id, body, owner, aliases, expires } = draft
    const version = (before?.version ?? 0) + 1
    for (const alias of before?.aliases ?? []) freeAlias.run(kind, alias)
    for (const alias of new Set(aliases)) {
      const holder = aliasOf.get(kind, alias)?.[0] as string | undefined
      if (holder !== undefined) {
        const other = entryOf(any.get(kind, holder))
        if (other !== null && (other.expires === null || other.expires > now)) return 'alias_taken'
        if (other !== null) this.#drop(other)
      }
      takeAlias.run(kind, alias, id)
    }
    const list = JSON.stringify(aliases)
    if (before === null) insert.run(kind, id, body, owner, list, expires)
    else update.run(body, owner, list, expires, version, kind, id)
    return version
  }

  #drop({ kind, id, aliases }: Entry): void {
    for (const alias of aliases) this.#statements.freeAlias.run(kind, alias)
    this.#statements.remove.run(kind, id)
  }
}

const SQL = {
  byId: `SELECT ${COLUMNS} FROM entry WHERE kind = ? AND id = ? AND ${LIVES}`,
  any: `SELECT ${COLUMNS} FROM entry WHERE kind = ? AND id = ?`,
  byAlias: `SELECT ${COLUMNS} FROM alias JOIN entry ON entry.kind = alias.kind AND entry.id = alias.id
    WHERE alias.kind = ? AND alias = ? AND ${LIVES}`,
  page: `SELECT ${COLUMNS} FROM entry WHERE kind = ? AND id > ? AND ${LIVES} ORDER BY id LIMIT ?`,
  pageOfOwner: `SELECT ${COLUMNS} FROM entry WHERE kind = ? AND owner = ? AND id > ? AND ${LIVES}
    ORDER BY id LIMIT ?`,
  over: `SELECT ${COLUMNS} FROM entry WHERE expires IS NOT NULL AND expires <= ? LIMIT ?`,
  nextOver: 'SELECT min(expires) FROM entry WHERE expires IS NOT NULL',
  insert: `INSERT INTO entry (kind, id, body, owner, aliases, expires, version) VALUES (?, ?, ?, ?, ?, ?, 1)`,
  update: `UPDATE entry SET body = ?, owner = ?, aliases = ?, expires = ?, version = ? WHERE kind = ? AND id = ?`,
  remove: 'DELETE FROM entry WHERE kind = ? AND id = ?',
  aliasOf: 'SELECT id FROM alias WHERE kind = ? AND alias = ?',
  takeAlias: 'INSERT INTO alias VALUES (?, ?, ?)',
  freeAlias: 'DELETE FROM alias WHERE kind = ? AND alias = ?',
  epoch: 'SELECT value FROM epoch WHERE feed = ?',
  append: 'UPDATE epoch SET value = value + 1 WHERE feed = ?',
  log: 'INSERT INTO log SELECT feed, value, ?, ? FROM epoch WHERE feed = ?',
  trimLog: 'DELETE FROM log WHERE feed = ? AND epoch <= (SELECT value - ? FROM epoch WHERE feed = ?)',
  since: 'SELECT kind, id FROM log WHERE feed = ? AND epoch > ? ORDER BY epoch',
  touch: `UPDATE entry SET used = ? WHERE kind = 'key' AND id = ? AND (used IS NULL OR used < ?) AND ${LIVES}`,
  audit: 'INSERT INTO audit (line) VALUES (?)',
  trimAudit: 'DELETE FROM audit WHERE row <= (SELECT max(row) FROM audit) - ?',
  history: 'SELECT line FROM audit ORDER BY row DESC LIMIT ?',
} as const

function entryOf(row: Row | undefined): Entry | null {
  if (row === undefined) return null
  const [kind, id, body, owner, aliases, expires, version, used] = row
  return {
    kind: kind as EntryKind,
    id: id as string,
    body: body as string,
    owner: owner as string | null,
    aliases: JSON.parse(aliases as string) as string[],
    expires: expires as number | null,
    version: version as number,
    used: used as number | null,
  }
}
