import type { Path } from '../../schema/problem.ts'
import type { Policy } from '../schema.ts'

/** Says where something is weak, what it is and what would be better, in the form of a problem. */
export type Tell = (path: Path, message: string) => void

/** One item of the hardening checklist. docs/security/hardening.md is made of these. */
export interface Item {
  /** Its name on the command line and in links. */
  readonly id: string
  /** What should hold. */
  readonly what: string
  /** What may happen otherwise. */
  readonly why: string
  /** What to do. */
  readonly how: string
  /** Tells every place of a sound policy where it does not hold. Null: no file can show it, so it is for people. */
  readonly look: ((policy: Policy, tell: Tell) => void) | null
}
