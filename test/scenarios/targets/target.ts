/** Where scenarios are played: one interface, whatever stands behind it. */

import type { PolicyName } from '../policies.ts'
import type { Row, Seen } from '../scenario.ts'

/** What a target makes of some scenarios in another way than the rest of the world, and why it must. */
export interface Difference {
  /** One sentence, a footnote of docs/conformance.md. */
  readonly why: string
  /** Which scenarios it concerns: by what is in their request, or by what is expected. */
  concerns(row: Row): boolean
  /** What is seen there; null: it cannot be played there. */
  instead(expected: Seen, row: Row): Seen | null
}

/** One policy in force, behind one way in. */
export interface Session {
  /** Plays scenarios in their order, each with the requests that come before it. */
  play(rows: readonly Row[]): Promise<ReadonlyMap<string, Seen>>
  /** What the processes behind it have printed; for the message of a failing test. */
  output(): string
  stop(): Promise<void>
}

export interface Target {
  /** A column of docs/conformance.md. */
  readonly name: string
  /** The versions that it was run with, such as `Node 24.21.0`. */
  version(): Promise<string>
  /** Why it cannot be had on this machine; null when it can. */
  missing(): Promise<string | null>
  readonly differences: readonly Difference[]
  start(policy: PolicyName): Promise<Session>
}

/** What a target should show of a scenario, and by which differences; `seen` is null when it cannot be played there. */
export interface Outlook {
  readonly seen: Seen | null
  readonly because: readonly Difference[]
}

/** The scenario's own expectation, as every difference that concerns it changes it. */
export function outlook({ differences }: Pick<Target, 'differences'>, row: Row): Outlook {
  let seen: Seen | null = row.expected
  const because: Difference[] = []
  for (const difference of differences) {
    if (seen === null || !difference.concerns(row)) continue
    const changed = difference.instead(seen, row)
    if (changed !== null && JSON.stringify(changed) === JSON.stringify(seen)) continue
    because.push(difference)
    seen = changed
  }
  return { seen, because }
}
