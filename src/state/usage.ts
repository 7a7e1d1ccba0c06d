import type { Store } from '../stores/contract.ts'

/** Milliseconds between two flushes. */
const EVERY = 60_000
/** Ids in a batch at most: about ten megabytes. */
const CAPACITY = 100_000
const MINUTE = 60_000

export interface UsageOptions {
  /** Ids in a batch. */
  readonly capacity: number
  /** Whether timers outlast the request that sets them; else somebody has to call `keepUp` now and then. */
  readonly lasting: boolean
}

/** What metrics see. */
export interface UsageFigures {
  /** Uses that wait for the next flush. */
  readonly waiting: number
  /** Flushes that the store took, and that it did not. */
  readonly flushes: number
  readonly failures: number
  /** Uses that were forgotten, since there was no room for them. */
  readonly forgotten: number
}

/**
 * Notes when keys were used last, to the minute, and tells the store in batches: a write for every request would cost
 * more than the request.
 *
 * What a batch tells is nothing that anybody is let in by. While the store does not take it, it waits within its bound,
 * and what a process that is killed did not tell yet is lost.
 */
export class Usage {
  readonly #touch: Store['touch']
  readonly #lasting: boolean
  readonly #capacity: number
  /** Milliseconds since the epoch of the first use in the batch, or at which `keepUp` told of it last. */
  #since = 0
  #batch = new Map<string, number>()
  #timer: ReturnType<typeof setTimeout> | null = null
  #flushing: Promise<void> | null = null
  /** Whether the store did not take the last batch: then the next one waits for its time, full or not. */
  #failing = false
  #stopped = false
  #flushes = 0
  #failures = 0
  #forgotten = 0

  constructor(
    store: Pick<Store, 'touch'>,
    { capacity = CAPACITY, lasting = true }: Partial<UsageOptions> = {},
  ) {
    this.#touch = (uses) => store.touch(uses)
    this.#lasting = lasting
    this.#capacity = capacity
  }

  /**
   * Hears that a key was accepted. Costs a look into a map as long as the minute is the same.
   * @param now milliseconds since the epoch
   */
  note(id: string, now: number): void {
    const minute = Math.floor(now / MINUTE)
    const known = this.#batch.get(id)
    if (known !== undefined && known >= minute) return
    if (known === undefined && !this.#room()) {
      this.#forgotten++
      return
    }
    if (this.#batch.size === 0) this.#since = now
    this.#batch.set(id, minute)
    this.#arm()
  }

  /**
   * Tells the store as part of a request, when a batch has waited for its time.
   * @param now milliseconds since the epoch
   * @returns the flush, which never rejects; null: it is not time
   */
  keepUp(now: number): Promise<void> | null {
    if (this.#batch.size === 0 || Math.abs(now - this.#since) < EVERY) return null
    this.#since = now
    // What was begun that long ago has ended, or the runtime has ended the request that it belonged to.
    this.#flushing = null
    return this.flush()
  }

  /** Tells the store what it was not told yet. Never rejects. */
  flush(): Promise<void> {
    if (this.#flushing !== null) return this.#flushing
    const flushing = this.#send().finally(() => {
      if (this.#flushing === flushing) this.#flushing = null
    })
    this.#flushing = flushing
    return flushing
  }

  /** Tells the store one last time; what it does not take now is lost. */
  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    await this.#flushing
    await this.flush()
  }

  figures(): UsageFigures {
    return {
      waiting: this.#batch.size,
      flushes: this.#flushes,
      failures: this.#failures,
      forgotten: this.#forgotten,
    }
  }

  /** Whether one more key can be noted; a full batch leaves early, but for when that is no use. */
  #room(): boolean {
    if (this.#stopped) return false
    if (this.#batch.size < this.#capacity) return true
    if (this.#failing || !this.#lasting) return false
    void this.flush()
    return this.#batch.size < this.#capacity
  }

  #arm(): void {
    if (!this.#lasting || this.#timer !== null || this.#stopped) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.flush()
    }, EVERY)
    // Batches alone are no reason for a process to live. In workerd a timer is a number.
    this.#timer.unref?.()
  }

  async #send(): Promise<void> {
    const batch = this.#batch
    if (batch.size === 0) return
    this.#batch = new Map()
    try {
      await this.#touch(batch)
      this.#flushes++
      this.#failing = false
    } catch {
      this.#failures++
      this.#failing = true
      this.#keep(batch)
    }
  }

  /** Puts back what the store did not take, beside what came since: the smaller of the two into the larger. */
  #keep(batch: Map<string, number>): void {
    const [small, large] = batch.size < this.#batch.size ? [batch, this.#batch] : [this.#batch, batch]
    for (const [id, minute] of small) {
      const known = large.get(id)
      if (known === undefined && large.size >= this.#capacity) this.#forgotten++
      else if (known === undefined || known < minute) large.set(id, minute)
    }
    this.#batch = large
    this.#arm()
  }
}
