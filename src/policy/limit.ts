import type { Limit } from '../core/limit.ts'
import type { LimitPolicy } from './schema.ts'

/** Microseconds per unit, rounded up so that rounding never admits more than the rate. */
export const intervalOf = ({ count, window }: LimitPolicy['rate']): number => Math.ceil(window / count)

/** A limit as the core counts it. */
export function limitOf(name: string, { by, rate, burst, ipv6 }: LimitPolicy): Limit {
  const { count, window } = rate
  return { name, by, count, window, burst: burst ?? count, interval: intervalOf(rate), ipv6 }
}
