import { Bounded } from '../core/bounded.ts'
import { Flight } from '../core/flight.ts'
import type { CredentialRequest } from '../core/model.ts'
import { type Soon, whenKnown } from '../core/soon.ts'
import type { KeyLookup, StoredKey, StoredKeys } from '../credentials/contract.ts'
import { keyRecord } from '../credentials/key-record.ts'
import { jsonOf } from '../schema/json.ts'
import type { Entry, Store } from '../stores/contract.ts'

/** What the book needs to know of how far it can be trusted. */
export interface Freshness {
  /** Whether the store was heard of lately enough that nothing can have changed unnoticed. */
  fresh(): boolean
  /** Milliseconds since the store last confirmed what is known here. */
  age(): number
}

export interface KeyBookOptions {
  /** Milliseconds for which a record is good that the store can no longer confirm. */
  readonly maxStale: number
  /** Milliseconds on a clock that never steps. */
  ticks(): number
  used(id: string, now: number): void
  /** Lets work go on whose outcome others wait for too. */
  background(work: Promise<unknown>): void
}

/** Digests that are remembered, and digests that are known to belong to nobody. */
const KNOWN = 100_000
const UNKNOWN = 10_000
/** Milliseconds for which nobody asks again whether a key exists. */
const UNKNOWN_AGE = 5_000

/**
 * The store's keys as far as this instance has met them. A record is good until the store tells of a change
 * (knowledge.ts hears of it), and when the store falls silent for as long as `maxStale` says.
 */
export class KeyBook implements StoredKeys {
  imported = false
  readonly #store: Pick<Store, 'find'>
  readonly #freshness: Freshness
  readonly #options: KeyBookOptions
  readonly #known = new Bounded<string, StoredKey>(KNOWN)
  readonly #unknown = new Bounded<string, number>(UNKNOWN)
  /** Digests by the id of their key, for what was looked up and may have to be dropped. */
  readonly #digests = new Bounded<string, Set<string>>(KNOWN)
  /** Look-ups under way: a thousand checks with one key are one question. */
  readonly #asked = new Map<string, Flight<KeyLookup>>()
  #generation = 0

  constructor(store: Pick<Store, 'find'>, freshness: Freshness, options: KeyBookOptions) {
    this.#store = store
    this.#freshness = freshness
    this.#options = options
  }

  find(digest: string, request: CredentialRequest): Soon<KeyLookup> {
    const known = this.#remembered(digest)
    if (known !== undefined && this.#freshness.fresh()) return { is: 'known', key: known }
    if (known === undefined && this.#knownToBeNone(digest)) return { is: 'known', key: null }
    const found = this.#ask(digest)
    if (found instanceof Promise) request.asking()
    return whenKnown(found, (lookup) => {
      if (lookup.is === 'known') return lookup
      if (known === undefined || this.#freshness.age() > this.#options.maxStale) return lookup
      request.degraded('keys')
      return { is: 'known', key: known }
    })
  }

  used(id: string, now: number): void {
    this.#options.used(id, now)
  }

  /** Forgets a key that has changed. Digests that were nobody's may be its new ones. */
  drop(id: string): void {
    this.#outdate()
    for (const digest of this.#digests.get(id) ?? []) this.#known.delete(digest)
    this.#digests.delete(id)
  }

  /** Forgets everything: nobody can tell what has changed. */
  clear(): void {
    this.#outdate()
    this.#known.clear()
    this.#digests.clear()
  }

  /**
   * What is known of a digest, for as long as a change of its key would drop it. To look here is a use of both: else a
   * key that is asked for all the time would outlive its digests, and go on to be good when it is revoked.
   */
  #remembered(digest: string): StoredKey | undefined {
    const known = this.#known.get(digest)
    return known !== undefined && this.#digests.get(known.id)?.has(digest) ? known : undefined
  }

  /** Look-ups under way were begun before the change: who asks from now on needs a new one. */
  #outdate(): void {
    this.#generation++
    this.#unknown.clear()
    this.#asked.clear()
  }

  #knownToBeNone(digest: string): boolean {
    const at = this.#unknown.get(digest)
    return at !== undefined && this.#options.ticks() - at < UNKNOWN_AGE && this.#freshness.fresh()
  }

  #ask(digest: string): Soon<KeyLookup> {
    const asked = this.#asked.get(digest)?.current ?? null
    if (asked !== null) return asked
    const generation = this.#generation
    let found: Soon<Entry | null>
    try {
      found = this.#store.find('key', [digest])
    } catch (cause) {
      return { is: 'unavailable', cause }
    }
    const answer = whenKnown(found, (entry) => this.#learn(digest, entry, generation))
    if (!(answer instanceof Promise)) return answer
    const flight = new Flight<KeyLookup>(this.#options.ticks)
    this.#asked.set(digest, flight)
    const settled = flight.join(() =>
      answer
        .catch((cause: unknown): KeyLookup => ({ is: 'unavailable', cause }))
        .finally(() => {
          if (this.#asked.get(digest) === flight) this.#asked.delete(digest)
        }),
    )
    this.#options.background(settled)
    return settled
  }

  /** What was read before a change was heard of is an answer for those who asked, but nothing to remember. */
  #learn(digest: string, entry: Entry | null, generation: number): KeyLookup {
    const current = generation === this.#generation
    if (entry === null) {
      if (current) this.#unknown.set(digest, this.#options.ticks())
      return { is: 'known', key: null }
    }
    const record = keyRecord.safeParse(jsonOf(entry.body))
    if (!record.success) {
      return { is: 'unavailable', cause: `the record of key ${entry.id} is not of a form that is known here` }
    }
    const key: StoredKey = { id: entry.id, record: record.data }
    if (current) {
      this.#known.set(digest, key)
      const digests = this.#digests.get(entry.id) ?? new Set()
      this.#digests.set(entry.id, digests.add(digest))
    }
    return { is: 'known', key }
  }
}
