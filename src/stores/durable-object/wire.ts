import type { Charge } from '../../core/model.ts'
import type { Applied, Change, Changes, Entry, EntryKind, Feed, Page } from '../contract.ts'
import { StoreFault } from '../contract.ts'
import type { Told } from '../counting/told.ts'

/** A charge as it travels: the digest of its key in place of the key. */
export type WireCharge = Pick<Charge, 'key' | 'interval' | 'burst' | 'cost'>

/** What a hot tenant's own object tells those who ask it: its shards are to be asked from now on. */
export interface Heat {
  /** Keys of the buckets that the whole tenant shares: a shard has them on lease. */
  readonly shared: readonly string[]
}

/** What a charge is answered. */
export interface ToldHeat extends Told {
  /** Null where the tenant is not hot. */
  readonly heat: Heat | null
}

/** Where a shard has the buckets that it shares with others from. */
export interface Origin {
  /** Name of the tenant's own object. */
  readonly name: string
  /** Indices of the charges that are of shared buckets. */
  readonly shared: readonly number[]
}

/** Units lent by the tenant's own object, and what its bucket then says in microseconds; no units: denied. */
export interface Grant {
  readonly units: number
  readonly remaining: number
  readonly full: number
  readonly wait: number
}

/** A place to hold: the digest of its key, and how many may hold it. */
export type WirePlace = readonly [key: string, most: number]

/** What an object answers: calls between objects lose the classes of errors, so faults travel as values. */
export type Answer<T> =
  | { readonly value: T }
  | { readonly fault: StoreFault['code']; readonly message: string }

/** The first of what was asked, as much as fits into one answer; the rest has to be asked for. */
export interface Some<T> {
  readonly some: readonly T[]
  readonly more: boolean
}

/** A counter object is told the epoch without asking until this much later; 0: it has to ask. */
export interface EpochLease {
  readonly epoch: number
  /** Milliseconds. */
  readonly life: number
}

/** What an object can be asked. All of it is one class; which part is used depends on the object's name. */
export interface StateObject {
  /** Charges buckets: all of them or none. @param origin of a shard: null of every other object */
  charge(charges: readonly WireCharge[], origin: Origin | null): Promise<Answer<ToldHeat>>
  /** Asked by a shard of a tenant: for units of a bucket, at least its cost; a negative cost gives back. */
  grant(charge: WireCharge, want: number): Promise<Answer<Grant>>
  /** Told by a shard of a tenant: so many calls came there since it told last. */
  report(calls: number): Promise<Answer<Heat | null>>
  take(holder: string, places: readonly WirePlace[], life: number): Promise<Answer<number | null>>
  release(holder: string, places: readonly WirePlace[]): Promise<Answer<null>>

  /** Whether its tables can be read. */
  ready(): Promise<Answer<null>>
  apply(changes: readonly Change[], audit: string | null): Promise<Answer<Applied>>
  get(kind: EntryKind, ids: readonly string[]): Promise<Answer<Some<Entry | null>>>
  find(kind: EntryKind, aliases: readonly string[]): Promise<Answer<Entry | null>>
  list(kind: EntryKind, page: Page): Promise<Answer<Some<Entry>>>
  changes(feed: Feed, since: number): Promise<Answer<Changes>>
  touch(uses: readonly (readonly [id: string, minute: number])[]): Promise<Answer<null>>
  history(limit: number): Promise<Answer<readonly string[]>>

  /** Asked by a counter object: what the epoch is, and for how long changes of it are told. */
  enlist(id: string): Promise<Answer<EpochLease>>
  /** Told by the object that keeps the entries: there is a new epoch. */
  tell(epoch: number): Promise<Answer<null>>
}

/** A binding to the class, as far as it is used. */
export interface StateNamespace {
  getByName(name: string): StateObject
  get(id: unknown): StateObject
  idFromString(id: string): unknown
}

/** By its class: a binding to another Worker seems to have every method that it is asked for. */
export const isNamespace = (binding: unknown): binding is StateNamespace =>
  typeof binding === 'object' &&
  binding !== null &&
  Object.hasOwn(Object.getPrototypeOf(binding) ?? {}, 'idFromString')

/** Names of objects: nothing that a stranger presents ever becomes one. */
export const NAMES = {
  access: 'access',
  /** @param digest of the tenant */
  tenant: (digest: string): string => `tenant:${digest}`,
  /** @param name of the tenant's own object */
  tenantShard: (name: string, shard: number): string => `${name}:${shard}`,
  shared: (shard: number): string => `shared:${shard}`,
} as const

/** What was thrown, by the properties that the runtime sets on it; its text may quote what was sent. */
export function faultOf(error: unknown): StoreFault {
  if (error instanceof StoreFault) return error
  const { overloaded, retryable, remote } = (error ?? {}) as Readonly<Record<string, unknown>>
  if (overloaded === true) return new StoreFault('unavailable', 'the object has more to do than it can')
  if (remote === true) return new StoreFault('unavailable', 'the object failed')
  if (retryable === true) return new StoreFault('unavailable', 'the object was restarted or is out of reach')
  return new StoreFault('unavailable', 'the object cannot be reached')
}

/** The value of an answer. @throws {StoreFault} what the object said instead */
export function valueIn<T>(answer: Answer<T>): T {
  if ('fault' in answer) throw new StoreFault(answer.fault, answer.message)
  return answer.value
}
