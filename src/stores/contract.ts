import type * as z from 'zod'
import type { Counters } from '../core/model.ts'
import type { Soon } from '../core/soon.ts'
import type { Path } from '../schema/problem.ts'

/**
 * What a store keeps beside counters: entries, small documents that it can find but does not understand. What they
 * mean is written once, in src/state; every store keeps them alike (test/stores/conformance.ts).
 *
 * `key` API keys · `revocation` what is withdrawn before its time · `ban` clients that may not ask · `idempotency`
 * answers that are given again · `meta` what the store says of itself.
 */
export type EntryKind = 'key' | 'revocation' | 'ban' | 'idempotency' | 'meta'

/** Changes that instances follow. Bans have a feed of their own, because strangers cause them. */
export type Feed = 'access' | 'bans'

/** The feed that tells of a kind's changes; null: nobody follows it. */
export const FEED: Readonly<Record<EntryKind, Feed | null>> = {
  key: 'access',
  revocation: 'access',
  meta: 'access',
  ban: 'bans',
  idempotency: null,
}

/** An entry as it is given to a store. */
export interface EntryDraft {
  readonly kind: EntryKind
  /** Unique within its kind; 1 to 512 characters without control characters. Entries are listed in the order of ids, by code point. */
  readonly id: string
  /** JSON. Stores hand it back byte for byte. */
  readonly body: string
  /** What it is found by beside its id; many entries may have one owner. */
  readonly owner: string | null
  /** Other names, unique within the kind: the digests of a key. */
  readonly aliases: readonly string[]
  /** Milliseconds since the epoch (store time) from which it is as good as gone; null: never. */
  readonly expires: number | null
}

/** An entry as a store holds it. */
export interface Entry extends EntryDraft {
  /** 1 when it is made, one more with every write. */
  readonly version: number
  /** Minutes since the epoch of its last use, as far as `touch` was told; null: never used. */
  readonly used: number | null
}

/** One step of a write. `expected` guards against what others did meanwhile. */
export type Change =
  | { readonly put: EntryDraft; readonly expected: number | 'absent' | 'any' }
  | {
      readonly remove: { readonly kind: EntryKind; readonly id: string }
      readonly expected: number | 'any'
    }

/** What became of a write. Of several changes all happen, or none does. */
export type Applied =
  | { readonly ok: true; readonly versions: readonly number[] }
  | {
      readonly ok: false
      /** The change that stood in the way: the first of them. */
      readonly index: number
      /** `exists`: it should be absent. `missing`: a version was expected, or it was to be removed. `changed`: it has another version. `alias_taken`: another entry has that alias. */
      readonly why: 'exists' | 'missing' | 'changed' | 'alias_taken'
    }

/** What has happened on a feed. */
export interface Changes {
  /** The epoch up to which this tells all; what to ask from next time. Never comes back, not even in a store that was emptied. */
  readonly epoch: number
  /** Identifies the store's contents: another one after the store was emptied or replaced. */
  readonly store: string
  /** What changed after `since`, oldest first, each entry at least once; null: too long ago to tell, load everything. */
  readonly entries: readonly { readonly kind: EntryKind; readonly id: string }[] | null
}

export interface Page {
  /** Ids after this one; null: from the start. */
  readonly after: string | null
  /** At most this many, 1 to 1000. */
  readonly limit: number
  /** Only entries of this owner; null: all. */
  readonly owner: string | null
}

/** Hears messages; whatever it throws is the store's to swallow. */
export type Listener = (message: string) => void

/**
 * Carries short messages between instances, promptly and without any promise: messages may get lost, come twice or be
 * forged, so nothing rests on them (src/state/messages.ts).
 */
export interface Messenger {
  publish(channel: string, message: string): Promise<void>
  /** Goes on until it is closed, over lost connections too. @returns how to end it */
  subscribe(channels: readonly string[], listener: Listener): Promise<() => Promise<void>>
}

/** One place of those that may be taken at once. */
export interface Place {
  readonly key: string
  /** How many may hold one. */
  readonly most: number
  /** As in a charge. */
  readonly tenant?: string | undefined
}

/**
 * Counts what is open at the same time, such as connections. Whoever holds places renews them; a holder that is not
 * heard of any more loses them by itself.
 */
export interface Holds {
  /**
   * Takes all of these places, or none; when it rejects, some may be taken, until they are released or their life is
   * over.
   * @param holder unique; taking again under the same name renews
   * @param life milliseconds after which the places are free unless they are taken again
   * @returns the index of the first place that was full; null when all were taken
   */
  take(holder: string, places: readonly Place[], life: number): Promise<number | null>
  /** Gives the places back. */
  release(holder: string, places: readonly Place[]): Promise<void>
}

