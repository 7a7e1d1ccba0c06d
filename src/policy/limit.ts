import { AddressSet } from '../core/address.ts'
import type { Penalty } from '../core/engine.ts'
import type { Limit } from '../core/limit.ts'
import type { LimitPolicy, Policy } from './schema.ts'

/** Microseconds per unit, rounded up so that rounding never admits more than the rate. */
export const intervalOf = ({ count, window }: LimitPolicy['rate']): number => Math.ceil(window / count)

/** A limit as the core counts it. */
export function limitOf(name: string, { by, rate, burst, ipv6, onOutage }: LimitPolicy): Limit {
  const { count, window } = rate
  return { name, by, count, window, burst: burst ?? count, interval: intervalOf(rate), ipv6, onOutage }
}

/** Cannot be the name of a limit in a policy, so that no bucket is shared with one. */
const FAILURES = '(failures)'

/** The penalty box as the core counts it; null where the policy has none. */
export function penaltyOf({ bans }: Policy): Penalty | null {
  if (bans === undefined) return null
  const { failures, first, longest, never } = bans
  const policy: LimitPolicy = { by: ['client'], rate: failures, ipv6: 64, onOutage: 'local' }
  return {
    use: { limit: limitOf(FAILURES, policy), cost: 1 },
    never: never.length === 0 ? null : new AddressSet(never),
    first,
    longest,
  }
}
