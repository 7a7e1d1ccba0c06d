import type { Failure, Harness, Input, Target } from './target.ts'

/** What takes less is no attack, whatever it is compared with: microseconds. */
const HARMLESS = 2000
/** Milliseconds of the clock, and multiples of what is usual, from which on a run is looked at. */
const SUSPECT = 2
const UNUSUAL = 15
const REPEATS = 7

/** What one input costs beside an ordinary one of its size. */
export interface Price {
  /** The shortest run by the clock. */
  readonly microseconds: number
  /** What this thread was busy in a run, on average: a machine that is busy otherwise makes no difference to it. */
  readonly busy: number
  /** How many times what the ordinary one costs. */
  readonly times: number
}

/**
 * The bound on time per byte. A single run only raises suspicion, since the machine may be busy. What counts is the
 * shortest of several runs, each in a harness that knows nothing yet, beside the shortest of an ordinary input of the
 * same size, taken by turns: something else may lengthen some of them, and hardly ever all.
 */
export class Cost {
  readonly #target: Target
  /** Usual milliseconds by the magnitude of a size. */
  readonly #usual: number[] = []

  constructor(target: Target) {
    this.#target = target
  }

  /** Whether a run took so long that it is worth a second look. */
  suspects({ length }: Input, milliseconds: number): boolean {
    const magnitude = Math.floor(Math.log2(length + 1))
    const usual = this.#usual[magnitude] ?? milliseconds
    this.#usual[magnitude] = usual + (Math.min(milliseconds, usual * 4) - usual) / 16
    return milliseconds > Math.max(SUSPECT, UNUSUAL * usual)
  }

  /** @param enough stops when it is no longer than these microseconds: further runs can only show it shorter */
  async price(input: Input, enough = 0): Promise<Price> {
    const ordinary = this.#target.ordinary(input)
    let [mine, other] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    let [busy, runs] = [0, 0]
    while (runs < REPEATS && mine > enough) {
      const harness = await this.#target.open()
      for (const longer of ['a', 'aa', 'aaa']) await harness.run(this.#target.ordinary(input + longer))
      // By turns, or the one that is always second is the one that is always interrupted.
      if (runs % 2 === 0) other = Math.min(other, (await timeOf(harness, ordinary)).clock)
      const { clock, thread } = await timeOf(harness, input)
      mine = Math.min(mine, clock)
      busy += thread
      if (runs % 2 === 1) other = Math.min(other, (await timeOf(harness, ordinary)).clock)
      await harness.close?.()
      runs++
    }
    return { microseconds: mine, busy: busy / runs, times: mine / other }
  }

  /** The failure of an input that costs too much in every one of the repeats; null for all others. */
  async judge(input: Input): Promise<Failure | null> {
    const { microseconds, busy, times } = await this.price(input, HARMLESS)
    if (Math.min(microseconds, busy) <= HARMLESS || times <= this.#target.times) return null
    const took = `${Math.round(microseconds)} µs for ${input.length} bytes`
    return { kind: 'time', detail: `${took}, ${times.toFixed(1)} times an ordinary input of that size` }
  }
}

/** Microseconds by the clock, and of this thread alone (which some systems count in steps of a millisecond). */
async function timeOf(harness: Harness, input: Input): Promise<{ clock: number; thread: number }> {
  const [started, before] = [performance.now(), process.threadCpuUsage()]
  await harness.run(input)
  const { user, system } = process.threadCpuUsage(before)
  return { clock: (performance.now() - started) * 1000, thread: user + system }
}
