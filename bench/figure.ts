import { median, quantile } from './statistics.ts'

/** What a ratio has to reach, or must not exceed. */
export type Target = { readonly atLeast: number } | { readonly atMost: number }

/** One finding of the benchmark, as table, JSON and chart show it. Speed is a ratio within one run, or it says nothing. */
export interface Figure {
  /** The group it stands in: a section of docs/performance.md. */
  readonly group: string
  /** What was measured. */
  readonly what: string
  /** What it was measured against, in the same run. */
  readonly against: string
  /** What the ratio has to reach, or must not exceed; null: told for orientation. */
  readonly target: Target | null
  /** Median over the rounds of ours divided by the other's. */
  readonly ratio: number
  /** First and third quartile of the rounds' ratios. */
  readonly spread: readonly [number, number]
  /** Medians, in `unit`. */
  readonly ours: number
  readonly other: number
  readonly unit: string
  readonly rounds: number
  /** Of a figure about growth: what grew, from how many to how many. The chart of growth shows those that say it. */
  readonly growth?: Growth
}

export interface Growth {
  /** What there is more of, as in `routes`. Figures of the same name are points of one line. */
  readonly of: string
  readonly from: number
  readonly to: number
}

/** What a figure says beside its numbers. */
export type Texts = Pick<Figure, 'group' | 'what' | 'against' | 'target' | 'unit' | 'growth'>

/** More than any ratio that means something. */
const FAR = 1000

/**
 * A figure from what both sides took in each round. Where a side is a difference it may be nothing or less: a round in
 * which the other's is says nothing, and counts against us.
 * @throws when the sides have not the same rounds, or none
 */
export function figureOf(texts: Texts, ours: readonly number[], other: readonly number[]): Figure {
  if (ours.length === 0 || ours.length !== other.length) throw new Error(`no rounds of ${texts.what}`)
  const lost = texts.target !== null && 'atLeast' in texts.target ? 0 : FAR
  const ratios = ours.map((value, round) => {
    const beside = other[round] as number
    return beside > 0 ? value / beside : lost
  })
  return {
    ...texts,
    ratio: median(ratios),
    spread: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    ours: median(ours),
    other: median(other),
    rounds: ratios.length,
  }
}

/** Whether a figure reaches its target; null where it has none. */
export function reached({ target, ratio }: Figure): boolean | null {
  if (target === null) return null
  return 'atLeast' in target ? ratio >= target.atLeast : ratio <= target.atMost
}
