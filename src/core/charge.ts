import type { Engine, Route } from './engine.ts'
import { chargesOf, isClientLimit, type LimitUse, type Quota, quotaOf, type Subject } from './limit.ts'
import type { Ports, Principal } from './model.ts'

/** The client limits of a route: due before anybody is authenticated, and from those who never will be. */
export const clientLimits = (route: Route): readonly LimitUse[] =>
  route.limits.filter(({ limit }) => isClientLimit(limit))

/** The route's limits, and those of the principal's own that the route does not charge already. */
export function limitsOf(route: Route, principal: Principal): readonly LimitUse[] {
  if (principal.limits.length === 0) return route.limits
  const charged = new Set(route.limits.map(({ limit }) => limit.name))
  return [...route.limits, ...principal.limits.filter(({ limit }) => !charged.has(limit.name))]
}

/** The client limit of the route that is known to be used up, null when none is. */
export function recall(route: Route, subject: Subject, engine: Engine, ports: Ports): Quota | null {
  const ticks = ports.ticks()
  for (const use of clientLimits(route)) {
    for (const charge of chargesOf(use, subject)) {
      const known = engine.denials.recall(charge, ticks)
      if (known !== null) return quotaOf(use.limit, [known])
    }
  }
  return null
}

/** Charges everything that is due at once: all of it happens, or none. */
export async function charge(
  uses: readonly LimitUse[],
  subject: Subject,
  engine: Engine,
  ports: Ports,
): Promise<readonly Quota[]> {
  if (uses.length === 0) return []
  const parts = uses.map((use) => ({ limit: use.limit, charges: chargesOf(use, subject) }))
  const answer = ports.store.charge(parts.flatMap(({ charges }) => charges))
  const charged = answer instanceof Promise ? await answer : answer
  const ticks = ports.ticks()
  let at = 0
  return parts.map(({ limit, charges }) => {
    const own = charged.slice(at, at + charges.length)
    at += charges.length
    if (isClientLimit(limit)) {
      for (const [index, one] of charges.entries()) {
        const result = own[index]
        if (result !== undefined) engine.denials.note(one, result, ticks)
      }
    }
    const quota = quotaOf(limit, own)
    ports.trace?.(
      'limit',
      `${limit.name}: ${quota.ok ? `${quota.remaining} left` : `used up for ${quota.wait} ms`}`,
    )
    return quota
  })
}
