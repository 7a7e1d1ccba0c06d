import type { Charge, Charging } from '../../core/model.ts'
import {
  type Applied,
  type Change,
  type Changes,
  type Entry,
  type EntryKind,
  type Feed,
  type Holds,
  type Page,
  type Place,
  type Store,
  StoreFault,
  type StoreOutside,
} from '../contract.ts'
import { joined, partsOf, type Told } from '../counting/told.ts'
import { Homes, type Part } from './homes.ts'
import { checkSizes } from './sizes.ts'
import {
  type Answer,
  faultOf,
  NAMES,
  type StateNamespace,
  type StateObject,
  valueIn,
  type WireCharge,
  type WirePlace,
} from './wire.ts'

export { isNamespace } from './wire.ts'

/** Uses that are noted in one call, so that others get their turn. */
const TOUCHED = 500

const CLOSED = new StoreFault('unavailable', 'the store is closed')

export interface DurableObjectOutside extends Pick<StoreOutside, 'sha256' | 'now'> {
  /** Lets what nobody waits for go on after the answer. */
  outlive(promise: Promise<unknown>): void
}

/**
 * State in Durable Objects: entries in one, counters in one for each tenant and in a fixed number for everybody else.
 * Objects are asked by new stubs each time: one belongs to the request that made it.
 */
export class DurableObjectStore implements Store {
  readonly name = 'durableObject'
  readonly shared = true
  readonly messenger = null
  readonly holds: Holds = {
    take: (holder, places, life) => this.#take(holder, places, life),
    release: (holder, places) => this.#release(holder, places),
  }
  readonly #namespace: StateNamespace
  readonly #homes: Homes
  readonly #outside: DurableObjectOutside
  #closed = false

  constructor(namespace: StateNamespace, shards: number, outside: DurableObjectOutside) {
    this.#namespace = namespace
    this.#homes = new Homes(shards, outside.sha256)
    this.#outside = outside
  }

  async open(): Promise<void> {
    await this.#access((object) => object.ready())
  }

  async charge(charges: readonly Charge[]): Promise<Charging> {
    if (this.#closed) return { charged: charges.map(() => null), epoch: null, cause: CLOSED }
    const parts = this.#homes.parts(charges, this.#outside.now()).map((part) => ({
      ...part,
      wire: part.places.map((place) => this.#wire(charges[place] as Charge)),
    }))
    const told = await Promise.all(parts.map((part) => this.#charge(part, part.wire)))
    const { charging, refunds } = joined(charges, parts, told)
    for (const index of refunds) {
      const part = parts[index] as (typeof parts)[number]
      const back = part.wire.map((one) => ({ ...one, cost: -one.cost }))
      this.#outside.outlive(this.#charge(part, back))
    }
    return charging
  }

  glance(): null {
    return null
  }

  size(): null {
    return null
  }

  async apply(changes: readonly Change[], audit: string | null): Promise<Applied> {
    checkSizes(changes, audit)
    return this.#access((object) => object.apply(changes, audit))
  }

  async get(kind: EntryKind, ids: readonly string[]): Promise<readonly (Entry | null)[]> {
    const found: (Entry | null)[] = []
    for (;;) {
      const rest = found.length === 0 ? ids : ids.slice(found.length)
      const { some, more } = await this.#access((object) => object.get(kind, rest))
      found.push(...some)
      if (!more) return found
    }
  }

  async find(kind: EntryKind, aliases: readonly string[]): Promise<Entry | null> {
    return this.#access((object) => object.find(kind, aliases))
  }

  async list(kind: EntryKind, { after, limit, owner }: Page): Promise<readonly Entry[]> {
    const found: Entry[] = []
    for (;;) {
      const page = { after: found.at(-1)?.id ?? after, limit: limit - found.length, owner }
      const { some, more } = await this.#access((object) => object.list(kind, page))
      found.push(...some)
      if (!more) return found
    }
  }

  async changes(feed: Feed, since: number): Promise<Changes> {
    return this.#access((object) => object.changes(feed, since))
  }

  async touch(uses: ReadonlyMap<string, number>): Promise<void> {
    const all = [...uses]
    for (let at = 0; at === 0 || at < all.length; at += TOUCHED) {
      const some = all.slice(at, at + TOUCHED)
      await this.#access((object) => object.touch(some))
    }
  }

  async history(limit: number): Promise<readonly string[]> {
    return this.#access((object) => object.history(limit))
  }

  /** There is nothing to let go of. */
  async close(): Promise<void> {
    this.#closed = true
  }

  #access<T>(call: (object: StateObject) => Promise<Answer<T>>): Promise<T> {
    return this.#ask(NAMES.access, call)
  }

  /** @throws {StoreFault} */
  async #ask<T>(name: string, call: (object: StateObject) => Promise<Answer<T>>): Promise<T> {
    if (this.#closed) throw CLOSED
    try {
      return valueIn(await call(this.#namespace.getByName(name)))
    } catch (error) {
      throw faultOf(error)
    }
  }

  /** Never rejects. */
  async #charge({ name, origin, tenant }: Part, charges: readonly WireCharge[]): Promise<Told | StoreFault> {
    try {
      const told = await this.#ask(name, (object) => object.charge(charges, origin))
      if (tenant !== null) this.#homes.heard(tenant, told.heat, this.#outside.now())
      return told
    } catch (error) {
      return faultOf(error)
    }
  }

  #wire({ key, interval, burst, cost }: Charge): WireCharge {
    return { key: this.#homes.digest(key), interval, burst, cost }
  }

  /** In all objects at once; where one is full the others get theirs back. */
  async #take(holder: string, places: readonly Place[], life: number): Promise<number | null> {
    const name = this.#homes.digest(holder)
    const parts = this.#seats(places)
    const taken = await Promise.allSettled(
      parts.map(({ home, wire }) => this.#ask(home, (object) => object.take(name, wire, life))),
    )
    const full = taken.flatMap((one, index) =>
      one.status === 'fulfilled' && one.value !== null ? [parts[index]?.at[one.value] as number] : [],
    )
    if (full.length === 0) {
      // Whoever renews keeps what he has: a moment's failure gives nobody else his places.
      for (const one of taken) if (one.status === 'rejected') throw faultOf(one.reason)
      return null
    }
    for (const [index, one] of taken.entries()) {
      const { home, wire } = parts[index] as (typeof parts)[number]
      // One that did not answer may have taken them all the same.
      if (one.status === 'rejected' || one.value === null)
        this.#outside.outlive(this.#ask(home, (object) => object.release(name, wire)).catch(() => {}))
    }
    return Math.min(...full)
  }

  async #release(holder: string, places: readonly Place[]): Promise<void> {
    const name = this.#homes.digest(holder)
    await Promise.all(
      this.#seats(places).map(({ home, wire }) => this.#ask(home, (object) => object.release(name, wire))),
    )
  }

  #seats(places: readonly Place[]): { home: string; at: readonly number[]; wire: readonly WirePlace[] }[] {
    return [...partsOf(places, (place) => this.#homes.of(place))].map(([home, at]) => ({
      home,
      at,
      wire: at.map((index): WirePlace => {
        const { key, most } = places[index] as Place
        return [this.#homes.digest(key), most]
      }),
    }))
  }
}
