import { LATE, within } from '../../schema/within.ts'
import { candidates, type Found, type Instants, type KeySource, UNKNOWN } from './key-source.ts'
import type { VerificationKey } from './verification-key.ts'

/** Keys that stand in the policy: a PEM, a JWK or a secret. They are imported once and never change. */
export class StaticKeys implements KeySource {
  readonly generation = 0
  readonly #now: () => number
  readonly #load: () => Promise<readonly (VerificationKey | null)[]>
  #keys: readonly VerificationKey[] | null = null
  #failure: unknown = null
  #loading: Promise<void> | null = null

  constructor(now: () => number, load: () => Promise<readonly (VerificationKey | null)[]>) {
    this.#now = now
    this.#load = load
  }

  find(algorithm: string, kid: string | null, instants: Instants): Found | Promise<Found> {
    if (this.#keys !== null) return this.#select(this.#keys, algorithm, kid)
    return within(this.prepare(), instants.deadline - this.#now()).then((outcome) =>
      this.#keys !== null && outcome !== LATE
        ? this.#select(this.#keys, algorithm, kid)
        : { is: 'unavailable', cause: this.#failure ?? new Error('the key was not imported in time') },
    )
  }

  touch(): boolean {
    return true
  }

  async prepare(): Promise<void> {
    this.#loading ??= this.#import()
    await this.#loading
  }

  figures(): null {
    return null
  }

  async #import(): Promise<void> {
    try {
      const keys = (await this.#load()).filter((key) => key !== null)
      if (keys.length === 0) throw new Error('no key of the policy can be used by this runtime')
      this.#keys = keys
    } catch (error) {
      this.#failure = error
    }
  }

  /** A PEM has no name, so a token's `kid` rules a key out only where both have one. */
  #select(keys: readonly VerificationKey[], algorithm: string, kid: string | null): Found {
    const found = candidates(keys, algorithm, (key) => key.kid === null || kid === null || key.kid === kid)
    return found.length === 0 ? UNKNOWN : { is: 'keys', keys: found }
  }
}
