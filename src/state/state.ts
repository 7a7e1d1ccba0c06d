import { Flight } from '../core/flight.ts'
import type { LocalCounters } from '../core/model.ts'
import { within } from '../schema/within.ts'
import { type Store, StoreFault, type StoreOutside, type StoreType } from '../stores/contract.ts'
import { type GuardedStore, guarded } from './guard.ts'
import { Knowledge } from './knowledge.ts'
import { type NoticeKey, Notices } from './messages.ts'
import { comparePeppers } from './peppers.ts'
import { Usage } from './usage.ts'

/** A store as a policy chooses it, and what it has to fit to. */
export interface StateChoice {
  readonly type: StoreType
  /** Of the store's own schema. */
  readonly options: unknown
  /** Milliseconds that a decision waits for the store. */
  readonly deadline: number
  /** Milliseconds for which a key is good that the store can no longer confirm. */
  readonly maxStale: number
  /** Secrets that notices are signed with, oldest first; empty: none are sent. */
  readonly noticeKeys: readonly NoticeKey[]
  /** Secrets that keys are made with, by version. */
  readonly peppers: ReadonlyMap<string, string>
}

/** What holding state asks of the runtime. */
export interface StateOutside extends StoreOutside {
  /** A number from 0 up to 1, for jitter only. */
  random(): number
  /** Milliseconds on a clock that never steps. */
  ticks(): number
  /** HMAC-SHA-256 over the UTF-8 text, as lower-case hex. */
  hmacSha256(key: string, text: string): string
  /** Compares without telling by its duration where the texts differ. */
  equalText(a: string, b: string): boolean
  /** Lets work go on that no request waits for. */
  background(work: Promise<unknown>): void
}

/** Milliseconds that a store has to take the last words. */
const LEAVING = 2000
/** Milliseconds that whoever has changed something waits until this instance knows. */
const LEARNING = 2000

/** Milliseconds between two attempts to open a store that cannot be reached. */
const RETRY = [1000, 2000, 5000] as const

/** The shared state as one instance holds it: the store behind its guard, what is known of it, and who is told of changes. */
export class State {
  readonly store: GuardedStore
  /** Counters of this instance alone, for the time of an outage. */
  readonly local: LocalCounters
  readonly knowledge: Knowledge
  readonly #choice: StateChoice
  readonly #outside: StateOutside
  readonly #usage: Usage
  readonly #notices: Notices | null
  readonly #opening: Flight<void>
  #opened = false
  #incompatible: StoreFault | null = null
  /** Ticks before which `keepUp` does not try to open the store again. */
  #openAgain = Number.NEGATIVE_INFINITY
  #retry: ReturnType<typeof setTimeout> | null = null

  /**
   * @throws {StoreFault} `incompatible` when the store holds what this policy or version does not fit to; `unavailable`
   * when a store on this machine cannot be opened. One behind a network is waited for while the service runs.
   */
  static async open(choice: StateChoice, local: LocalCounters, outside: StateOutside): Promise<State> {
    const state = await State.make(choice, local, outside)
    try {
      await state.#open()
    } catch (cause) {
      const fatal = !(cause instanceof StoreFault) || cause.code === 'incompatible' || !choice.type.remote
      if (fatal) {
        await state.stop()
        throw cause
      }
      outside.report('store_not_opened', { store: state.store.name, problem: cause.message })
      state.#openLater(0)
    }
    return state
  }

  /** Holds state in a store that is opened when `keepUp` is called. */
  static async make(choice: StateChoice, local: LocalCounters, outside: StateOutside): Promise<State> {
    return new State(
      await choice.type.create(choice.options, outside, choice.deadline),
      choice,
      local,
      outside,
    )
  }

  private constructor(store: Store, choice: StateChoice, local: LocalCounters, outside: StateOutside) {
    const { deadline, maxStale, noticeKeys } = choice
    const { now, report, background, lasting } = outside
    const ticks = () => outside.ticks()
    this.#choice = choice
    this.#outside = outside
    this.local = local
    this.store = guarded(store, { deadline, ticks, random: outside.random, report, lasting })
    const { messenger } = this.store
    this.#notices =
      messenger === null || noticeKeys.length === 0
        ? null
        : new Notices(messenger, {
            ...outside,
            equal: outside.equalText,
            keys: noticeKeys,
            namespace: 'postern',
          })
    this.#opening = new Flight(ticks)
    this.#usage = new Usage(this.store, { lasting })
    this.knowledge = new Knowledge(this.store, {
      maxStale,
      ticks,
      now,
      report,
      background,
      lasting,
      used: (id, at) => this.#usage.note(id, at),
      announce: (feed) => this.#notices?.announce(feed),
    })
  }

