import { type Profiler, Session } from 'node:inspector'

const SOURCES = /\/src\/.*\.ts$/

/** Characters of a source that have run, by its URL. */
type Marks = Map<string, Uint8Array>

/**
 * Which blocks of our sources have run, as V8 counts them. To ask costs about three milliseconds and counting doubles
 * the time of a decision, so it is asked once for a batch of inputs and not for each.
 */
export class Coverage {
  readonly #session = new Session()
  readonly #known: Marks = new Map()
  #characters = 0

  start(): void {
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
    this.learn(this.take())
  }

  stop(): void {
    this.#session.post('Profiler.stopPreciseCoverage')
    this.#session.disconnect()
  }

  /** Characters of source that have run so far. */
  get characters(): number {
    return this.#characters
  }

  /** What has run since the last time. */
  take(): Marks {
    const marks: Marks = new Map()
    for (const { url, functions } of this.#scripts()) {
      if (!SOURCES.test(url)) continue
      const end = Math.max(...functions.flatMap(({ ranges }) => ranges.map(({ endOffset }) => endOffset)))
      const ran = new Uint8Array(end)
      // Outer functions come before inner ones, and outer blocks before inner ones.
      for (const { ranges } of functions)
        for (const { startOffset, endOffset, count } of ranges)
          ran.fill(count > 0 ? 1 : 0, startOffset, endOffset)
      marks.set(url, ran)
    }
    return marks
  }

  /** Remembers what has run. @returns how many characters of it were new */
  learn(marks: Marks): number {
    let fresh = 0
    for (const [url, ran] of marks) {
      const known = this.#knownOf(url, ran.length)
      for (let at = 0; at < ran.length; at++) {
        if (ran[at] !== 1 || known[at] === 1) continue
        known[at] = 1
        fresh++
      }
    }
    this.#characters += fresh
    return fresh
  }

  /** The marks that were not known before. */
  news(marks: Marks): Marks {
    const news: Marks = new Map()
    for (const [url, ran] of marks) {
      const known = this.#knownOf(url, ran.length)
      const fresh = ran.map((mark, at) => (mark === 1 && known[at] !== 1 ? 1 : 0))
      if (fresh.includes(1)) news.set(url, fresh)
    }
    return news
  }

  #knownOf(url: string, length: number): Uint8Array {
    const known = this.#known.get(url)
    if (known !== undefined && known.length >= length) return known
    const longer = new Uint8Array(length)
    if (known !== undefined) longer.set(known)
    this.#known.set(url, longer)
    return longer
  }

  #scripts(): readonly Profiler.ScriptCoverage[] {
    let found: readonly Profiler.ScriptCoverage[] = []
    // A session within its own process answers at once.
    this.#session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error !== null) throw error
      found = taken.result
    })
    return found
  }
}

/** Takes from `news` what `marks` explains, and forgets sources that are explained. @returns whether that was anything */
export function explain(news: Marks, marks: Marks): boolean {
  let explained = false
  for (const [url, fresh] of news) {
    const ran = marks.get(url)
    if (ran === undefined) continue
    for (let at = 0; at < fresh.length; at++) {
      if (fresh[at] !== 1 || ran[at] !== 1) continue
      fresh[at] = 0
      explained = true
    }
    if (!fresh.includes(1)) news.delete(url)
  }
  return explained
}
