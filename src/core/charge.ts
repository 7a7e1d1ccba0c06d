import type { Engine } from './engine.ts'
import { type BucketCharge, isClientLimit, type LimitUse, type Quota, quotasOf } from './limit.ts'
import type { Ports, Principal } from './model.ts'
import { type Soon, whenKnown } from './soon.ts'

/** The limits of the principal's own that the route does not charge already, and those of the route that need one. */
export function furtherLimits(limits: readonly LimitUse[], principal: Principal): readonly LimitUse[] {
  const due = limits.filter(({ limit }) => !isClientLimit(limit))
  if (principal.limits.length === 0) return due
  const charged = new Set(limits.map(({ limit }) => limit.name))
  return [...due, ...principal.limits.filter(({ limit }) => !charged.has(limit.name))]
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
    for (const [index, result] of charged.entries()) {
      const one = charges[index]
      // Only what can be recalled before anybody is authenticated is worth remembering.
      if (!result.ok && one !== undefined && isClientLimit(one.limit))
        engine.denials.note(one, result, ports.ticks())
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
