/** Milliseconds between two notices of one feed: a burst of bans is one question to each instance, not thousands. */
const PAUSE = 50

/**
 * Sends one feed's notices: the first at once, and whatever follows while it rests or is still sending as a single one
 * afterwards.
 */
export class Lane {
  readonly #send: () => Promise<void>
  #busy = false
  #again = false
  #stopped = false
  #sending: Promise<void> = Promise.resolve()
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param send never rejects, and ends at some time */
  constructor(send: () => Promise<void>) {
    this.#send = send
  }

  announce(): void {
    if (this.#stopped) return
    if (this.#busy) this.#again = true
    else this.#go()
  }

  /** Sends at once what was waiting for its turn. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#sending
    if (!this.#again) return
    this.#again = false
    await this.#send()
  }

  #go(): void {
    this.#busy = true
    this.#again = false
    this.#sending = this.#send()
    const rested = new Promise<void>((resolve) => {
      this.#timer = setTimeout(resolve, PAUSE)
      // A rest alone is no reason for a process to live. In workerd a timer is a number.
      this.#timer.unref?.()
    })
    void Promise.all([this.#sending, rested]).then(() => {
      this.#busy = false
      if (this.#again && !this.#stopped) this.#go()
    })
  }
}
