import * as z from 'zod'
import { type Arrival, arrive } from '../core/limit.ts'
import type { Charge, Charged } from '../core/model.ts'
import {
  type Applied,
  type Change,
  type Changes,
  defineStore,
  type Entry,
  type EntryKind,
  type Feed,
  type Page,
  type Store,
  StoreFault,
} from './contract.ts'
import { chargedOf } from './counting/told.ts'
import { Records } from './memory/records.ts'
import { BucketTable, type Place } from './memory/table.ts'

/** Two to the twenty buckets take 24 MiB when all are in use. */
const CAPACITY = 2 ** 20

/** State in this process alone. */
export const memory = defineStore({
  name: 'memory',
  schema: z
    .strictObject({})
    .meta({ description: 'State in this process alone; nothing survives a restart.' }),
  bare: {},
  deadline: 0,
  holds: false,
  runtimes: ['node', 'workers'],
  shared: false,
  remote: false,
  create: async (_, outside) => new MemoryStore(outside),
})

/** What the memory store asks of its runtime. */
export interface MemoryOutside {
  /** Microseconds on a clock that never steps, from an arbitrary start. */
  micros(): number
  /** A random 32-bit number from a cryptographic source. */
  random32(): number
  /** Milliseconds since the epoch, by which entries expire; without it the time of `micros` has to do. */
  now?(): number
}

/** Keeps state in this process: exact, nothing survives a restart, nothing is shared. */
export class MemoryStore implements Store {
  readonly name = 'memory'
  readonly shared = false
  readonly messenger = null
  readonly #micros: () => number
  readonly #table: BucketTable
  readonly #records: Records
  #closed = false

  constructor(outside: MemoryOutside, capacity: number = CAPACITY) {
    const { micros } = outside
    this.#micros = micros
    this.#table = new BucketTable(capacity, [outside.random32(), outside.random32()])
    const name = `${outside.random32().toString(36)}-${outside.random32().toString(36)}`
    this.#records = new Records(outside.now ?? (() => Math.floor(micros() / 1000)), name)
  }

  /** Goes on after `close`: there is nothing that could not be counted any more. */
  charge(charges: readonly Charge[]): { readonly charged: readonly Charged[]; readonly epoch: number } {
    // Never zero: in the table that is the time of a bucket that was never used.
    const now = Math.floor(this.#micros()) + 1
    const places: Place[] = []
    const arrivals: Arrival[] = []
    let all = true
    for (const { key, interval, burst, cost } of charges) {
      const place = this.#table.place(key)
      const arrival = arrive(this.#table.get(place, now), now, interval, burst, cost)
      const blocked = arrival.ok ? this.#table.blocked(place, now) : 0
      places.push(place)
      arrivals.push(blocked > 0 ? { ...arrival, ok: false, wait: blocked } : arrival)
      all &&= arrival.ok && blocked === 0
    }
    const results: Charged[] = []
    for (let index = 0; index < charges.length; index++) {
      const charge = charges[index] as Charge
      const arrival = arrivals[index] as Arrival
      if (charge.cost !== 0) {
        if (all) this.#keep(places, index, charge, arrival.next, now)
        else this.#heal(places[index] as Place, charge, now)
      }
      results.push(chargedOf(arrival, charge, arrival.ok && !all))
    }
    return { charged: results, epoch: this.#records.access.epoch }
  }

  size(): number {
    return this.#table.size(Math.floor(this.#micros()) + 1)
  }

  glance(): number {
    return this.#records.access.epoch
  }

  async open(): Promise<void> {}

  async apply(changes: readonly Change[], audit: string | null): Promise<Applied> {
    return this.#open().apply(changes, audit)
  }

  get(kind: EntryKind, ids: readonly string[]): readonly (Entry | null)[] {
    return this.#open().get(kind, ids)
  }

  find(kind: EntryKind, aliases: readonly string[]): Entry | null {
    return this.#open().find(kind, aliases)
  }

  async list(kind: EntryKind, page: Page): Promise<readonly Entry[]> {
    return this.#open().list(kind, page)
  }

  changes(feed: Feed, since: number): Changes {
    return this.#open().changes(feed, since)
  }

  async touch(uses: ReadonlyMap<string, number>): Promise<void> {
    this.#open().touch(uses)
  }

  async history(limit: number): Promise<readonly string[]> {
    return this.#open().history(limit)
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #open(): Records {
    if (this.#closed) throw new StoreFault('unavailable', 'the store is closed')
    return this.#records
  }

  /** Brings a time beyond the limit's reach back for good: a limit that shrank would go on denying until then. */
  #heal(place: Place, { key, interval, burst }: Charge, now: number): void {
    const top = now + interval * burst
    if ((this.#table.get(place, now) ?? 0) <= top) return
    const found = this.#table.place(key)
    if (found.slot === place.slot) this.#table.set(found, top, now + interval, now)
  }

  #keep(
    places: readonly Place[],
    index: number,
    { key, interval, burst }: Charge,
    next: number,
    now: number,
  ): void {
    // A newcomer before this one may have taken a place that was looked up earlier.
    let moved = false
    for (let before = 0; before < index; before++) moved ||= (places[before] as Place).slot < 0
    const place = moved ? this.#table.place(key) : (places[index] as Place)
    // A bucket that was refunded until it is full is none, even should the clock step back.
    if (next > now) this.#table.set(place, next, next - interval * (burst - 1), now)
    else if (place.slot >= 0) this.#table.set(place, 0, 0, now)
  }
}
