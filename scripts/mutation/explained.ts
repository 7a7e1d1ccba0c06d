/**
 * Why some mutants survive. A survivor that stands nowhere here fails `npm run mutation`: it is either killed by a
 * test, or it is explained, or the source that it shows to be needless goes.
 */

/** Survivors of one kind. */
export interface Explanation {
  /** A sentence or two for docs/security/mutation.md. */
  readonly why: string
  readonly mutants: readonly Survivor[]
}

/** Which mutants: by file, Stryker's name of the mutation, and the text that is mutated, white space made one space each. */
export type Survivor = readonly [file: string, mutator: string, ...originals: string[]]

export const EXPLAINED: readonly Explanation[] = []
