import type { Decision, ForwardedRequest } from '../../src/core/model.ts'
import { type Figure, figureOf, type Target, type Texts } from '../figure.ts'
import { alternate, type Rounds } from '../statistics.ts'
import type { Deciding } from './engine.ts'

export const GROUP = 'growth'

/** What is asked of an engine in a round. */
export interface Asking {
  readonly deciding: Pick<Deciding, 'decide'>
  /** The requests of a round; what is never-seen has to be made anew. */
  requests(round: number): readonly ForwardedRequest[]
  /** What has to become of each; null: whatever is right. */
  readonly expected: 'allow' | 'deny' | null
}

/**
 * Microseconds of processor time that a decision takes, by round, of each engine. Processor time, since others use the
 * machine too; of all threads, since some of the work (signatures, the collector's) is done by others.
 */
export async function microseconds(rounds: Rounds, askings: readonly Asking[]): Promise<number[][]> {
  return alternate(
    rounds,
    askings.map((asking) => async (round: number) => {
      const requests = asking.requests(round)
      const before = process.cpuUsage()
      for (const request of requests) {
        const soon = asking.deciding.decide(request)
        const decision: Decision = soon instanceof Promise ? await soon : soon
        if (asking.expected !== null && decision.verdict !== asking.expected)
          throw new Error(`${decision.verdict}: ${decision.reason} ${decision.cause ?? ''}`)
      }
      const { user, system } = process.cpuUsage(before)
      return (user + system) / requests.length
    }),
  )
}

/** How much more a decision may take where there is much more of something. */
export const GROWTH_TARGET: Target = { atMost: 1.2 }

/**
 * The figures of something that grows, one for each size against the smallest: the last one has to reach the target,
 * the others draw the curve.
 */
export async function growthOf(
  of: string,
  what: (size: string) => string,
  target: Target | null,
  rounds: Rounds,
  sizes: readonly number[],
  open: (size: number) => Promise<Asking & { stop(): Promise<void> }>,
): Promise<Figure[]> {
  const opened = []
  try {
    for (const size of sizes) opened.push(await open(size))
    const [least = [], ...others] = await microseconds(rounds, opened)
    const [from = 0, ...larger] = sizes
    return others.map((figures, index) => {
      const to = larger[index] as number
      const texts: Texts = {
        group: GROUP,
        what: what(to.toLocaleString('en-GB')),
        against: from.toLocaleString('en-GB'),
        target: index === others.length - 1 ? target : null,
        unit: 'µs',
        growth: { of, from, to },
      }
      return figureOf(texts, figures, least)
    })
  } finally {
    for (const one of opened) await one.stop()
  }
}

/** Numbers from 0 up to `count` in an order that no prefetcher knows, the same in every run. */
export function shuffled(count: number): readonly number[] {
  const all = Array.from({ length: count }, (_, index) => index)
  let seed = 1
  for (let index = count - 1; index > 0; index--) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    const other = seed % (index + 1)
    const held = all[index] as number
    all[index] = all[other] as number
    all[other] = held
  }
  return all
}

/**
 * Which of `size` things each of `count` requests asks for, in no order: half of all traffic goes to few of them, and
 * every one has its visitors (the k-th gets a share of 1/k, after Zipf).
 */
export function popular(count: number, size: number): readonly number[] {
  const places = shuffled(size)
  const shares: number[] = []
  let sum = 0
  for (let place = 1; place <= size; place++) {
    sum += 1 / place
    shares.push(sum)
  }
  const visits: number[] = []
  for (let index = 0, place = 0; index < count; index++) {
    while ((shares[place] as number) < ((index + 0.5) / count) * sum) place++
    visits.push(places[place] as number)
  }
  return shuffled(count).map((index) => visits[index] as number)
}

/** How long a small measurement takes. */
export const roundsOf = (quick: boolean): Rounds =>
  quick ? { warmUp: 1, rounds: 3 } : { warmUp: 3, rounds: 9 }
