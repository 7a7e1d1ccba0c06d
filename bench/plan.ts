import type { Figure } from './figure.ts'

/** How a run of the benchmark was asked for. */
export interface Plan {
  /** Only to prove that everything runs: few rounds, few requests, and no figure means anything. */
  readonly quick: boolean
  /** Tells the reader why something is missing, as a sentence. */
  note(text: string): void
}

/** Hears of each figure as soon as it is there. */
export type Print = (figure: Figure) => void

/** A part of the benchmark that can run alone: it starts what it needs, and leaves nothing behind. */
export type Group = (plan: Plan, print: Print) => Promise<unknown>
