import { within } from '../../schema/within.ts'
import type { EpochLease } from './wire.ts'

/** Milliseconds that a charge waits for the epoch; without it the answer tells none. */
const PATIENCE = 150
/** Milliseconds after which a question is taken for lost, and asked again by the next charge. */
const LOST = 1000
/** Milliseconds until an object that did not answer is asked again, and one that has too many to tell. */
const SILENT = 1000
const FULL = 4000

/**
 * The epoch as a counter object knows it. It enlists with the object that keeps the entries, which from then on tells
 * it of every change before it answers the writer; when that ends, the epoch is not known any more.
 */
export class EpochListener {
  readonly #enlist: () => Promise<EpochLease>
  readonly #now: () => number
  #epoch: number | null = null
  /** The lease, in milliseconds since the epoch by this object's clock. */
  #since = 0
  #until = 0
  #renewal: Promise<void> | null = null
  /** When the question under way was asked, and when the next may be. */
  #asked = 0
  #again = 0

  /**
   * @param enlist rejects when nobody answers
   * @param now milliseconds since the epoch
   */
  constructor(enlist: () => Promise<EpochLease>, now: () => number) {
    this.#enlist = enlist
    this.#now = now
  }

  /** Null when it is not known in time. At once while it listens; it renews that in the background. */
  async epoch(): Promise<number | null> {
    const now = this.#now()
    if (this.#listens(now)) {
      if (now > (this.#since + this.#until) / 2) void this.#renew()
      return this.#epoch
    }
    const patience = this.#renewal === null ? PATIENCE : this.#asked + PATIENCE - now
    if (patience <= 0 || (now < this.#again && now >= this.#asked)) return null
    await within(this.#renew(), patience)
    return this.#listens(this.#now()) ? this.#epoch : null
  }

  /** A new epoch; an older one, overtaken on its way, changes nothing. */
  hear(epoch: number): void {
    if (this.#epoch === null || epoch > this.#epoch) this.#epoch = epoch
  }

  /** Not when the clock stepped back: a lease must never be longer than it was given for. */
  #listens(now: number): boolean {
    return now >= this.#since && now < this.#until
  }

  /** Never rejects. */
  #renew(): Promise<void> {
    if (this.#renewal !== null) return this.#renewal
    this.#asked = this.#now()
    let answered = false
    const asking = this.#ask().then(() => {
      answered = true
    })
    this.#renewal = within(asking, LOST).then(() => {
      this.#renewal = null
      if (!answered) this.#again = this.#now() + SILENT
    })
    return this.#renewal
  }

  async #ask(): Promise<void> {
    const since = this.#asked
    try {
      const { epoch, life } = await this.#enlist()
      this.hear(epoch)
      this.#since = since
      this.#until = since + life
      this.#again = life === 0 ? since + FULL : 0
    } catch {
      // The lease that there was runs out by itself, and each charge says that it does not know.
      this.#again = this.#now() + SILENT
    }
  }
}
