import type { Readiness } from '../http/health.ts'
import type { ProcessLog } from './log.ts'
import { HURRY } from './orders.ts'
import { type Death, Post, type Serving } from './post.ts'
import { Sums } from './sums.ts'

/** What became of a start. */
export type Launched =
  | { readonly ok: true; readonly listen: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly problems: string }

/** Milliseconds that a worker has to say how it fares; one that hangs must not hold up the others' figures. */
const REPORT_PATIENCE = 500

/** Milliseconds for all workers to end; more than each takes by itself, and less than supervisors wait. */
const STOP_PATIENCE = 8000

/** The same once nobody wants to wait: for the lines that are still to be written. */
const HURRY_PATIENCE = 1000

/** The workers. */
export class Fleet {
  readonly #posts: readonly Post[]
  readonly #log: ProcessLog
  readonly #sums = new Sums()
  /** Settles the start that is under way. */
  #launch: { ready(): void; failed(problems: string): void } | null = null
  #listen: Readonly<Record<string, string>> = {}
  #deaths = 0

  /** @param serving what every worker serves that starts or reloads now */
  constructor(size: number, serving: () => Serving, log: ProcessLog) {
    this.#log = log
    this.#posts = Array.from(
      { length: size },
      (_, index) =>
        new Post(serving, {
          ready: (listen) => {
            this.#listen = listen
            this.#launch?.ready()
          },
          died: (death) => this.#died(index + 1, death),
          gone: (last) => this.#sums.retire(last.metrics),
        }),
    )
  }

  get size(): number {
    return this.#posts.length
  }

  /** Workers that have died and been replaced. */
  get deaths(): number {
    return this.#deaths
  }

  /** Workers that serve, whether they still answer or not. */
  get ready(): number {
    return this.#posts.filter(({ ready }) => ready).length
  }

  /**
   * Starts all workers: one by itself, which makes the store's file and meets whatever is wrong with store and
   * listeners, then the others. When one of them cannot serve, none is left.
   */
  async start(): Promise<Launched> {
    for (const posts of [this.#posts.slice(0, 1), this.#posts.slice(1)]) {
      const problems = await this.#started(posts)
      if (problems === null) continue
      await this.stop()
      return { ok: false, problems }
    }
    return { ok: true, listen: this.#listen }
  }

  reload(): void {
    for (const post of this.#posts) post.reload()
  }

  async readiness(): Promise<Readiness> {
    const reports = await Promise.all(this.#posts.map((post) => post.report(REPORT_PATIENCE)))
    const answered = reports.filter((report) => report !== null)
    const [ready, of] = [answered.length, this.size]
    const degraded = new Set(answered.flatMap((report) => report.degraded))
    if (ready < of) degraded.add(`${ready} of ${of} workers answer`)
    return { ready: ready > 0, workers: { ready, of }, degraded: [...degraded] }
  }

  /** What all workers count, added up. */
  async metrics(): Promise<string> {
    const reports = await Promise.all(
      this.#posts.map(async (post) => ({ post, report: await post.report(REPORT_PATIENCE) })),
    )
    const live = reports.flatMap(({ report }) => report?.metrics ?? [])
    const silent = reports.flatMap(({ post, report }) => (report === null ? (post.last?.metrics ?? []) : []))
    return this.#sums.text(live, silent)
  }

  /** Lets every worker finish what is under way; what has not ended after a bound is ended. */
  stop(): Promise<void> {
    return this.#ended(STOP_PATIENCE)
  }

  /** The same for workers that are stopping already, without waiting for what is under way. */
  hurry(): Promise<void> {
    for (const post of this.#posts) post.end(HURRY)
    return this.#ended(HURRY_PATIENCE)
  }

  async #ended(patience: number): Promise<void> {
    const timer = setTimeout(() => {
      this.#log.warn('workers_killed', { problem: `not all workers ended within ${patience} ms` })
      for (const post of this.#posts) post.end('SIGKILL')
    }, patience)
    await Promise.all(this.#posts.map((post) => post.stop()))
    clearTimeout(timer)
  }

  /** @returns why a worker could not serve; null when all do */
  #started(posts: readonly Post[]): Promise<string | null> {
    if (posts.length === 0) return Promise.resolve(null)
    return new Promise((resolve) => {
      const settle = (problems: string | null): void => {
        this.#launch = null
        resolve(problems)
      }
      this.#launch = {
        ready: () => {
          if (posts.every(({ ready }) => ready)) settle(null)
        },
        failed: settle,
      }
      for (const post of posts) post.start()
    })
  }

  #died(worker: number, { pid, by, problems, pause }: Death): void {
    if (this.#launch !== null) {
      this.#launch.failed(problems ?? `postern: a worker ended with ${by} before it could serve\n`)
      return
    }
    this.#deaths++
    const why = problems === null ? {} : { problems: problems.trimEnd().split('\n') }
    this.#log.error('worker_died', { worker, pid, by, ...why, pause_ms: pause })
  }
}
