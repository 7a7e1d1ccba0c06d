import type { Engine, Route } from './engine.ts'
import { type BucketCharge, isClientLimit, type LimitUse, type Quota, quotasOf } from './limit.ts'
import type { Charged, Charging, Ports, Principal } from './model.ts'
import type { Reason } from './reasons.ts'
import { type Soon, whenKnown } from './soon.ts'

/** The limits of the route that need a principal, and the principal's own that the route does not charge already. */
export function furtherLimits(route: Route, principal: Principal): readonly LimitUse[] {
  if (principal.limits.length === 0) return route.furtherLimits
  const charged = new Set(route.limits.map(({ limit }) => limit.name))
  return [...route.furtherLimits, ...principal.limits.filter(({ limit }) => !charged.has(limit.name))]
}

/** The first bucket that is known to deny, as the quota of its limit; null when none is. */
export function recall(charges: readonly BucketCharge[], engine: Engine, ports: Ports): Quota | null {
  if (engine.denials.empty || charges.length === 0) return null
  const ticks = ports.ticks()
  for (const charge of charges) {
    const known = engine.denials.recall(charge, ticks)
    if (known !== null) return { limit: charge.limit, ...known }
  }
  return null
}

/** What was to be paid for a request, and whether it was. */
export interface Bill {
  /** Why the request may not pass; null when nothing stands in the way. */
  readonly reason: Reason | null
  readonly quotas: readonly Quota[]
  /** The store's epoch at that moment; null where it told none. */
  readonly epoch: number | null
  /** Whether the store did not answer for a part of it. */
  readonly degraded: boolean
  /** Why it did not, for the operator. */
  readonly cause?: unknown
}

const PAID: Bill = Object.freeze({ reason: null, quotas: [], epoch: null, degraded: false })

/** Charges everything that is due at once: all of it happens, or none. */
export function charge(charges: readonly BucketCharge[], engine: Engine, ports: Ports): Soon<Bill> {
  if (charges.length === 0) return PAID
  return whenKnown(ports.counters.charge(charges), (charging) => {
    const { charged, epoch } = charging
    const bill = isWhole(charged)
      ? billOf(charges, charged, epoch)
      : outageBill(charges, charging, engine, ports)
    noteDenials(charges, charged, engine, ports)
    if (ports.trace !== undefined) {
      for (const { limit, ok, remaining, wait } of bill.quotas) {
        ports.trace('limit', `${limit.name}: ${ok ? `${remaining} left` : `used up for ${wait} ms`}`)
      }
    }
    return bill
  })
}

/** Gives back what was charged for a request that did not pass after all. Nobody waits for it. */
export function refund(charges: readonly BucketCharge[], ports: Ports): void {
  if (charges.length === 0) return
  const back = ports.counters.charge(charges.map((one) => ({ ...one, cost: -one.cost })))
  if (!(back instanceof Promise)) return
  const settled = back.catch(() => {})
  ports.background?.(settled)
}

/** Both bills of one request as one. */
export const together = (first: Bill, second: Bill): Bill => ({
  reason: first.reason ?? second.reason,
  quotas: [...first.quotas, ...second.quotas],
  epoch: second.epoch ?? first.epoch,
  degraded: first.degraded || second.degraded,
  cause: first.cause ?? second.cause,
})

const isWhole = (charged: Charging['charged']): charged is readonly Charged[] => !charged.includes(null)

function billOf(charges: readonly BucketCharge[], charged: readonly Charged[], epoch: number | null): Bill {
  const quotas = quotasOf(charges, charged)
  const reason = quotas.every(({ ok }) => ok) ? null : 'limit_exceeded'
  return { reason, quotas, epoch, degraded: false }
}

/** Only what can be recalled before anybody is authenticated is worth remembering. */
function noteDenials(
  charges: readonly BucketCharge[],
  charged: Charging['charged'],
  engine: Engine,
  ports: Ports,
): void {
  for (let index = 0; index < charges.length; index++) {
    const result = charged[index]
    if (result == null || result.ok) continue
    const one = charges[index] as BucketCharge
    if (isClientLimit(one.limit)) engine.denials.note(one, result, ports.ticks())
  }
}

/**
 * The store did not answer for some of the buckets: each of those limits says itself what then holds. What the store
 * did charge is given back when the rest stands in the way.
 */
function outageBill(
  charges: readonly BucketCharge[],
  { charged, epoch, cause }: Charging,
  engine: Engine,
  ports: Ports,
): Bill {
  const answered = charges.filter((_, index) => charged[index] !== null)
  const shared = billOf(
    answered,
    charged.filter((one) => one !== null),
    epoch,
  )
  const without = { ...shared, degraded: true, cause }
  if (shared.reason !== null) return without
  const silent = charges.filter((_, index) => charged[index] === null)
  if (silent.some(({ limit }) => limit.onOutage === 'deny')) {
    refund(answered, ports)
    return { ...without, reason: 'limit_unavailable' }
  }
  const own = silent
    .filter(({ limit }) => limit.onOutage === 'local')
    .map((one) => partOf(one, engine.instances))
  const local = billOf(own, ports.local.charge(own).charged, null)
  if (local.reason !== null) refund(answered, ports)
  return together(without, local)
}

/** A limit's part for one of several instances that cannot see each other: together they admit what the limit does. */
const partOf = (one: BucketCharge, instances: number): BucketCharge => ({
  ...one,
  interval: one.interval * instances,
  burst: Math.max(one.cost, Math.floor(one.burst / instances)),
})
