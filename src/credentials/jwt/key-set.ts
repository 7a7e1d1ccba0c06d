import { Bounded } from '../../core/bounded.ts'
import { Flight } from '../../core/flight.ts'
import { LATE, within } from '../../schema/within.ts'
import type { KeySetFigures, Outside } from '../contract.ts'
import type { Algorithm } from './algorithms.ts'
import { keysIn } from './jwk.ts'
import { candidates, type Found, type Instants, type KeySource, UNKNOWN } from './key-source.ts'
import { parseStrict } from './strict-json.ts'
import { importKey, type VerificationKey } from './verification-key.ts'

/** Milliseconds. A set is refreshed at 80 % of its age, and serves for an hour longer while its issuer fails. */
const MAX_AGE = 600_000
const REFRESH_AGE = 0.8 * MAX_AGE
const STALE_AGE = MAX_AGE + 3_600_000

/** Past its age, a set waits this long for its refresh before it serves stale: a removed key may be in it. */
const PATIENCE = 200

/** Between two fetches that unknown kids cause, whatever became of the first; and for the one that may come between. */
const COOLDOWN = 30_000
const BURST = 300_000

/** First and longest pause after a failure: short while nothing can be verified, long while keys are held. */
const COLD = { first: 2_000, longest: 30_000 }
const HELD = { first: COOLDOWN, longest: 300_000 }

export const MAX_BYTES = 262_144
const MAX_KEYS = 100
const MAX_UNKNOWN = 1_000

/** The document with the keys, wherever it is, and what to do when it was no good. */
export interface KeySetDocument {
  fetch(): Promise<string>
  doubt(): void
}

/**
 * An issuer's key set, kept around jose's: one fetch for all who wait, a refresh ahead of time, the last good set
 * while the issuer fails, and no more fetches than the cooldown permits whatever strangers send.
 */
export class KeySet implements KeySource {
  generation = 0
  readonly #issuer: string
  readonly #document: KeySetDocument
  readonly #algorithms: readonly Algorithm[]
  readonly #outside: Outside
  readonly #unknown = new Bounded<string, number>(MAX_UNKNOWN)
  readonly #selected = new Map<string, Found>()
  #keys: readonly VerificationKey[] | null = null
  /** When the set that is held came in, when the last fetch ended or began, when a burst was last spent. */
  #fetchedAt = Number.NEGATIVE_INFINITY
  #attemptedAt = Number.NEGATIVE_INFINITY
  #burstAt = Number.NEGATIVE_INFINITY
  readonly #fetching: Flight<void>
  #failure: unknown = null
  /** Milliseconds from the last attempt to the next one; failures in a row. */
  #pause = 0
  #row = 0
  #fetches = 0
  #failures = 0

  constructor(issuer: string, document: KeySetDocument, algorithms: readonly Algorithm[], outside: Outside) {
    this.#issuer = issuer
    this.#document = document
    this.#algorithms = algorithms
    this.#outside = outside
    this.#fetching = new Flight(() => outside.now())
  }

