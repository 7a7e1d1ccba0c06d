import type { Dice } from '../e2e/targets.ts'

/** What a target is given: bytes, written as Latin-1 so that a character is a byte. */
export type Input = string

/** One thing that must not be. */
export interface Failure {
  /** The same for the same kind of fault, so that an input can be made smaller without becoming another one. */
  readonly kind: string
  readonly detail: string
}

/** What is to be said of one run. */
export interface Judgement {
  readonly failures: readonly Failure[]
  /** What the input led to, in few words: one that leads to something new is worth keeping. */
  readonly features: readonly string[]
  /** Whether anything was let through: a target in which nothing is would prove nothing. */
  readonly allowed: boolean
}

/** The code under test, opened. Several inputs may pass through it one after the other. */
export interface Harness {
  /** Runs the code. What comes back judges the run: oracles are slow, and their time is not the code's. */
  run(input: Input): Promise<() => Judgement>
  close?(): Promise<void>
}

/** One kind of input, the code that takes it and what may come of it. */
export interface Target {
  readonly name: string
  /** What is fuzzed and who judges it, one sentence. */
  readonly what: string
  /** Bytes of the longest input that is made. */
  readonly longest: number
  readonly dictionary: readonly string[]
  /** Inputs to begin with, beside those of the corpus. */
  readonly seeds: readonly Input[]
  /** A new input, by the grammar of the target. */
  generate(dice: Dice): Input
  /** An honest input of the same kind and about as many bytes, which the time for this one is compared with. */
  ordinary(input: Input): Input
  /** How many times as long as an ordinary input of its size one may take. */
  readonly times: number
  open(): Promise<Harness>
}
