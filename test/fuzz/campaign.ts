import { join } from 'node:path'
import { Dice } from '../e2e/targets.ts'
import { Cost } from './cost.ts'
import { Coverage, explain } from './coverage.ts'
import { mutated } from './mutation.ts'
import { reduced } from './reduction.ts'
import type { Failure, Harness, Input, Judgement, Target } from './target.ts'

const ROOT = `${join(import.meta.dirname, '..', '..')}/`
/** Inputs between two questions for coverage. */
const BATCH = 64
/** Inputs after which the code under test is opened anew, so that its state stays small. */
const RENEWAL = 8192
/** Distinct findings after which there is enough to mend. */
const ENOUGH = 10

export interface CampaignOptions {
  readonly seed: number
  /** Inputs to try at most. */
  readonly runs: number
  /** Whether it is time to stop, asked between batches. */
  readonly expired?: () => boolean
  /** Whether V8's coverage guides, beside what inputs lead to. */
  readonly coverage: boolean
  readonly corpus: readonly Input[]
  /** Hears of each input before it runs. */
  readonly watch?: (input: Input) => void
}

/** An input that failed, made small. */
export interface Finding {
  readonly input: Input
  readonly failure: Failure
  /** Whether it fails by itself as well, and not only after what came before it. */
  readonly alone: boolean
  /** How many inputs had run. */
  readonly after: number
}

export interface Report {
  readonly runs: number
  readonly seconds: number
  readonly allowed: number
  /** Characters of our sources that have run; null without coverage. */
  readonly covered: number | null
  /** Inputs that led somewhere new, those of the start included. */
  readonly corpus: readonly Input[]
  readonly findings: readonly Finding[]
}

/** Runs an input and judges what came of it; an exception is a failure like any other. */
export async function attempt(harness: Harness, input: Input): Promise<Judgement> {
  try {
    return (await harness.run(input))()
  } catch (cause) {
    const text = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
    const line = cause instanceof Error ? (cause.stack?.split('\n')[1] ?? '').trim() : ''
    // Fixtures are kept, and say nothing of whose machine it was.
    const place = line.replaceAll(ROOT, '')
    const failure = {
      kind: `crash ${text.replace(/[^a-z ]+/gi, ' ').slice(0, 60)}`,
      detail: `${text} ${place}`,
    }
    return { failures: [failure], features: ['crash'], allowed: false }
  }
}

/** Runs an input in a harness that has seen nothing before. */
export async function replay(target: Target, input: Input): Promise<Judgement> {
  const harness = await target.open()
  try {
    return await attempt(harness, input)
  } finally {
    await harness.close?.()
  }
}

/**
 * Makes inputs and judges what comes of each. All of it follows from the seed, the corpus and the number of runs: only
 * time itself, where it is a bound, does not.
 */
export async function campaign(target: Target, options: CampaignOptions): Promise<Report> {
  const one = new Campaign(target, options)
  return one.run()
}

class Campaign {
  readonly #target: Target
  readonly #options: CampaignOptions
  readonly #dice: Dice
  readonly #cost: Cost
  readonly #coverage: Coverage | null
  readonly #corpus: Input[]
  readonly #features = new Set<string>()
  readonly #findings = new Map<string, Finding>()
  /** Inputs of this batch that took long enough for a second look. */
  readonly #slow: Input[] = []
  #harness: Harness | null = null
  #runs = 0
  #allowed = 0

  constructor(target: Target, options: CampaignOptions) {
    this.#target = target
    this.#options = options
    this.#dice = new Dice(options.seed)
    this.#cost = new Cost(target)
    this.#coverage = options.coverage ? new Coverage() : null
    this.#corpus = [...new Set([...target.seeds, ...options.corpus])]
  }