  find(algorithm: string, kid: string | null, instants: Instants): Found | Promise<Found> {
    const usable = this.touch(instants.now)
    if (!usable)
      return this.#fetching.current === null ? this.#unavailable() : this.#awaited(algorithm, kid, instants)
    if (this.#age(instants.now) >= MAX_AGE && this.#fetching.current !== null) {
      const patience = PATIENCE - Math.abs(instants.now - this.#attemptedAt)
      if (patience > 0) return this.#refreshed(algorithm, kid, instants, patience)
    }
    return this.#select(algorithm, kid) ?? this.#ask(algorithm, kid, instants)
  }

  touch(now: number): boolean {
    const age = this.#age(now)
    if (age >= REFRESH_AGE && this.#fetching.current === null && this.#paused(now, this.#pause))
      void this.#refresh()
    return age < STALE_AGE
  }

  async prepare(): Promise<void> {
    if (this.#keys === null) await this.#refresh()
  }

  figures(): Omit<KeySetFigures, 'variant'> {
    const age = this.#keys === null ? null : this.#age(this.#outside.now()) / 1000
    return { age, fetches: this.#fetches, failures: this.#failures }
  }

  /** A clock that was set back makes a set no younger. */
  #age(now: number): number {
    return Math.abs(now - this.#fetchedAt)
  }

  #paused(now: number, pause: number): boolean {
    return Math.abs(now - this.#attemptedAt) >= pause
  }

  #unavailable(cause: unknown = this.#failure): Found {
    return {
      is: 'unavailable',
      cause: cause ?? new Error(`the key set of ${this.#issuer} has not come in yet`),
    }
  }

  /** Null when the set has no such key. What it has is kept, one entry at most for each of its keys and algorithms. */
  #select(algorithm: string, kid: string | null): Found | null {
    const name = kid === null ? algorithm : `${algorithm} ${kid}`
    const known = this.#selected.get(name)
    if (known !== undefined) return known
    const keys = candidates(this.#keys ?? [], algorithm, (key) => kid === null || key.kid === kid)
    if (keys.length === 0) return null
    const found: Found = { is: 'keys', keys }
    this.#selected.set(name, found)
    return found
  }

  /** For a decision that has nothing without the fetch that is under way. */
  async #awaited(algorithm: string, kid: string | null, { deadline }: Instants): Promise<Found> {
    const outcome = await within(this.#refresh(), deadline - this.#outside.now())
    if (outcome === LATE)
      return this.#unavailable(new Error(`the key set of ${this.#issuer} did not come in time`))
    if (this.#age(this.#outside.now()) >= STALE_AGE) return this.#unavailable()
    return this.#select(algorithm, kid) ?? UNKNOWN
  }

  /** For a decision that could do with the set that is held, but would rather have the next. */
  async #refreshed(
    algorithm: string,
    kid: string | null,
    instants: Instants,
    patience: number,
  ): Promise<Found> {
    await within(this.#refresh(), Math.min(patience, (instants.deadline - this.#outside.now()) / 2))
    const renewed = this.#age(this.#outside.now()) < MAX_AGE
    return this.#select(algorithm, kid) ?? (renewed ? UNKNOWN : this.#ask(algorithm, kid, instants))
  }

  /** An unknown kid may be a key that was just rotated in, or a stranger's invention: the issuer is asked rarely. */
  #ask(algorithm: string, kid: string | null, instants: Instants): Found | Promise<Found> {
    if (kid === null || this.#keys?.some((key) => key.kid === kid)) return UNKNOWN
    if (this.#fetching.current === null && !this.#mayAsk(kid, instants.now)) return UNKNOWN
    return this.#awaited(algorithm, kid, instants).then((found) => {
      if (found.is === 'unknown') this.#unknown.set(kid, this.#outside.now())
      return found
    })
  }

  /** One burst in five minutes lets a key rotated in right after a fetch be known at once. */
  #mayAsk(kid: string, now: number): boolean {
    const asked = this.#unknown.get(kid)
    if (asked !== undefined && Math.abs(now - asked) < COOLDOWN) return false
    if (this.#paused(now, Math.max(COOLDOWN, this.#pause))) return true
    if (this.#row > 0 || Math.abs(now - this.#burstAt) < BURST) return false
    this.#burstAt = now
    return true
  }

  /** Never rejects; what became of it is in the fields. */
  #refresh(): Promise<void> {
    return this.#fetching.join(() => {
      const loading = this.#load()
      this.#outside.background(loading)
      return loading
    })
  }

  async #load(): Promise<void> {
    this.#attemptedAt = this.#outside.now()
    this.#fetches++
    try {
      this.#replace(await this.#usable(await this.#document.fetch()))
      if (this.#row > 0)
        this.#outside.report('key_set_recovered', { issuer: this.#issuer, failures: this.#row })
      this.#row = 0
      this.#pause = 0
      this.#failure = null
    } catch (error) {
      this.#fail(error)
    }
    this.#attemptedAt = this.#outside.now()
  }

  #fail(error: unknown): void {
    this.#document.doubt()
    this.#failures++
    this.#failure = error
    const { first, longest } = this.#keys === null ? COLD : HELD
    // Jitter, so that a fleet that lost its issuer together does not come back together.
    this.#pause = Math.min(longest, first * 2 ** Math.min(this.#row++, 10)) * (1 + this.#outside.random() / 4)
    this.#outside.report('key_set_failed', {
      issuer: this.#issuer,
      error: error instanceof Error ? error.message : String(error),
      failures: this.#row,
      held: this.#keys !== null,
    })
  }

  /** The keys in a document that this issuer's algorithms can use. @throws when there is none: the old set is better */
  async #usable(text: string): Promise<readonly VerificationKey[]> {
    const written = keysIn(parseStrict(text))
    if (written === null) throw new Error('the key set is not a JWK Set')
    if (written.length > MAX_KEYS)
      throw new Error(`the key set holds ${written.length} keys, more than ${MAX_KEYS}`)
    const keys = new Map<string, VerificationKey>()
    for (const jwk of written) {
      const key = await importKey(jwk, this.#algorithms)
      if (key !== null) keys.set(key.identity, key)
    }
    if (keys.size === 0) throw new Error(`none of the ${written.length} keys of the key set can be used`)
    return [...keys.values()]
  }

  /** Keys that stay remain the same objects, so that what they verified stays cached; the others are retired. */
  #replace(next: readonly VerificationKey[]): void {
    this.#selected.clear()
    const held = new Map(this.#keys?.map((key) => [key.identity, key]))
    this.#keys = next.map((key) => {
      const known = held.get(key.identity)
      held.delete(key.identity)
      return known ?? key
    })
    for (const gone of held.values()) gone.retired = true
    this.#fetchedAt = this.#outside.now()
    this.generation++
  }
}
