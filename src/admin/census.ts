import type { Entry, EntryKind } from '../stores/contract.ts'
import type { Desk } from './ledger.ts'

/** Milliseconds for which a count is good: it only guards a bound that need not be exact. */
const FRESH = 60_000

const PAGE = 1000

/** How many entries of a kind there are. Counting takes a walk through all of them, so it is not done every time. */
export class Census {
  readonly #desk: Desk
  readonly #kind: EntryKind
  readonly #counts: (entry: Entry) => boolean
  #count = 0
  #taken = Number.NEGATIVE_INFINITY

  /** @param counts whether an entry counts */
  constructor(desk: Desk, kind: EntryKind, counts: (entry: Entry) => boolean) {
    this.#desk = desk
    this.#kind = kind
    this.#counts = counts
  }

  async count(): Promise<number> {
    const now = this.#desk.outside.now()
    if (Math.abs(now - this.#taken) < FRESH) return this.#count
    let count = 0
    let after: string | null = null
    for (;;) {
      const entries: readonly Entry[] = await this.#desk.store.list(this.#kind, {
        owner: null,
        after,
        limit: PAGE,
      })
      count += entries.filter(this.#counts).length
      after = entries.at(-1)?.id ?? null
      if (entries.length < PAGE) break
    }
    this.#count = count
    this.#taken = now
    return count
  }

  added(): void {
    this.#count++
  }
}
