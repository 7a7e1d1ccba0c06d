import { type Arrival, arrive } from '../../core/limit.ts'
import type { Charge } from '../../core/model.ts'

/** What becomes of a bucket: microseconds at which it is full again, `full` when it is, `kept` when nothing changed. */
export type Kept = number | 'full' | 'kept'

/** What several buckets say to one call. */
export interface Settled {
  readonly all: boolean
  /** One for each charge; where another one stands in the way, as if it were a peek. */
  readonly arrivals: readonly Arrival[]
  readonly kept: readonly Kept[]
}

/**
 * Charges several buckets together: all of them, or none.
 * @param stored the arrival time of each, null where it is full
 * @param now microseconds since the epoch
 * @param blocked something else stands in the way of all of them
 */
export function settle(
  charges: readonly Omit<Charge, 'key'>[],
  stored: readonly (number | null)[],
  now: number,
  blocked = false,
): Settled {
  const tried = charges.map(({ interval, burst, cost }, index) =>
    arrive(stored[index] ?? null, now, interval, burst, cost),
  )
  const all = !blocked && tried.every(({ ok }) => ok)
  const arrivals: Arrival[] = []
  const kept: Kept[] = []
  for (let index = 0; index < charges.length; index++) {
    const { interval, burst, cost } = charges[index] as Charge
    const before = stored[index] ?? null
    const arrival = tried[index] as Arrival
    arrivals.push(arrival.ok && !all ? arrive(before, now, interval, burst, 0) : arrival)
    kept.push(cost === 0 ? 'kept' : keptOf(before, all ? arrival.next : null, now, now + interval * burst))
  }
  return { all, arrivals, kept }
}

/** @param next null: denied, and all that may be written is a time beyond the limit's reach, brought back for good */
function keptOf(before: number | null, next: number | null, now: number, top: number): Kept {
  if (next === null) return before !== null && before > top ? top : 'kept'
  if (next > now) return next
  return before === null ? 'kept' : 'full'
}
