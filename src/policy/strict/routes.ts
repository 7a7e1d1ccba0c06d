import { isClientLimit } from '../../core/limit.ts'
import { pathPattern } from '../../core/pattern.ts'
import type { Path } from '../../schema/problem.ts'
import type { LimitPolicy, Policy, RoutePolicy } from '../schema.ts'
import type { Item, Tell } from './item.ts'

/** An item that is looked for on every route. */
const onRoutes = (
  look: (route: RoutePolicy, tell: Tell, policy: Policy) => void,
): NonNullable<Item['look']> => {
  return (policy, tell) => {
    for (const [name, route] of Object.entries(policy.routes))
      look(route, (path: Path, message) => tell(['routes', name, ...path], message), policy)
  }
}

const takesStrangers = ({ credentials }: RoutePolicy): boolean => credentials.includes('anonymous')
/** Whether a route asks for credentials, so that there is something to guess. */
export const takesPrincipals = ({ credentials }: RoutePolicy): boolean =>
  credentials.some((entry) => entry !== 'anonymous')

/** Whether a route takes whatever no other one does, at some depth. */
function takesTheRest({ match }: RoutePolicy): boolean {
  const { rest, segments } = pathPattern(match.path)
  return rest && segments.every((segment) => 'parameter' in segment)
}

/** The limits that a route charges. */
const limitsOf = ({ limits }: RoutePolicy, policy: Policy): readonly LimitPolicy[] =>
  limits.flatMap(({ use }) => policy.limits[use] ?? [])

export const ROUTE_ITEMS: readonly Item[] = [
  {
    id: 'route-host',
    what: 'Every route names its host.',
    why: 'A route without one holds for every host that the proxy serves: what is public on one site is then public on the others, and a page that leads its own name to your address (DNS rebinding) is served as well.',
    how: 'Write `match: { host: app.example.com, ... }`.',
    look: onRoutes(({ match }, tell) => {
      if (match.host === undefined) tell(['match'], 'holds for every host: write host')
    }),
  },
  {
    id: 'route-anonymous',
    what: 'No route lets strangers into everything that no other route names.',
    why: 'Deny by default is gone: what the upstream gains tomorrow is public.',
    how: 'Name what is public, as in `/assets/**`, and let the rest be denied.',
    look: onRoutes((route, tell) => {
      if (takesStrangers(route) && takesTheRest(route))
        tell(['match', 'path'], 'lets strangers into whatever no other route names: name what is public')
    }),
  },
  {
    id: 'route-rest',
    what: 'No route takes everything that no other route names.',
    why: 'What the upstream gains tomorrow, a debug page or an admin area, is open to everybody whom this route lets in, without anybody having decided so.',
    how: 'Name the areas of the upstream. One upstream with one kind of user is a reason to accept this.',
    look: onRoutes((route, tell) => {
      if (!takesStrangers(route) && takesTheRest(route))
        tell(['match', 'path'], 'takes whatever no other route names: name the areas of the upstream')
    }),
  },
  {
    id: 'route-require',
    what: 'Every route that asks for credentials also demands something of the principal.',
    why: 'A good token says who somebody is, not what he may do: without a demand, everybody whom the issuer knows may pass.',
    how: 'Write `require` with roles, permissions, scopes or a tenant.',
    look: onRoutes((route, tell) => {
      const { roles, permissions, scopes, tenant } = route.require
      if (takesStrangers(route) || roles.length + permissions.length + scopes.length > 0) return
      if (tenant === undefined) tell([], 'lets in everybody who has a credential: write require')
    }),
  },
  {
    id: 'route-methods',
    what: 'Routes for strangers name their methods.',
    why: 'A public page is meant to be read. Without methods it can be posted to and deleted as well.',
    how: 'Write `methods: [GET]`, which implies HEAD.',
    look: onRoutes((route, tell) => {
      if (takesStrangers(route) && route.match.methods === undefined)
        tell(['match'], 'lets strangers use every method: write methods, such as [GET]')
    }),
  },
  {
    id: 'route-origins',
    what: 'Routes that let strangers in by their network name the origins of pages.',
    why: 'Credentials travel in headers that no page can make a browser send, so that cross-site requests find none. An address is different: a page of anybody, open in a browser inside the network, may send requests and open WebSockets from there.',
    how: 'Write `origins` with the sites whose pages may ask, or demand a credential.',
    look: onRoutes((route, tell) => {
      if (takesStrangers(route) && route.networks?.allow !== undefined && route.origins === undefined)
        tell([], 'opens by address to the pages of anybody: write origins, or demand a credential')
    }),
  },
  {
    id: 'route-preflight',
    what: 'Routes that let preflights pass name the origins of pages.',
    why: 'A preflight passes without a credential, for the upstream to judge. With `origins` only those of your own pages reach it.',
    how: 'Write `origins` beside `preflight: allow`.',
    look: onRoutes((route, tell) => {
      if (route.preflight !== undefined && route.origins === undefined)
        tell(['preflight'], 'lets preflights of every page reach the upstream: write origins')
    }),
  },
  {
    id: 'route-client-limit',
    what: 'Every route charges a limit by client.',
    why: 'Such a limit is charged before a credential is good, and so bounds guessing, and on public routes it bounds what one client may take of the upstream.',
    how: 'Add a limit `by: client` to `limits`.',
    look: onRoutes((route, tell, policy) => {
      if (!limitsOf(route, policy).some(isClientLimit)) tell([], 'bounds no client: add a limit by client')
    }),
  },
  {
    id: 'route-principal-limit',
    what: 'Every route that asks for credentials charges a limit by principal or tenant.',
    why: 'A client has as many addresses as it can rent: what one token or key may take is bounded only where the principal is counted.',
    how: 'Add a limit `by: principal` or `by: tenant` to `limits`.',
    look: onRoutes((route, tell, policy) => {
      if (!takesPrincipals(route)) return
      const bounds = limitsOf(route, policy).some(
        ({ by }) => by.includes('principal') || by.includes('tenant'),
      )
      if (!bounds) tell([], 'bounds no principal, who may come from many addresses: add a limit by principal')
    }),
  },
]
