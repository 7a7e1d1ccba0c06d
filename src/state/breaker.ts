import type { StoreFault } from '../stores/contract.ts'

/**
 * A store that fails so often in a row is dead, however little traffic there is to tell by. A call counts if it began
 * after the failure before it: all that was under way when a process or a network paused fails together, and that is
 * one failure.
 */
const ROW = 5
/** Of at least so many calls, */
const CALLS = 20
/** at least this part failed, */
const PART = 0.5
/** within the last so many slots of so many milliseconds. */
const SLOTS = 10
const SLOT = 1000
/** Milliseconds that it stays open, doubled with every probe that fails, up to the longest. */
const FIRST_PAUSE = 1000
const LONGEST_PAUSE = 5000
/**
 * Milliseconds after which a probe is given up, longer than any deadline: a runtime that ends a request, because its
 * client has gone, ends the call and its deadline without a word.
 */
const PROBE = 10_000
/** A pause lasts from this part of its length to all of it, so that many instances do not probe at one moment. */
const STEADY = 0.75

/** A call without an answer. What a store does not understand (`incompatible`) is an answer. */
export interface Failure {
  readonly code: Exclude<StoreFault['code'], 'incompatible'>
  readonly message: string
}

export type BreakerState = 'closed' | 'open' | 'half-open'

/** What metrics see. */
export interface BreakerFigures {
  readonly state: BreakerState
  /** How often it has opened, with all fruitless probes of one outage counted as one. */
  readonly opened: number
  /** Calls without an answer, timeouts among them. */
  readonly failures: number
  readonly timeouts: number
}

/** What a breaker asks of the outside. */
export interface BreakerOutside {
  /** Milliseconds on a clock that never steps. */
  ticks(): number
  /** A number from 0 up to 1. */
  random(): number
  /** Hears of the first failure that opens it and of the success that closes it: once each for an outage. */
  report(
    event: 'store_unavailable' | 'store_available',
    details: Readonly<Record<string, number | string>>,
  ): void
}

/** Not an era: the call is not to be made. */
export const REFUSED = -1

/**
 * Stops calls to a store that does not answer, so that its callers learn at once what they would otherwise wait a
 * deadline for, and so that it is not hammered while it recovers.
 *
 * Every call asks `admit` first and tells afterwards, once at most, how it ended. The number that `admit` gives is the
 * era that the call belongs to: a call that began before the last change of state says nothing about the time since.
 */
export class Breaker {
  readonly #outside: BreakerOutside
  readonly #window = new Window()
  #state: BreakerState = 'closed'
  #era = 0
  #row = 0
  /** Ticks at which the last failure of the row was heard of. */
  #rowed = Number.NEGATIVE_INFINITY
  #pause = FIRST_PAUSE
  /** Ticks at which the next probe may go out. */
  #until = 0
  /** Ticks at which the outage was noticed. */
  #since = 0
  #opened = 0
  #failures = 0
  #timeouts = 0

  constructor(outside: BreakerOutside) {
    this.#outside = outside
  }

  /** The era of the call that may now be made; REFUSED when none may. When half-open, the one call is the probe. */
  admit(): number {
    if (this.#state === 'closed') return this.#era
    const now = this.#outside.ticks()
    if (now < this.#until) return REFUSED
    this.#state = 'half-open'
    this.#until = now + PROBE
    return ++this.#era
  }

  /**
   * The store answered a call that had to wait.
   * @param began ticks at which it began: known anyway, and a look at the clock is a good part of what a call costs
   */
  succeeded(era: number, began: number): void {
    if (era === this.#era && this.#state === 'closed') this.#window.note(began, false)
    this.alive(era)
  }

  /**
   * The store answered at once. That shows that it lives, but is no call in the sense of the window: nobody waits for
   * such answers, and a store that reads at once may still fail every write.
   */
  alive(era: number): void {
    if (era !== this.#era) return
    this.#row = 0
    this.#rowed = Number.NEGATIVE_INFINITY
    if (this.#state !== 'closed') this.#close()
  }

  /**
   * @param failure what it failed with; its text is for the operator
   * @param began ticks at which it began; what failed at once began after everything else
   */
  failed(era: number, failure: Failure, began = Number.POSITIVE_INFINITY): void {
    this.#failures++
    if (failure.code === 'timeout') this.#timeouts++
    if (era !== this.#era) return
    const now = this.#outside.ticks()
    if (this.#state === 'half-open') {
      this.#open(now)
      return
    }
    this.#window.note(now, true)
    if (began >= this.#rowed) {
      this.#row++
      this.#rowed = now
    }
    if (this.#row < ROW && !this.#window.failing()) return
    this.#since = now
    this.#opened++
    const { calls, failures } = this.#window
    const row = this.#row
    this.#open(now)
    const { code: why, message: problem } = failure
    this.#outside.report('store_unavailable', { why, problem, calls, failures, in_a_row: row })
  }

  figures(): BreakerFigures {
    return {
      state: this.#state,
      opened: this.#opened,
      failures: this.#failures,
      timeouts: this.#timeouts,
    }
  }

  #open(now: number): void {
    this.#state = 'open'
    this.#era++
    this.#until = now + this.#pause * (STEADY + (1 - STEADY) * this.#outside.random())
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE)
  }

  #close(): void {
    this.#state = 'closed'
    this.#era++
    this.#pause = FIRST_PAUSE
    this.#window.clear()
    const after = Math.round(this.#outside.ticks() - this.#since)
    this.#outside.report('store_available', { after_ms: after })
  }
}

/** Calls of the last ten seconds, counted by the second: those of nine to ten seconds. */
class Window {
  readonly #callsOf = new Uint32Array(SLOTS)
  readonly #failuresOf = new Uint32Array(SLOTS)
  #slot = 0
  calls = 0
  failures = 0

  note(at: number, failed: boolean): void {
    const slot = Math.floor(at / SLOT)
    if (slot > this.#slot) this.#forget(slot)
    else if (slot <= this.#slot - SLOTS) return
    const place = slot % SLOTS
    this.#callsOf[place] = (this.#callsOf[place] ?? 0) + 1
    this.calls++
    if (!failed) return
    this.#failuresOf[place] = (this.#failuresOf[place] ?? 0) + 1
    this.failures++
  }

  failing(): boolean {
    return this.calls >= CALLS && this.failures >= this.calls * PART
  }

  clear(): void {
    this.#callsOf.fill(0)
    this.#failuresOf.fill(0)
    this.calls = 0
    this.failures = 0
  }

  #forget(slot: number): void {
    if (slot - this.#slot >= SLOTS) this.clear()
    else {
      for (let old = this.#slot + 1; old <= slot; old++) {
        const place = old % SLOTS
        this.calls -= this.#callsOf[place] ?? 0
        this.failures -= this.#failuresOf[place] ?? 0
        this.#callsOf[place] = 0
        this.#failuresOf[place] = 0
      }
    }
    this.#slot = slot
  }
}
