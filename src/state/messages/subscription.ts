/** Milliseconds until the next attempt, doubled up to the longest. */
const FIRST_WAIT = 1000
const LONGEST_WAIT = 30_000
/** A wait lasts from this part of its length to all of it, so that many instances do not come back at one moment. */
const STEADY = 0.75
/** Milliseconds that `start` waits for the first attempt. */
const PATIENCE = 5000

/** A subscription that is tried until it succeeds. Once it does, it goes on by itself. */
export class Subscription {
  readonly #subscribe: () => Promise<() => Promise<void>>
  readonly #late: () => void
  readonly #random: () => number
  #end: (() => Promise<void>) | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  #wait = FIRST_WAIT
  #stopped = false

  /**
   * @param subscribe makes it, and returns how to end it
   * @param late is called when it was made after an attempt that failed: something may have been missed
   * @param random a number from 0 up to 1
   */
  constructor(subscribe: () => Promise<() => Promise<void>>, late: () => void, random: () => number) {
    this.#subscribe = subscribe
    this.#late = late
    this.#random = random
  }

  get on(): boolean {
    return this.#end !== null
  }

  /** Resolves when the first attempt has ended, well or not, or takes too long to be waited for. */
  async start(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const tired = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE)
      // In workerd a timer is a number.
      timer.unref?.()
    })
    await Promise.race([this.#attempt(), tired])
    clearTimeout(timer)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    const end = this.#end
    this.#end = null
    // Whoever cannot be told that nobody listens any more loses the connection soon anyway.
    await end?.().catch(() => {})
  }

  async #attempt(): Promise<void> {
    try {
      this.#end = await this.#subscribe()
    } catch {
      this.#again()
      return
    }
    if (this.#stopped) await this.stop()
    else if (this.#wait > FIRST_WAIT) this.#late()
  }

  #again(): void {
    if (this.#stopped) return
    this.#timer = setTimeout(
      () => void this.#attempt(),
      this.#wait * (STEADY + (1 - STEADY) * this.#random()),
    )
    this.#timer.unref?.()
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT)
  }
}
