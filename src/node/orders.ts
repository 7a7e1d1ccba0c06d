import type { MetricObjects } from '../http/metrics.ts'

/** What the primary tells a worker. */
export type Order =
  /** Serve this policy, or put it in force instead of the one before: its text. */
  | { readonly order: 'serve' | 'reload'; readonly policy: string }
  | { readonly order: 'report'; readonly id: number }

/** What a worker tells the primary. */
export type Word =
  /** Its listeners are open; their addresses by name. */
  | { readonly word: 'ready'; readonly listen: Readonly<Record<string, string>> }
  /** It cannot serve, and ends: the problems as they are printed. */
  | { readonly word: 'failed'; readonly problems: string }
  | { readonly word: 'report'; readonly id: number; readonly report: Report }

/** How a worker fares. */
export interface Report {
  /** What works less well than it should. */
  readonly degraded: readonly string[]
  readonly metrics: MetricObjects
}

/** Marks the environment of a worker: other programs fork with the same module. */
export const WORKER_MARK = 'POSTERN_WORKER'

/**
 * Asks a draining process not to wait any longer. Terminals and supervisors send the usual signals to the whole group,
 * so that a worker has to leave those to the primary.
 */
export const HURRY = 'SIGUSR2'
