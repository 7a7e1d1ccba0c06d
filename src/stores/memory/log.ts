import type { Changes, EntryKind } from '../contract.ts'

/** Changes and audit lines that are kept at least. */
const KEPT = 10_000

/** The last things that were said, at most twice as many as have to be kept. */
export class Latest<Line> {
  readonly #lines: Line[] = []

  get size(): number {
    return this.#lines.length
  }

  push(line: Line): void {
    this.#lines.push(line)
    if (this.#lines.length >= 2 * KEPT) this.#lines.splice(0, KEPT)
  }

  /** The last `count`, oldest first. */
  last(count: number): Line[] {
    return this.#lines.slice(Math.max(0, this.#lines.length - count))
  }
}

/** One feed: each change moves its epoch by one, so that an epoch says where to go on reading. */
export class FeedLog {
  readonly #changes = new Latest<{ readonly kind: EntryKind; readonly id: string }>()
  /** What the feed is at now. A plain field, for every charge reads it. */
  epoch: number

  /** @param epoch above every epoch that an earlier store could have reached */
  constructor(epoch: number) {
    this.epoch = epoch
  }

  push(kind: EntryKind, id: string): void {
    this.#changes.push({ kind, id })
    this.epoch++
  }

  since(since: number): Pick<Changes, 'epoch' | 'entries'> {
    const { epoch } = this
    const count = epoch - since
    const known = count >= 0 && count <= this.#changes.size
    return { epoch, entries: known ? this.#changes.last(count) : null }
  }
}
