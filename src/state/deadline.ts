/** One that is waited for; null once it has ended, in time or not. */
export interface Waiting {
  late: (() => void) | null
  /** Ticks at which it began. */
  readonly began: number
  next: Waiting | null
}

/** A timer that fires so many milliseconds after its time tells of a process that stood still. */
const STILL = 10

/**
 * Ends what takes longer than a fixed time. All have the same time, so that they expire in the order of their arrival,
 * and one timer serves for all of them.
 *
 * A process that stood still (a collection of garbage, a laptop that slept) finds its timers due before it has read the
 * answers that have long arrived. Then whoever is due gets one more turn of the event loop: that the process was late
 * does not say that the store was.
 */
export class Deadline {
  readonly #time: number
  readonly #ticks: () => number
  readonly #fire = () => this.#expire()
  #first: Waiting | null = null
  #last: Waiting | null = null
  /** Ticks for which the timer is set; null when there is none. */
  #set: number | null = null
  /** Ticks at the last look: whoever was due by then has had a turn more. */
  #looked = Number.NEGATIVE_INFINITY

  /**
   * @param time milliseconds
   * @param ticks milliseconds on a clock that never steps
   */
  constructor(time: number, ticks: () => number) {
    this.#time = time
    this.#ticks = ticks
  }

  /** @param late is called when the time is up, unless `end` was called before; it does not throw */
  begin(late: () => void): Waiting {
    const began = this.#ticks()
    const waiting: Waiting = { late, began, next: null }
    if (this.#last === null) this.#first = waiting
    else this.#last.next = waiting
    this.#last = waiting
    if (this.#set === null) this.#arm(began, began)
    return waiting
  }

  /** @returns whether it was still waited for */
  end(waiting: Waiting): boolean {
    if (waiting.late === null) return false
    waiting.late = null
    // What ended out of turn leaves with those before it, at the deadline of the first of them at the latest.
    let first = this.#first
    while (first !== null && first.late === null) first = first.next
    this.#first = first
    if (first === null) this.#last = null
    return true
  }

  #arm(began: number, now: number): void {
    this.#set = began + this.#time
    // A deadline alone is no reason for a process to live. In workerd a timer is a number.
    setTimeout(this.#fire, Math.max(1, Math.ceil(this.#set - now))).unref?.()
  }

  #expire(): void {
    const now = this.#ticks()
    const still = this.#set !== null && now - this.#set > STILL
    const until = still ? this.#looked : now
    this.#looked = now
    this.#set = null
    while (this.#first !== null && this.#first.began + this.#time <= until) {
      const { late } = this.#first
      this.end(this.#first)
      late?.()
    }
    if (this.#first !== null && this.#set === null) this.#arm(this.#first.began, now)
  }
}
