/** One finding of the benchmark, as table, JSON and chart show it. Speed is a ratio within one run, or it says nothing. */
export interface Figure {
  /** The group it stands in: a section of docs/performance.md. */
  readonly group: string
  /** What was measured. */
  readonly what: string
  /** What it was measured against, in the same run. */
  readonly against: string
  /** What the ratio has to reach, or must not exceed; null: told for orientation. */
  readonly target: { readonly atLeast: number } | { readonly atMost: number } | null
  /** Median over the rounds of ours divided by the other's. */
  readonly ratio: number
  /** First and third quartile of the rounds' ratios. */
  readonly spread: readonly [number, number]
  /** Medians, in `unit`. */
  readonly ours: number
  readonly other: number
  readonly unit: string
  readonly rounds: number
}

/** Whether a figure reaches its target; null where it has none. */
export function reached({ target, ratio }: Figure): boolean | null {
  if (target === null) return null
  return 'atLeast' in target ? ratio >= target.atLeast : ratio <= target.atMost
}
