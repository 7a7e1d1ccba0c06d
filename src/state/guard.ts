import type { Charge, Charging } from '../core/model.ts'
import type { Soon } from '../core/soon.ts'
import {
  type Applied,
  type Change,
  type Changes,
  type Entry,
  type EntryKind,
  type Feed,
  type Holds,
  type Messenger,
  type Page,
  type Store,
  StoreFault,
} from '../stores/contract.ts'
import {
  Breaker,
  type BreakerFigures,
  type BreakerOutside,
  type BreakerState,
  type Failure,
  REFUSED,
} from './breaker.ts'
import { Deadline } from './deadline.ts'

/** Milliseconds for what no decision waits for. */
const PATIENCE = 5000

/** How long a guard waits, and what it asks of the outside. */
export interface GuardOptions extends BreakerOutside {
  /** Milliseconds for what a decision waits for; 0, of a store that answers at once, is as good as `patience`. */
  readonly deadline: number
  /** Milliseconds for everything else. */
  readonly patience?: number
  /** Whether one timer can serve for many calls: not where it ends with the request that set it. */
  readonly lasting?: boolean
}

/** A store that answers in time, or says in time that it does not. */
export interface GuardedStore extends Store {
  figures(): BreakerFigures
}

/**
 * Puts a deadline of ours and two breakers around a store. Clients of stores do not protect us: a frozen server makes
 * them wait for ever, whatever timeout they were given.
 *
 * What writes and what only reads have a breaker each: a store that is full or read-only refuses every charge and can
 * still tell of revocations and keys, so it has to be asked for them.
 *
 * A call that ends late was perhaps executed all the same, and is never repeated; its answer is dropped. What answers at
 * once passes through without a promise or a timer.
 */
export const guarded = (store: Store, options: GuardOptions): GuardedStore => new Guarded(store, options)

/** Worst first. */
const STATES: readonly BreakerState[] = ['open', 'half-open', 'closed']

const LATE: Failure = { code: 'timeout', message: 'no answer in time' }

/** What a caller gets instead of an answer. */
type Otherwise<T> = (fault: StoreFault) => Soon<T>

class Guarded implements GuardedStore {
  readonly name: string
  readonly shared: boolean
  readonly messenger: Messenger | null
  readonly holds?: Holds
  readonly #store: Store
  readonly #writes: Breaker
  readonly #reads: Breaker
  readonly #soon: () => Deadline
  readonly #later: () => Deadline
  /** All callers are told the same: a fault for each would cost more than the call. */
  readonly #late: StoreFault
  readonly #refused: StoreFault

