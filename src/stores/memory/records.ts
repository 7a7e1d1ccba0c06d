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
import { FeedLog, Latest } from './log.ts'
import { Shelf } from './shelf.ts'

/** What stood where a change wrote, so that it can be put back. */
interface Step {
  readonly kind: EntryKind
  readonly id: string
  readonly before: Entry | null
  /** 0: it was taken away. */
  readonly version: number
}

type Refusal = Extract<Applied, { ok: false }>['why']

/** Entries, feeds and audit lines of one process. */
export class Records {
  readonly #now: () => number
  readonly #store: string
  readonly #shelves: Readonly<Record<EntryKind, Shelf>> = {
    key: new Shelf(),
    revocation: new Shelf(),
    ban: new Shelf(),
    idempotency: new Shelf(),
    meta: new Shelf(),
  }
  readonly #audit = new Latest<string>()
  readonly access: FeedLog
  readonly #bans: FeedLog

  /** @param now milliseconds since the epoch; epochs start there, in microseconds, above those of any earlier store */
  constructor(now: () => number, store: string) {
    this.#now = now
    this.#store = store
    const start = Math.max(1, Math.floor(now() * 1000))
    this.access = new FeedLog(start)
    this.#bans = new FeedLog(start)
  }

  apply(changes: readonly Change[], audit: string | null): Applied {
    const now = this.#now()
    const steps: Step[] = []
    for (const change of changes) {
      const step = this.#step(change, now)
      if (typeof step === 'string') {
        for (const { kind, id, before } of steps.reverse()) this.#shelves[kind].set(id, before)
        return { ok: false, index: steps.length, why: step }
      }
      steps.push(step)
    }
    for (const { kind, id } of steps) {
      const feed = FEED[kind]
      if (feed !== null) this.#feed(feed).push(kind, id)
      this.#shelves[kind].sweep(now)
    }
    if (audit !== null) this.#audit.push(audit)
    return { ok: true, versions: steps.map(({ version }) => version) }
  }

  get(kind: EntryKind, ids: readonly string[]): (Entry | null)[] {
    const now = this.#now()
    return ids.map((id) => this.#shelves[kind].get(id, now))
  }

  find(kind: EntryKind, aliases: readonly string[]): Entry | null {
    const now = this.#now()
    for (const alias of aliases) {
      const entry = this.#shelves[kind].find(alias, now)
      if (entry !== null) return entry
    }
    return null
  }

  list(kind: EntryKind, page: Page): Entry[] {
    return this.#shelves[kind].page(page, this.#now())
  }

  changes(feed: Feed, since: number): Changes {
    return { ...this.#feed(feed).since(since), store: this.#store }
  }

  touch(uses: ReadonlyMap<string, number>): void {
    const now = this.#now()
    for (const [id, minute] of uses) this.#shelves.key.touch(id, minute, now)
  }

  history(limit: number): string[] {
    return this.#audit.last(limit).reverse()
  }

  #feed(feed: Feed): FeedLog {
    return feed === 'access' ? this.access : this.#bans
  }

  /** Does one change. @returns what it replaced, or why it may not happen */
  #step(change: Change, now: number): Step | Refusal {
    const { kind, id } = 'put' in change ? change.put : change.remove
    const shelf = this.#shelves[kind]
    const before = shelf.get(id, now)
    const { expected } = change
    if (expected === 'absent' && before !== null) return 'exists'
    if (before === null && (typeof expected === 'number' || 'remove' in change)) return 'missing'
    if (typeof expected === 'number' && before?.version !== expected) return 'changed'
    if ('remove' in change) {
      shelf.set(id, null)
      return { kind, id, before, version: 0 }
    }
    for (const alias of change.put.aliases) {
      const holder = shelf.find(alias, now)
      if (holder !== null && holder.id !== id) return 'alias_taken'
    }
    const { body, owner, aliases, expires } = change.put
    const version = (before?.version ?? 0) + 1
    const entry = {
      kind,
      id,
      body,
      owner,
      aliases: [...aliases],
      expires,
      version,
      used: before?.used ?? null,
    }
    shelf.set(id, entry)
    return { kind, id, before, version }
  }
}
