import type { Engine, Route } from './engine.ts'
import { type BucketCharge, isClientLimit, type LimitUse, type Quota, quotasOf } from './limit.ts'
import type { Charged, Ports, Principal } from './model.ts'
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

/** Charges everything that is due at once: all of it happens, or none. */
export function charge(
  charges: readonly BucketCharge[],
  engine: Engine,
  ports: Ports,
): Soon<readonly Quota[]> {
  if (charges.length === 0) return []
  return whenKnown(ports.store.charge(charges), (charged) => {
    for (let index = 0; index < charges.length; index++) {
      const one = charges[index] as BucketCharge
      const result = charged[index] as Charged
      // Only what can be recalled before anybody is authenticated is worth remembering.
      if (!result.ok && isClientLimit(one.limit)) engine.denials.note(one, result, ports.ticks())
    }
    const quotas = quotasOf(charges, charged)
    if (ports.trace !== undefined) {
      for (const { limit, ok, remaining, wait } of quotas) {
        ports.trace('limit', `${limit.name}: ${ok ? `${remaining} left` : `used up for ${wait} ms`}`)
      }
    }
    return quotas
  })
}
