/** What the orchestrator and its worker processes say to each other. */

/** One test, what it costs in milliseconds and which mutants it passes through. */
export interface Case {
  readonly file: number
  readonly test: number
  readonly name: string
  readonly cost: number
  readonly mutants: readonly string[]
}

/** What the tests pass through without a mutant. */
export interface Cover {
  readonly cases: readonly Case[]
  /** Which mutants the loading of each file passes through, and the hooks before all its tests. */
  readonly loads: readonly {
    readonly file: number
    readonly cost: number
    readonly mutants: readonly string[]
  }[]
  /** Tests that fail without any mutant. */
  readonly failed: readonly string[]
}

export interface Verdict {
  readonly status: 'Killed' | 'Timeout' | 'Survived' | 'NoCoverage' | 'Ignored'
  /** The test that told the mutant from the source; why it is ignored, where it is. */
  readonly by: string | null
}

export type ToWorker =
  | { readonly kind: 'survey' }
  | {
      readonly kind: 'judge'
      readonly mutant: string
      /** The cheapest first. */
      readonly cases: readonly Omit<Case, 'mutants'>[]
      /** Files whose loading passes through it. */
      readonly loads: readonly number[]
    }

export type FromWorker =
  | { readonly kind: 'progress'; readonly text: string }
  | { readonly kind: 'cover'; readonly cover: Cover }
  | { readonly kind: 'verdict'; readonly mutant: string; readonly verdict: Verdict }
