import type { Entry, Page } from '../contract.ts'
import { OrderedIds } from './ordered.ts'

/** Entries that each write looks at for what is over: more than it adds, so that a shelf holds little that nobody sees. */
const SWEPT = 2

/** The entries of one kind: by id, by alias, by owner, and in order. */
export class Shelf {
  readonly #entries = new Map<string, Entry>()
  readonly #aliases = new Map<string, string>()
  readonly #order = new OrderedIds()
  readonly #owners = new Map<string, OrderedIds>()
  #sweeper = this.#entries.values()

  /** The entry, when its time is not up. */
  get(id: string, now: number): Entry | null {
    const entry = this.#entries.get(id)
    return entry !== undefined && lives(entry, now) ? entry : null
  }

  find(alias: string, now: number): Entry | null {
    const id = this.#aliases.get(alias)
    return id === undefined ? null : this.get(id, now)
  }

  page({ after, limit, owner }: Page, now: number): Entry[] {
    const found: Entry[] = []
    const order = owner === null ? this.#order : this.#owners.get(owner)
    if (order === undefined) return found
    for (const id of order.after(after)) {
      if (found.length >= limit) break
      const entry = this.get(id, now)
      if (entry !== null) found.push(entry)
    }
    return found
  }

  /** Puts an entry, or takes it away. Aliases that it names must be free, or held by an entry that is over. */
  set(id: string, entry: Entry | null): void {
    const old = this.#entries.get(id)
    if (old !== undefined) this.#drop(old)
    if (entry === null) return
    const { aliases, owner } = entry
    for (const alias of aliases) this.#aliases.set(alias, id)
    this.#entries.set(id, entry)
    this.#order.add(id)
    if (owner === null) return
    const owned = this.#owners.get(owner) ?? new OrderedIds()
    this.#owners.set(owner, owned)
    owned.add(id)
  }

  /** Notes a use; nothing else changes. */
  touch(id: string, minute: number, now: number): void {
    const entry = this.get(id, now)
    if (entry !== null && minute > (entry.used ?? -1)) this.#entries.set(id, { ...entry, used: minute })
  }

  /** Takes away what is over, a few entries at a time. */
  sweep(now: number): void {
    for (let step = 0; step < SWEPT; step++) {
      const { value, done } = this.#sweeper.next()
      if (done) {
        this.#sweeper = this.#entries.values()
        return
      }
      if (!lives(value, now)) this.#drop(value)
    }
  }

  #drop({ id, aliases, owner }: Entry): void {
    this.#entries.delete(id)
    this.#order.delete(id)
    for (const alias of aliases) if (this.#aliases.get(alias) === id) this.#aliases.delete(alias)
    if (owner === null) return
    const owned = this.#owners.get(owner)
    owned?.delete(id)
    if (owned?.empty) this.#owners.delete(owner)
  }
}

const lives = ({ expires }: Entry, now: number): boolean => expires === null || expires > now
