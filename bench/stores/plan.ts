import { type Figure, figureOf, type Texts } from '../figure.ts'
import type { Rounds } from '../statistics.ts'

/** How much is done in a round, and how many keys and buckets many are. */
export interface StorePlan extends Rounds {
  readonly operations: number
  /** Requests through HTTP, one after the other. */
  readonly requests: number
  readonly few: number
  readonly many: number
}

export const FULL: StorePlan = {
  warmUp: 2,
  rounds: 11,
  operations: 20_000,
  requests: 2_000,
  few: 1_000,
  many: 1_000_000,
}
export const QUICK: StorePlan = { warmUp: 1, rounds: 3, operations: 300, requests: 60, few: 100, many: 1_000 }

export const LANES = 64

/** Operations per second with so many in flight. */
export async function rateOf(
  count: number,
  lanes: number,
  operation: (index: number) => unknown,
): Promise<number> {
  let next = 0
  const began = performance.now()
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let index = next++; index < count; index = next++) await operation(index)
    }),
  )
  return (count * 1000) / (performance.now() - began)
}

/** The figure of a group. */
export const rowOf = (
  texts: Omit<Texts, 'group'>,
  ours: readonly number[],
  other: readonly number[],
): Figure => figureOf({ group: 'stores', ...texts }, ours, other)
