/** Milliseconds after which work that has not ended is given up: it takes no longer unless nobody drives it any more. */
const PATIENCE = 10_000

/**
 * Work that all who ask for it share while it is under way.
 *
 * A runtime may end the request that began the work, and with it all that the work waits for: then it never ends, and
 * after a while whoever asks next begins anew.
 */
export class Flight<Value> {
  readonly #ticks: () => number
  #running: Promise<Value> | null = null
  #began = 0

  /** @param ticks milliseconds on a clock that hardly ever steps */
  constructor(ticks: () => number) {
    this.#ticks = ticks
  }

  /** What is under way and may still end; null: nothing. */
  get current(): Promise<Value> | null {
    return Math.abs(this.#ticks() - this.#began) < PATIENCE ? this.#running : null
  }

  /** What is under way, or else `work`. */
  join(work: () => Promise<Value>): Promise<Value> {
    const { current } = this
    if (current !== null) return current
    this.#began = this.#ticks()
    const running: Promise<Value> = work().finally(() => {
      if (this.#running === running) this.#running = null
    })
    this.#running = running
    return running
  }
}
