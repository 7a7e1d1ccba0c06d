import cluster, { type Worker } from 'node:cluster'
import { type HURRY, type Order, type Report, WORKER_MARK, type Word } from './orders.ts'
import type { Listening } from './service.ts'

/** A worker that has lived that long (in milliseconds) did not die of what it is. */
const STEADY = 10_000
const FIRST_PAUSE = 100
const LONGEST_PAUSE = 10_000

/** Milliseconds before the next worker starts, after so many deaths in a row that came early. */
export const pauseAfter = (early: number): number =>
  early === 0 ? 0 : Math.min(FIRST_PAUSE * 2 ** (early - 1), LONGEST_PAUSE)

/** What workers serve. */
export interface Serving {
  /** The text of the policy in force. */
  readonly policy: string
  readonly listening: Listening
}

/** How a worker ended. */
export interface Death {
  readonly pid: number | undefined
  /** Exit code, or the signal that ended it. */
  readonly by: number | string
  /** Why it could not serve, where it said so. */
  readonly problems: string | null
  /** Milliseconds until another takes its place. */
  readonly pause: number
}

export interface PostEvents {
  /** A worker serves; addresses by name. */
  ready(listen: Readonly<Record<string, string>>): void
  /** It ended unasked. */
  died(death: Death): void
  /** It has told how it fared; nobody will hear of what it does from now on but by the next report. */
  gone(last: Report): void
}

/** One worker's place: when the worker dies, another takes it. */
export class Post {
  readonly #serving: () => Serving
  readonly #events: PostEvents
  readonly #asked = new Map<number, (report: Report) => void>()
  #questions = 0
  #worker: Worker | null = null
  #ready = false
  #early = 0
  #last: Report | null = null
  #timer: NodeJS.Timeout | null = null
  #stopping = false

  /** @param serving what a worker serves that starts or reloads now */
  constructor(serving: () => Serving, events: PostEvents) {
    this.#serving = serving
    this.#events = events
  }

  /** Whether a worker serves here. */
  get ready(): boolean {
    return this.#ready
  }

  /** Puts a worker in place. */
  start(): void {
    this.#timer = null
    const worker = cluster.fork({ [WORKER_MARK]: '1' })
    const began = performance.now()
    let problems: string | null = null
    this.#worker = worker
    // What cannot be sent to a dying worker is no fault of ours; its end is noticed by itself.
    worker.on('error', () => {})
    worker.on('message', (word: Word) => {
      if (word.word === 'failed') problems = word.problems
      else if (word.word === 'report') this.#answered(word.id, word.report)
      else if (word.word === 'ready' && !this.#stopping) {
        this.#ready = true
        this.#events.ready(word.listen)
      }
    })
    worker.once('exit', (code, signal) => {
      const steady = this.#ready && performance.now() - began > STEADY
      this.#early = steady ? 0 : this.#early + 1
      this.#ended({ pid: worker.process.pid, by: signal ?? code, problems, pause: pauseAfter(this.#early) })
    })
    this.#send({ order: 'serve', ...this.#serving() })
  }

  reload(): void {
    this.#send({ order: 'reload', policy: this.#serving().policy })
  }

  /** How the worker fares; null when it does not say so within `patience` milliseconds. */
  report(patience: number): Promise<Report | null> {
    if (!this.#ready) return Promise.resolve(null)
    const id = ++this.#questions
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#asked.delete(id)
        resolve(null)
      }, patience)
      this.#asked.set(id, (report) => {
        clearTimeout(timer)
        resolve(report)
      })
      this.#send({ order: 'report', id })
    })
  }

  /** The last report of the worker that is here. */
  get last(): Report | null {
    return this.#last
  }

  /** Lets go of the worker, which then finishes what is under way and ends. Resolves when it has. */
  stop(): Promise<void> {
    this.#stopping = true
    this.#ready = false
    if (this.#timer !== null) clearTimeout(this.#timer)
    const worker = this.#worker
    if (worker === null) return Promise.resolve()
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
    if (worker.isConnected()) worker.process.disconnect()
    return ended
  }

  /** Asks a worker that is stopping not to wait, or ends it. */
  end(signal: typeof HURRY | 'SIGKILL'): void {
    this.#worker?.process.kill(signal)
  }

  #ended(death: Death): void {
    const last = this.#last
    this.#worker = null
    this.#ready = false
    this.#last = null
    if (last !== null) this.#events.gone(last)
    if (this.#stopping) return
    this.#timer = setTimeout(() => this.start(), death.pause)
    this.#events.died(death)
  }

  #answered(id: number, report: Report): void {
    this.#last = report
    this.#asked.get(id)?.(report)
    this.#asked.delete(id)
  }

  #send(order: Order): void {
    if (this.#worker?.isConnected()) this.#worker.send(order, () => {})
  }
}