  async run(): Promise<Report> {
    const { runs, expired } = this.#options
    const started = performance.now()
    // Before anything is opened: what opening leaves to be done later must not count as what an input led to.
    this.#coverage?.start()
    this.#harness = await this.#target.open()
    for (const input of this.#corpus) await this.#try(input)
    this.#coverage?.learn(this.#coverage.take())
    await this.#judgeSlow()
    while (this.#runs < runs && this.#findings.size < ENOUGH && expired?.() !== true) await this.#batch()
    const covered = this.#coverage?.characters ?? null
    this.#coverage?.stop()
    await this.#harness.close?.()
    const seconds = (performance.now() - started) / 1000
    const findings = [...this.#findings.values()]
    return { runs: this.#runs, seconds, allowed: this.#allowed, covered, corpus: this.#corpus, findings }
  }

  async #batch(): Promise<void> {
    const inputs: Input[] = []
    while (inputs.length < BATCH && this.#runs + inputs.length < this.#options.runs) inputs.push(this.#next())
    for (const input of inputs) await this.#try(input)
    if (this.#coverage !== null) await this.#learn(this.#coverage, inputs)
    await this.#judgeSlow()
  }

  /** Keeps the inputs of a batch that went where none was before. */
  async #learn(coverage: Coverage, inputs: readonly Input[]): Promise<void> {
    const marks = coverage.take()
    const news = coverage.news(marks)
    coverage.learn(marks)
    if (news.size === 0) return
    // Who it was shows where nothing is remembered yet.
    const harness = await this.#target.open()
    coverage.take()
    for (const input of inputs) {
      if (news.size === 0) break
      await attempt(harness, input)
      if (explain(news, coverage.take()) && !this.#corpus.includes(input)) this.#corpus.push(input)
    }
    await harness.close?.()
    coverage.take()
  }

  /**
   * Looks at what took long, once the batch is done: how long something takes is no part of what follows from a seed,
   * so that nothing which is run meanwhile may count as covered.
   */
  async #judgeSlow(): Promise<void> {
    const slow = this.#slow.splice(0)
    for (const input of slow) {
      const failure = await this.#cost.judge(input)
      if (failure !== null) await this.#found(input, failure)
    }
    if (slow.length > 0) this.#coverage?.take()
  }

  #next(): Input {
    const { longest, dictionary } = this.#target
    const dice = this.#dice
    const fresh = this.#corpus.length === 0 || dice.chance(30)
    if (fresh) {
      const made = this.#target.generate(dice).slice(0, longest)
      if (dice.chance(60)) return made
      return mutated(made, dice, { dictionary, corpus: this.#corpus }, longest)
    }
    // What was found last has been tried least.
    const recent = this.#corpus.slice(-24)
    const base = dice.pick(dice.chance(40) ? recent : this.#corpus)
    return mutated(base, dice, { dictionary, corpus: this.#corpus }, longest)
  }

  async #try(input: Input): Promise<void> {
    const harness = await this.#renewed()
    this.#options.watch?.(input)
    const started = performance.now()
    let taken = 0
    const timed: Harness = {
      run: async (given) => {
        const judge = await harness.run(given)
        taken = performance.now() - started
        return judge
      },
    }
    const { failures, features, allowed } = await attempt(timed, input)
    this.#runs++
    if (allowed) this.#allowed++
    let fresh = false
    for (const feature of features) {
      if (this.#features.has(feature)) continue
      this.#features.add(feature)
      fresh = true
    }
    if (fresh && !this.#corpus.includes(input)) this.#corpus.push(input)
    for (const failure of failures) await this.#found(input, failure)
    if (this.#cost.suspects(input, taken)) this.#slow.push(input)
  }

  async #renewed(): Promise<Harness> {
    if (this.#harness !== null && this.#runs % RENEWAL !== RENEWAL - 1) return this.#harness
    await this.#harness?.close?.()
    this.#harness = await this.#target.open()
    return this.#harness
  }

  async #found(input: Input, failure: Failure): Promise<void> {
    const { kind } = failure
    if (this.#findings.has(kind)) return
    const fails = async (candidate: Input): Promise<boolean> => {
      this.#options.watch?.(candidate)
      if (kind === 'time') return (await this.#cost.judge(candidate)) !== null
      return (await replay(this.#target, candidate)).failures.some((other) => other.kind === kind)
    }
    const alone = await fails(input)
    // A machine that is busy otherwise may miss a deadline now and then.
    if (kind === 'late' && !(alone && (await fails(input)) && (await fails(input)))) return
    // Each try of a slow input is ten runs; as it is it shows enough.
    const small = alone && kind !== 'time' ? await reduced(input, fails) : input
    const told = (await replay(this.#target, small)).failures.find((other) => other.kind === kind) ?? failure
    this.#findings.set(kind, { input: small, failure: told, alone, after: this.#runs })
  }
}
