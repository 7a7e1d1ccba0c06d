import type { Charge, Charging } from '../../core/model.ts'
import type { Soon } from '../../core/soon.ts'
import {
  type Applied,
  type Change,
  type Changes,
  type Entry,
  type EntryKind,
  type Feed,
  type Page,
  type Store,
  StoreFault,
  type StoreOutside,
} from '../contract.ts'
import { faultOf, isBusy } from './fault.ts'
import { type FileOptions, SqliteFile } from './file.ts'
import { ChargeQueue, RETRY, unanswered } from './queue.ts'

/** Uses that are noted in one transaction, so that others get their turn. */
const TOUCHED = 500

const CLOSED = new StoreFault('unavailable', 'the store is closed')

/**
 * Keeps state in one SQLite file. Its clock is the wall clock, so that buckets outlive a restart; a step of the clock
 * is healed by the algorithm. Charges survive `kill -9`, entries also the loss of power.
 */
export class SqliteStore implements Store {
  readonly name = 'sqlite'
  readonly shared = true
  readonly messenger = null
  readonly #file: SqliteFile
  readonly #queue: ChargeQueue
  readonly #deadline: number
  readonly #outside: Pick<StoreOutside, 'now' | 'micros'>
  /** What was glanced in this turn of the event loop; undefined: nothing yet. */
  #glanced: number | null | undefined
  #closed = false

  /** @param options with the milliseconds that a call may wait for another process's lock */
  constructor(options: FileOptions & { deadline: number }, outside: Pick<StoreOutside, 'now' | 'micros'>) {
    this.#file = new SqliteFile(options, outside)
    this.#queue = new ChargeQueue(this.#file, options.deadline, outside)
    this.#deadline = options.deadline * 1000
    this.#outside = outside
  }

  async open(): Promise<void> {
    await this.#try(() => this.#file.epoch())
  }

  charge(charges: readonly Charge[]): Soon<Charging> {
    if (this.#closed) return unanswered(charges, CLOSED)
    if (charges.length === 0) return { charged: [], epoch: this.glance() }
    return this.#queue.add(charges)
  }

  /**
   * One look at the file for all that asks in the same turn of the event loop: what another process did meanwhile could
   * as well have come after. A charge tells the epoch of its own transaction, whatever was glanced.
   */
  glance(): number | null {
    if (this.#closed) return null
    if (this.#glanced === undefined) {
      this.#glanced = this.#look()
      setImmediate(() => {
        this.#glanced = undefined
      })
    }
    return this.#glanced
  }

  /** Counting would walk through the whole table. */
  size(): null {
    return null
  }

  async apply(changes: readonly Change[], audit: string | null): Promise<Applied> {
    return this.#try(() => {
      this.#glanced = undefined
      return this.#file.write(
        'full',
        ({ records }) => records.apply(changes, audit, this.#outside.now()),
        ({ ok }) => ok,
      )
    })
  }

  get(kind: EntryKind, ids: readonly string[]): Soon<readonly (Entry | null)[]> {
    return this.#try(() => this.#file.read(({ records }) => records.get(kind, ids, this.#outside.now())))
  }

  find(kind: EntryKind, aliases: readonly string[]): Soon<Entry | null> {
    return this.#try(() => this.#file.read(({ records }) => records.find(kind, aliases, this.#outside.now())))
  }

  async list(kind: EntryKind, page: Page): Promise<readonly Entry[]> {
    return this.#try(() => this.#file.read(({ records }) => records.list(kind, page, this.#outside.now())))
  }

  changes(feed: Feed, since: number): Soon<Changes> {
    return this.#try(() => this.#file.read(({ records }) => records.changes(feed, since)))
  }

  async touch(uses: ReadonlyMap<string, number>): Promise<void> {
    const all = [...uses]
    for (let at = 0; at === 0 || at < all.length; at += TOUCHED) {
      const some = all.slice(at, at + TOUCHED)
      await this.#try(() =>
        this.#file.write('normal', ({ records }) => records.touch(some, this.#outside.now())),
      )
    }
  }

  async history(limit: number): Promise<readonly string[]> {
    return this.#try(() => this.#file.read(({ records }) => records.history(limit)))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#queue.drain()
    this.#file.close()
  }

  #look(): number | null {
    try {
      return this.#file.epoch()
    } catch {
      // Whoever then asks the store hears why.
      return null
    }
  }

  /** Does it at once; where another process holds the lock it tries again, without blocking, until the deadline. */
  #try<T>(work: () => T): Soon<T> {
    if (this.#closed) return Promise.reject(CLOSED)
    try {
      return work()
    } catch (error) {
      return isBusy(error) ? this.#patiently(work, error) : Promise.reject(faultOf(error))
    }
  }

  async #patiently<T>(work: () => T, first: unknown): Promise<T> {
    const until = this.#outside.micros() + this.#deadline
    let last = first
    while (isBusy(last) && this.#outside.micros() < until) {
      await new Promise((resolve) => setTimeout(resolve, RETRY))
      if (this.#closed) throw CLOSED
      try {
        return work()
      } catch (error) {
        last = error
      }
    }
    throw faultOf(last)
  }
}
