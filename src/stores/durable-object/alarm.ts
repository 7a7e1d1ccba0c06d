import type { DurableObjectStorage } from '@cloudflare/workers-types'

/** The one alarm of an object. It is set only while there is something to take away, and only to an earlier time. */
export class Alarm {
  readonly #storage: Pick<DurableObjectStorage, 'setAlarm'>
  /** Milliseconds since the epoch; null: none that this instance knows of. */
  #at: number | null = null

  constructor(storage: Pick<DurableObjectStorage, 'setAlarm'>) {
    this.#storage = storage
  }

  /** @param at milliseconds since the epoch */
  want(at: number): void {
    if (this.#at !== null && this.#at <= at) return
    this.#at = at
    // Written with whatever else this turn writes; should it fail, so does that, and the runtime resets the object.
    void this.#storage.setAlarm(at)
  }

  /** It has rung. */
  rung(): void {
    this.#at = null
  }
}
