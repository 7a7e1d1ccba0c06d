import type { Reason } from '../core/reasons.ts'

/** How often one kind of decision was made. Labels are empty where there is no value. */
export interface Tally {
  readonly verdict: 'allow' | 'deny'
  readonly reason: string
  readonly route: string
  readonly proxy: string
  count: number
}

/** Counts decisions by what may be a label: all of it comes from the policy or from us, so their number is bounded. */
export class Tallies {
  readonly #byRoute = new Map<string | null, Map<Reason | null, Map<string, Tally>>>()

  count(verdict: Tally['verdict'], reason: Reason | null, route: string | null, proxy: string): void {
    const known = this.#byRoute.get(route)?.get(reason)?.get(proxy)
    if (known !== undefined) {
      known.count++
      return
    }
    const byReason = this.#byRoute.get(route) ?? new Map<Reason | null, Map<string, Tally>>()
    const byProxy = byReason.get(reason) ?? new Map<string, Tally>()
    byProxy.set(proxy, { verdict, reason: reason ?? '', route: route ?? '', proxy, count: 1 })
    byReason.set(reason, byProxy)
    this.#byRoute.set(route, byReason)
  }

  all(): Tally[] {
    return [...this.#byRoute.values()].flatMap((byReason) =>
      [...byReason.values()].flatMap((byProxy) => [...byProxy.values()]),
    )
  }
}

/** Upper bounds in milliseconds: most decisions take microseconds, and none takes longer than the deadline. */
const BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 400] as const

/** A histogram of durations. */
export class DurationTally {
  readonly #counts = new Float64Array(BOUNDS.length + 1)
  #milliseconds = 0

  observe(milliseconds: number): void {
    let bucket = 0
    while (bucket < BOUNDS.length && milliseconds > (BOUNDS[bucket] ?? 0)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#milliseconds += milliseconds
  }

  get total(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0)
  }

  get seconds(): number {
    return this.#milliseconds / 1000
  }

  /** Counts up to each bound in seconds, as Prometheus has them. */
  cumulative(): { le: string; count: number }[] {
    let sum = 0
    return [...this.#counts].map((count, index) => {
      sum += count
      const bound = BOUNDS[index]
      return { le: bound === undefined ? '+Inf' : String(bound / 1000), count: sum }
    })
  }
}
