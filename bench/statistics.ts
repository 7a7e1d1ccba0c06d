/** The value below which a share of all lies. */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** How many rounds, and how many before them that are for the compilers. */
export interface Rounds {
  readonly warmUp: number
  readonly rounds: number
}

/**
 * Measures all subjects in each round, the order changing from round to round.
 * @param subjects each hears the number of the round, which is negative while it does not count
 * @returns figures of each, by round
 */
export async function alternate(
  { warmUp, rounds }: Rounds,
  subjects: readonly ((round: number) => Promise<number>)[],
): Promise<number[][]> {
  const figures: number[][] = subjects.map(() => [])
  for (let round = -warmUp; round < rounds; round++) {
    const order = [...subjects.keys()]
    if (Math.abs(round) % 2 === 1) order.reverse()
    for (const index of order) {
      const figure = await (subjects[index] as (round: number) => Promise<number>)(round)
      if (round >= 0) (figures[index] as number[]).push(figure)
    }
  }
  return figures
}

/** What both sides of a round share, made once for each round. */
export function perRound<T>(make: () => T): (round: number) => T {
  let made: { readonly round: number; readonly value: T } | null = null
  return (round) => {
    if (made?.round !== round) made = { round, value: make() }
    return made.value
  }
}
