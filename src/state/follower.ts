import type { Changes, Entry, EntryKind, Feed, Store } from '../stores/contract.ts'

/** Milliseconds after which a question has no answer any more, because the request that asked it was ended. */
const ABANDONED = 30_000

/**
 * Learns what has changed.
 * @param emptied whether the store holds other contents than before
 * @param overtaken whether what is newer was learned meanwhile, so that this must not be kept
 */
export type Learn = (changes: Changes, emptied: boolean, overtaken: () => boolean) => Promise<void>

/** Follows one feed: one question at a time, and whoever comes meanwhile gets an answer that began after it came. */
export class Follower {
  epoch = -1
  readonly #store: Store
  readonly #feed: Feed
  readonly #learn: Learn
  readonly #ticks: () => number
  #contents: string | null = null
  #running: Promise<boolean> | null = null
  #next: Promise<boolean> | null = null
  #began = 0

  /** @param ticks milliseconds on a clock that never steps */
  constructor(store: Store, feed: Feed, learn: Learn, ticks: () => number) {
    this.#ticks = ticks
    this.#store = store
    this.#feed = feed
    this.#learn = learn
  }

  /** @returns whether what the store holds is known now */
  follow(): Promise<boolean> {
    if (this.#running === null || this.#ticks() - this.#began > ABANDONED) return this.#run()
    this.#next ??= this.#running.then(() => this.#run())
    return this.#next
  }

  #run(): Promise<boolean> {
    this.#next = null
    this.#began = this.#ticks()
    const running = this.#ask().then(
      () => true,
      // The guard around the store has told the operator, and what was known goes on to hold.
      () => false,
    )
    this.#running = running
    return running.finally(() => {
      if (this.#running === running) this.#running = null
    })
  }

  async #ask(): Promise<void> {
    const changes = await this.#store.changes(this.#feed, this.epoch)
    const emptied = this.#contents !== null && this.#contents !== changes.store
    const entries = emptied ? null : changes.entries
    // What was given up may still come to its end.
    const overtaken = () => changes.epoch < this.epoch && changes.store === this.#contents
    await this.#learn({ ...changes, entries }, emptied, overtaken)
    if (overtaken()) return
    this.#contents = changes.store
    this.epoch = changes.epoch
  }
}

/** Entries that a store hands out or takes at once. */
export const PAGE = 1000

/** All entries of a kind, page by page. */
export async function everything(store: Store, kind: EntryKind): Promise<Entry[]> {
  const all: Entry[] = []
  for (let after: string | null = null; ; ) {
    const page = await store.list(kind, { after, limit: PAGE, owner: null })
    all.push(...page)
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return all
    after = last.id
  }
}