/** Why a store did not do what it was asked. Classify by `code`; the text is for the operator and holds no argument. */
export class StoreFault extends Error {
  override readonly name = 'StoreFault'
  /**
   * `unavailable`: it cannot be reached, is overloaded, full, read-only or refuses us; it may heal.
   * `timeout`: no answer in time; the call may have been executed all the same.
   * `incompatible`: it holds what this version does not understand; somebody has to act.
   */
  readonly code: 'unavailable' | 'timeout' | 'incompatible'

  constructor(code: StoreFault['code'], message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Keeps shared state. Every method but `charge` rejects with a StoreFault when the store cannot answer; `charge` says so
 * in its answer. src/state/guard.ts puts a deadline on each call; a store that tries again by itself, where that is
 * safe, gives up by then. Nothing is retried once it may have been executed. A client's own errors quote
 * whole commands, with digests in them: they do not get out.
 */
export interface Store extends Counters {
  /** Name in the registry. */
  readonly name: string
  /** Whether others may change what it keeps, so that it has to be asked. */
  readonly shared: boolean
  readonly messenger: Messenger | null
  /** Absent where it cannot count what is open. */
  readonly holds?: Holds
  /**
   * The epoch of `access` as far as it can be told at once and at hardly any cost: exact in memory and sqlite, null
   * where it takes a trip.
   */
  glance(): number | null
  /** Makes the store ready; rejects when it cannot be reached or holds what this version does not understand. */
  open(): Promise<void>
  apply(changes: readonly Change[], audit: string | null): Promise<Applied>
  /** In the order of ids; null where there is none, or none any more. */
  get(kind: EntryKind, ids: readonly string[]): Soon<readonly (Entry | null)[]>
  /** The first entry that has one of these aliases; null when none has. */
  find(kind: EntryKind, aliases: readonly string[]): Soon<Entry | null>
  list(kind: EntryKind, page: Page): Promise<readonly Entry[]>
  /** @param since an epoch of this feed; -1 when none is known yet: then `entries` is null */
  changes(feed: Feed, since: number): Soon<Changes>
  /** Notes when keys were used last, in minutes since the epoch; an older minute than the known one changes nothing. Not a write: no version, no feed. */
  touch(uses: ReadonlyMap<string, number>): Promise<void>
  /** The audit lines of the latest writes, newest first; the store keeps at least the last 10,000. */
  history(limit: number): Promise<readonly string[]>
  /** Lets go of connections and files; whatever was promised is kept before. */
  close(): Promise<void>
}

/** Where Postern runs. */
export type Runtime = 'node' | 'workers'

/** What stores ask of the runtime. */
export interface StoreOutside {
  /** Milliseconds since the epoch. */
  now(): number
  /** Microseconds on a clock that never steps, from an arbitrary start. */
  micros(): number
  /** A random 32-bit number from a cryptographic source. */
  random32(): number
  /** SHA-256 over the UTF-8 text, as base64url. */
  sha256(text: string): string
  /** A path of the policy as the process can open it. */
  resolvePath(path: string): string
  /**
   * Whether timers and work go on by themselves: in a process they do; in a Worker everything belongs to the request
   * that began it, ends with it, and must not be waited for by others.
   */
  readonly lasting: boolean
  /** What a Worker is deployed with under that name; undefined where there is nothing, and everywhere else. */
  binding(name: string): unknown
  /** Something that the operator should hear of. No secrets. */
  report(event: string, details: Readonly<Record<string, unknown>>): void
}

/** One kind of store: its part of the policy, and how to make it. A new one is a file and a line in index.ts. */
export interface StoreType<Schema extends z.ZodType = z.ZodType> {
  readonly name: string
  /** What stands behind the name: `store: { NAME: ... }`. */
  readonly schema: Schema
  /** What `store: NAME` alone means; null when it needs options. */
  readonly bare: z.input<Schema> | null
  /** Milliseconds that a call may take unless the policy says otherwise; 0 where nothing is waited for. */
  readonly deadline: number
  /** Whether it counts what is open at the same time (`Store.holds`). */
  readonly holds: boolean
  /** Where it can be used. */
  readonly runtimes: readonly Runtime[]
  /** Whether several processes can share it. */
  readonly shared: boolean
  /** Whether a network is between us and it: then a service starts without it, and heals when it comes. */
  readonly remote: boolean
  /** Reports what the schema cannot see. Secrets that could not be resolved have a null value and are skipped. */
  inspect?(options: z.output<Schema>, problem: (path: Path, message: string) => void): void
  /** Loads what it needs and makes the store; nothing is opened or connected yet. */
  create(options: z.output<Schema>, outside: StoreOutside, deadline: number): Promise<Store>
}

/** Keeps the schema's type while the registry forgets it. */
export function defineStore<Schema extends z.ZodType>(type: StoreType<Schema>): StoreType {
  return type as unknown as StoreType
}