  /** Goes on following what others change. */
  async start(): Promise<void> {
    await this.knowledge.start()
    await this.#notices?.start((feed) => void this.knowledge.hear(feed))
  }

  /**
   * Does as part of a request what timers do in a process: opens the store, looks for changes, tells of used keys.
   * @returns what the request should wait for, within its bounds; null: nothing
   */
  keepUp(): Promise<unknown> | null {
    const { background, now } = this.#outside
    const telling = this.#usage.keepUp(now())
    if (telling !== null) background(telling)
    const opening = this.keepOpen()
    const looking = this.knowledge.keepUp()
    return opening === null && looking === null ? null : Promise.all([opening, looking])
  }

  /** Why nothing may be decided with this store, whatever it answers; null: nothing is known against it. */
  get refused(): StoreFault | null {
    return this.#incompatible
  }

  /** Whether the store was opened, and fits to the policy. */
  get opened(): boolean {
    return this.#opened
  }

  /**
   * Opens the store as part of a request, unless it is open or that was tried just now.
   * @returns the attempt, which never rejects; null: there is none under way
   */
  keepOpen(): Promise<void> | null {
    if (this.#opened || this.#opening.current !== null) return this.#opening.current
    const ticks = this.#outside.ticks()
    if (ticks < this.#openAgain) return null
    this.#openAgain = ticks + RETRY[0]
    const opening = this.#opening.join(() => this.#open().catch((cause: unknown) => this.#notOpened(cause)))
    this.#outside.background(opening)
    return opening
  }

  #notOpened(cause: unknown): void {
    const { report } = this.#outside
    const problem = cause instanceof Error ? cause.message : String(cause)
    const incompatible = cause instanceof StoreFault && cause.code === 'incompatible'
    this.#incompatible = incompatible ? cause : null
    report(incompatible ? 'store_incompatible' : 'store_not_opened', { store: this.store.name, problem })
  }

  /**
   * Somebody has changed the store by way of this instance: it learns of it now, and others soon.
   * @returns once it knows, or the store has taken too long to tell
   */
  async changed(): Promise<void> {
    const learned = (['access', 'bans'] as const).map((feed) => this.knowledge.changed(feed))
    await within(Promise.all(learned), LEARNING)
  }

  /** Tells what has not been told yet and lets go of the store, as far as it answers. */
  async stop(): Promise<void> {
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.knowledge.stop()
    const left = Promise.all([this.#usage.stop(), this.#notices?.stop()]).then(() => this.store.close())
    // Whoever supervises us kills after ten seconds, and listeners have taken a part of that.
    await within(left, LEAVING)
  }

  figures() {
    return {
      store: this.store.figures(),
      knowledge: this.knowledge.figures(),
      notices: this.#notices?.figures() ?? null,
    }
  }

  async #open(): Promise<void> {
    await this.store.open()
    const marks = await this.store.list('meta', { after: null, limit: 1000, owner: null })
    const { different, missing } = comparePeppers(
      marks.map(({ id, body }) => [id, body]),
      this.#choice.peppers,
      this.#outside.hmacSha256,
    )
    if (different.length > 0) {
      throw new StoreFault(
        'incompatible',
        `the ${this.store.name} store holds keys that were made with another pepper ${different.join(', ')} than apiKeys.peppers gives: give the one they were made with, or name the new one differently`,
      )
    }
    if (missing.length > 0) {
      this.#outside.report('pepper_missing', {
        problem:
          'the store holds keys made with peppers that apiKeys.peppers does not list: they are refused',
        peppers: missing,
      })
    }
    this.#opened = true
    this.#incompatible = null
  }

  #openLater(attempt: number): void {
    const pause = RETRY[Math.min(attempt, RETRY.length - 1)] ?? 5000
    this.#retry = setTimeout(() => {
      this.#open().then(
        () => void this.knowledge.look(),
        (cause: unknown) => {
          if (cause instanceof StoreFault && cause.code === 'incompatible')
            this.#outside.report('store_incompatible', { store: this.store.name, problem: cause.message })
          this.#openLater(attempt + 1)
        },
      )
    }, pause)
    this.#retry.unref?.()
  }
}
