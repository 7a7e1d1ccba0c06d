import type { MetricObjects } from '../http/metrics.ts'
import type { Listening } from './service.ts'

/** What the primary tells a worker. */
export type Order =
  /** Serve the policy of this text, on these addresses whatever it says. */
  | { readonly order: 'serve'; readonly policy: string; readonly listening: Listening }
  /** Put another one in force instead. */
  | { readonly order: 'reload'; readonly policy: string }
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
