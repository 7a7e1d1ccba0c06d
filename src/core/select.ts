import type { Refusal } from './authorise.ts'
import { preflightMethod } from './canonical.ts'
import type { Engine, Route } from './engine.ts'
import type { Selection } from './match.ts'
import type { CanonicalRequest, ForwardedRequest, Ports } from './model.ts'
import { readPath } from './path.ts'
import { admitsPlace, fits } from './place.ts'
import type { Reason } from './reasons.ts'

/** A route with the parameters of its path, or why there is none. */
export type Selected = (Selection<Route> & { readonly preflight: boolean }) | Refusal

/** The route that all readings of the path select; for a real preflight, that of the method it asks for. */
export function selectRoute(
  request: ForwardedRequest,
  canonical: CanonicalRequest,
  engine: Engine,
  { trace }: Ports,
): Selected {
  const judged = readPath(canonical.path)
  if (!judged.ok) {
    trace?.('path', judged.why)
    return { reason: judged.reason, cause: judged.why }
  }
  if (trace !== undefined) {
    for (const { text, how } of judged.readings)
      trace('reading', `${text.replaceAll('\u0001', '%2F')} (${how})`)
  }
  const wanted = preflightMethod(request)
  if (wanted !== null) {
    const selected = engine.routes.select(canonical.host, wanted, judged.readings)
    if (selected.ok && selected.selection?.route.preflight === true) {
      trace?.('route', selected.selection.route.name)
      return { ...selected.selection, preflight: true }
    }
  }
  const selected = engine.routes.select(canonical.host, canonical.method, judged.readings)
  if (!selected.ok) {
    trace?.('route', `${selected.why} (${selected.reading.how})`)
    return { reason: 'path_ambiguous', cause: selected.why }
  }
  trace?.('route', selected.selection?.route.name ?? 'none matches')
  if (selected.selection === null) return { reason: 'route_missing' }
  return { ...selected.selection, preflight: false }
}

/** Why the client may not use the route whatever it presents. */
export function exclusion(
  route: Route,
  { headers, place }: ForwardedRequest,
  { client }: CanonicalRequest,
): Reason | null {
  if (!fits(route.networks, client)) return 'network_denied'
  if (route.places !== null && !admitsPlace(route.places, place)) return 'place_denied'
  const { origins } = route
  if (origins === null || headers.lines('origin').every((origin) => origins.has(origin))) return null
  return 'origin_denied'
}
