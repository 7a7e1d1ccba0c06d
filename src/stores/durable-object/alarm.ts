import type { DurableObjectStorage } from '@cloudflare/workers-types'

type AlarmStorage = Pick<DurableObjectStorage, 'getAlarm' | 'setAlarm'>

/** The one alarm of an object. It is set only while there is something to take away, and only to an earlier time. */
export class Alarm {
  readonly #storage: AlarmStorage
  /** Milliseconds since the epoch; null: none. */
  #at: number | null = null
  /** Whether there may be one that an earlier instance of the object has set. */
  #inherited = true

  constructor(storage: AlarmStorage) {
    this.#storage = storage
  }

  /** @param at milliseconds since the epoch */
  want(at: number): void {
    if (this.#at !== null && this.#at <= at) return
    if (this.#inherited) void this.#inherit(this.#storage.getAlarm())
    this.#at = at
    // Written with whatever else this turn writes; should it fail, so does that, and the runtime resets the object.
    void this.#storage.setAlarm(at)
  }

  /** It has rung, or the disk was emptied: there is none. */
  gone(): void {
    this.#at = null
    this.#inherited = false
  }

  /** What was set before is put back where it is earlier: else an object that often ends would put it off for ever. */
  async #inherit(asked: Promise<number | null>): Promise<void> {
    this.#inherited = false
    const before = await asked
    if (before !== null && this.#at !== null) this.want(before)
  }
}