  constructor(store: Store, options: GuardOptions) {
    const { deadline, patience = PATIENCE } = options
    const { name, messenger } = store
    this.name = name
    this.shared = store.shared
    this.#store = store
    const breakerOf = (what: 'writes' | 'reads') =>
      new Breaker({
        ticks: () => options.ticks(),
        random: () => options.random(),
        report: (event, details) => options.report(event, { store: name, what, ...details }),
      })
    this.#writes = breakerOf('writes')
    this.#reads = breakerOf('reads')
    const deadlineOf = (time: number): (() => Deadline) => {
      const make = () => new Deadline(time, () => options.ticks())
      if (options.lasting === false) return make
      const shared = make()
      return () => shared
    }
    this.#soon = deadlineOf(deadline > 0 ? deadline : patience)
    this.#later = deadlineOf(patience)
    this.#late = new StoreFault('timeout', `the ${name} store did not answer in time`)
    this.#refused = new StoreFault(
      'unavailable',
      `the ${name} store does not answer and is left alone a while`,
    )
    this.messenger = messenger && {
      publish: (channel, message) => this.#patiently(this.#reads, () => messenger.publish(channel, message)),
      // Goes on for as long as the process; whoever subscribes has to be able to wait.
      subscribe: (channels, listener) => messenger.subscribe(channels, listener),
    }
    const { holds } = store
    if (holds === undefined) return
    this.holds = {
      take: async (holder, places, life) =>
        this.#call(this.#writes, this.#soon, () => holds.take(holder, places, life), rejected, never),
      release: (holder, places) => this.#patiently(this.#writes, () => holds.release(holder, places)),
    }
  }

  /** Of both breakers together: the worse state, and all that happened. */
  figures(): BreakerFigures {
    const [writes, reads] = [this.#writes.figures(), this.#reads.figures()]
    return {
      state: STATES.find((state) => writes.state === state || reads.state === state) ?? 'closed',
      opened: writes.opened + reads.opened,
      failures: writes.failures + reads.failures,
      timeouts: writes.timeouts + reads.timeouts,
    }
  }

  glance(): number | null {
    return this.#store.glance()
  }

  size(): number | null {
    return this.#store.size()
  }

  charge(charges: readonly Charge[]): Soon<Charging> {
    const otherwise = (cause: StoreFault): Charging => ({
      charged: charges.map(() => null),
      epoch: null,
      cause,
    })
    return this.#call(this.#writes, this.#soon, () => this.#store.charge(charges), otherwise, failureIn)
  }

  get(kind: EntryKind, ids: readonly string[]): Soon<readonly (Entry | null)[]> {
    return this.#call(this.#reads, this.#soon, () => this.#store.get(kind, ids), rejected, never)
  }

  find(kind: EntryKind, aliases: readonly string[]): Soon<Entry | null> {
    return this.#call(this.#reads, this.#soon, () => this.#store.find(kind, aliases), rejected, never)
  }

  changes(feed: Feed, since: number): Soon<Changes> {
    return this.#call(this.#reads, this.#soon, () => this.#store.changes(feed, since), rejected, never)
  }

  apply(changes: readonly Change[], audit: string | null): Promise<Applied> {
    return this.#patiently(this.#writes, () => this.#store.apply(changes, audit))
  }

  list(kind: EntryKind, page: Page): Promise<readonly Entry[]> {
    return this.#patiently(this.#reads, () => this.#store.list(kind, page))
  }

  touch(uses: ReadonlyMap<string, number>): Promise<void> {
    return this.#patiently(this.#writes, () => this.#store.touch(uses))
  }

  history(limit: number): Promise<readonly string[]> {
    return this.#patiently(this.#reads, () => this.#store.history(limit))
  }

  /** Waits no longer than `patience`, and asks no breaker: a process that starts or ends calls once. */
  open(): Promise<void> {
    return this.#inTime(this.#store.open())
  }

  close(): Promise<void> {
    return this.#inTime(this.#store.close())
  }

  async #patiently<T>(breaker: Breaker, make: () => Promise<T>): Promise<T> {
    return this.#call<T>(breaker, this.#later, make, rejected, never)
  }

  #call<T>(
    breaker: Breaker,
    deadlineOf: () => Deadline,
    make: () => Soon<T>,
    otherwise: Otherwise<T>,
    failure: (value: T) => Failure | null,
  ): Soon<T> {
    const era = breaker.admit()
    if (era === REFUSED) return otherwise(this.#refused)
    let answer: Soon<T>
    try {
      answer = make()
    } catch (error) {
      return otherwise(this.#fault(breaker, era, error))
    }
    if (!(answer instanceof Promise)) {
      const why = failure(answer)
      if (why === null) breaker.alive(era)
      else breaker.failed(era, why)
      return answer
    }
    const promise = answer
    const deadline = deadlineOf()
    return new Promise((resolve) => {
      const waiting = deadline.begin(() => {
        resolve(otherwise(this.#late))
        breaker.failed(era, LATE, waiting.began)
      })
      promise.then(
        (value) => {
          if (!deadline.end(waiting)) return
          resolve(value)
          const why = failure(value)
          if (why === null) breaker.succeeded(era, waiting.began)
          else breaker.failed(era, why, waiting.began)
        },
        (error) => {
          if (deadline.end(waiting)) resolve(otherwise(this.#fault(breaker, era, error, waiting.began)))
        },
      )
    })
  }

  /** Tells the breaker, and makes a fault of whatever was thrown. */
  #fault(breaker: Breaker, era: number, error: unknown, began?: number): StoreFault {
    const fault = error instanceof StoreFault ? error : stray(this.name, error)
    const failure = failureOf(fault)
    if (failure === null) breaker.alive(era)
    else breaker.failed(era, failure, began)
    return fault
  }

  #inTime(promise: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const later = this.#later()
      const waiting = later.begin(() => reject(this.#late))
      promise.finally(() => later.end(waiting)).then(resolve, reject)
    })
  }
}

const rejected = (fault: StoreFault): Promise<never> => Promise.reject(fault)

const never = (): null => null

/** A charge says in its answer that there is none. Where some of it was answered, the store is not gone. */
function failureIn({ charged, cause }: Charging): Failure | null {
  if (cause === undefined || charged.some((one) => one !== null)) return null
  return cause instanceof StoreFault ? failureOf(cause) : { code: 'unavailable', message: 'no answer' }
}

/** Null for a store that finds something that it does not understand: it has answered. */
function failureOf({ code, message }: StoreFault): Failure | null {
  return code === 'incompatible' ? null : { code, message }
}

/** What a client let out quotes whole commands, with digests in them: only its kind is told. */
const stray = (name: string, error: unknown): StoreFault =>
  new StoreFault(
    'unavailable',
    `the ${name} store failed: ${error instanceof Error ? error.name : typeof error}`,
  )
