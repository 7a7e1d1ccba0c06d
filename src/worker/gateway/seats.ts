import type { ConnectionBounds } from '../../core/engine.ts'
import { chargesOf, type Dimension, type Limit, type Subject } from '../../core/limit.ts'
import type { Holds, Place } from '../../stores/contract.ts'

/** Milliseconds for which places are taken: those of a Worker that died come back after that long. */
export const LIFE = 30_000

/** Milliseconds after which they are taken again: an object that nobody asks for 10 s may be put away with its memory. */
export const RENEWAL = 5_000

/** The places that one connection needs on a route. Partitions are those of limits, so that nobody can fill another's. */
export function placesOf({ client, principal }: ConnectionBounds, subject: Subject): Place[] {
  const uses = [bound('client', client), bound('principal', principal)].flatMap((limit) =>
    limit === null ? [] : [{ limit, cost: 1 }],
  )
  return chargesOf(uses, subject).map(({ key, burst, tenant }) => ({ key, most: burst, tenant }))
}

/** A bound on connections in the form of a limit: what counts is who shares it, and how many there may be. */
function bound(by: Dimension, most: number | null): Limit | null {
  if (most === null) return null
  return {
    name: `connections:${by}`,
    by: ['route', by],
    count: most,
    window: 1,
    burst: most,
    interval: 1,
    ipv6: 64,
    onOutage: 'deny',
  }
}

/** What one connection holds of the store's places, from before its handshake until it is closed. */
export class Seats {
  readonly #holds: Holds
  readonly #holder: string
  readonly #places: readonly Place[]
  /** The last question to the store; null: never asked. */
  #asked: Promise<number | null> | null = null
  /** Whether it never gave us a place, so that there is nothing to give back. */
  #refused = false
  #timer: ReturnType<typeof setInterval> | undefined
  #released = false

  /** @param holder unique among all connections */
  constructor(holds: Holds, holder: string, places: readonly Place[]) {
    this.#holds = holds
    this.#holder = holder
    this.#places = places
  }

  /** @returns the place that nobody can take any more; null: all were taken. Rejects when the store does not answer. */
  async take(): Promise<Place | null> {
    const first = this.#asked === null
    const asked = this.#holds.take(this.#holder, this.#places, LIFE)
    this.#asked = asked
    const full = await asked
    this.#refused = first && full !== null
    return full === null ? null : (this.#places[full] as Place)
  }

  /**
   * Takes them again and again until they are released. A store that does not answer is asked again; one that has
   * forgotten us, and given our place to somebody else, ends the renewals.
   * @param lost hears that the connection is not counted any more
   */
  renew(lost: () => void): void {
    this.#timer = setInterval(() => {
      this.take().then(
        (full) => {
          if (full === null || this.#released) return
          clearInterval(this.#timer)
          lost()
        },
        () => {},
      )
    }, RENEWAL)
  }

  /** Gives back what was taken, or may have been. Never rejects: what cannot be given back comes back by itself. */
  async release(): Promise<void> {
    if (this.#released) return
    this.#released = true
    clearInterval(this.#timer)
    // A question that is on its way is waited for, or it would take them again.
    await this.#asked?.catch(() => {})
    if (!this.#refused) await this.#holds.release(this.#holder, this.#places).catch(() => {})
  }
}
