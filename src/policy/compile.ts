import { type Address, AddressSet } from '../core/address.ts'
import { DenyCache } from '../core/deny-cache.ts'
import type { ConnectionBounds, Engine, ProxyEntry, Route, RouteCredential } from '../core/engine.ts'
import { IdentityPlan } from '../core/identity.ts'
import { isClientLimit, type Limit, type LimitUse } from '../core/limit.ts'
import { RouteTable } from '../core/match.ts'
import type { Places, Rule } from '../core/place.ts'
import { permissionTemplate, type Requirements, RoleBook } from '../core/roles.ts'
import { Standings } from '../core/standing.ts'
import type { Building, BuiltAuthenticator, Outside } from '../credentials/contract.ts'
import { CREDENTIALS } from '../credentials/index.ts'
import { PROXIES } from '../proxies/index.ts'
import { secretOf } from '../schema/secret.ts'
import { limitOf, penaltyOf } from './limit.ts'
import type { ProxyPolicy } from './schema/proxies.ts'
import type { Policy, RoutePolicy } from './schema.ts'
import { sectionOf, splitCredential } from './sections.ts'

/** What compiling asks of the runtime. */
export interface CompileOutside extends Outside {
  /** Compares without telling by its duration where the texts differ. */
  equalText(a: string, b: string): boolean
  /** Whether it tells who opened a connection. */
  readonly seesPeers: boolean
  /** Processes of this service on this host. */
  readonly processes: number
}

/** An engine, and what in it has a life of its own. */
export interface Compiled {
  readonly engine: Engine
  readonly authenticators: readonly BuiltAuthenticator[]
  /** Parts with caches, by what defines them: the next policy takes over those that it defines alike. */
  readonly kept: ReadonlyMap<string, unknown>
}

/** Methods in common use (RFC 9110 section 9, RFC 5789, WebDAV); others are known once a route names them. */
const METHODS = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY'],
  ...['PROPFIND', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'REPORT', 'SEARCH'],
]

/** Clients whose denial is remembered. */
const DENIALS = 65_536

/** Turns a policy that has passed every check into an engine. @param previous what is in force now, null at the start */
export function compile(policy: Policy, outside: CompileOutside, previous: Compiled | null = null): Compiled {
  const limits = new Map(Object.entries(policy.limits).map(([name, limit]) => [name, limitOf(name, limit)]))
  const kept = new Map<string, unknown>()
  // Authenticators hold on to what they were built with. Through it they must not hold the policy before, and through
  // that all that ever were in force, with every token that these had verified.
  let takenOver = previous?.kept ?? null
  const building: Building = {
    outside,
    roles: new Set(Object.keys(policy.roles)),
    limits: new Set(limits.keys()),
    limitUse: (name) => ({ limit: known(limits, name), cost: 1 }),
    keep: (definition, make) => {
      const part = takenOver?.get(definition) ?? make()
      kept.set(definition, part)
      return part as ReturnType<typeof make>
    },
  }
  const authenticators = authenticatorsOf(policy, building)
  const alike = new Alike()
  const routes = Object.entries(policy.routes).map(([name, route]) => ({
    route: routeOf(name, route, limits, authenticators, alike),
    match: { host: route.match.host ?? null, path: route.match.path, methods: route.match.methods ?? null },
  }))
  const identity = new IdentityPlan(policy.identity.headers)
  const engine: Engine = {
    proxies: proxiesOf(policy, outside),
    trustedHops: new AddressSet(policy.trustedHops),
    methods: new Set([...METHODS, ...routes.flatMap(({ match }) => match.methods ?? [])]),
    routes: new RouteTable(routes),
    identity,
    standings: new Standings(new RoleBook(new Map(Object.entries(policy.roles))), identity),
    denials: new DenyCache(DENIALS),
    penalty: penaltyOf(policy),
    connections: connectionsOf(policy),
    instances: (policy.store?.instances ?? 1) * outside.processes,
  }
  takenOver = null
  return { engine, authenticators: [...authenticators.values()], kept }
}

/** A name that inspection has found to exist. */
function known<Value>(map: ReadonlyMap<string, Value>, name: string): Value {
  const value = map.get(name)
  if (value === undefined) throw new Error(`${name} passed inspection but is not defined`)
  return value
}

function authenticatorsOf(policy: Policy, building: Building): Map<string, BuiltAuthenticator> {
  const built = new Map<string, BuiltAuthenticator>()
  for (const type of CREDENTIALS) {
    const section = sectionOf(policy, type)
    if (type.section === null || section !== undefined) built.set(type.type, type.create(section, building))
  }
  return built
}

function proxiesOf({ proxies }: Policy, outside: CompileOutside): ReadonlyMap<string, ProxyEntry> {
  const entries = new Map<string, ProxyEntry>()
  for (const [name, proxy] of Object.entries(proxies)) {
    const type = PROXIES[name]
    if (proxy === undefined || type === undefined) continue
    const { country = null, asn = null } = proxy.place ?? {}
    entries.set(name, {
      // What the type's own fields are, only it knows.
      adapter: type.adapter(proxy as Parameters<typeof type.adapter>[0]),
      trusts: trustOf(proxy, outside),
      place:
        proxy.place === undefined
          ? null
          : { country: country?.toLowerCase() ?? null, asn: asn?.toLowerCase() ?? null },
    })
  }
  return entries
}

/** Everything that stands in the entry must hold, and something must. A runtime that sees no peer goes by the rest. */
function trustOf(proxy: ProxyPolicy, { equalText, seesPeers }: CompileOutside): ProxyEntry['trusts'] {
  const peers = proxy.peers === undefined || !seesPeers ? null : new AddressSet(proxy.peers)
  const expected = proxy.secret === undefined ? null : secretOf(proxy.secret)
  const certificates =
    proxy.certificates === undefined
      ? null
      : new Set(proxy.certificates.map((digest) => digest.slice('sha256:'.length)))
  if (peers === null && expected === null && certificates === null) return () => false
  return (evidence) => {
    const { peer, headers } = evidence
    if (peers !== null && (peer === null || !peers.has(peer))) return false
    if (certificates !== null) {
      const presented = evidence.certificate()
      if (presented === null || !certificates.has(presented)) return false
    }
    if (expected === null) return true
    const [line, ...others] = headers.lines('x-postern-secret')
    return line !== undefined && others.length === 0 && equalText(line, expected)
  }
}

function routeOf(
  name: string,
  route: RoutePolicy,
  limits: ReadonlyMap<string, Limit>,
  authenticators: ReadonlyMap<string, BuiltAuthenticator>,
  alike: Alike,
): Route {
  const credentials = () => credentialsOf(route, authenticators)
  return {
    name,
    networks: networksOf(route),
    places: placesOf(route),
    origins: route.origins === undefined ? null : new Set(route.origins),
    credentials: alike.once('credentials', route.credentials, credentials),
    ...alike.once('require', route.require, () => {
      const require = requirementsOf(route)
      return { require, parameters: parametersUsed(require) }
    }),
    ...alike.once('limits', route.limits, () => usesOf(route, limits)),
    preflight: route.preflight === 'allow',
  }
}

/**
 * What routes have alike is one object for all of them: among ten thousand routes most of what a decision reads has
 * then been read by the one before, and is still at hand.
 */
class Alike {
  readonly #made = new Map<string, unknown>()

  /** @param definition plain data: what is written alike is made once */
  once<Part>(kind: string, definition: unknown, make: () => Part): Part {
    const key = `${kind} ${JSON.stringify(definition)}`
    const part = (this.#made.get(key) as Part | undefined) ?? make()
    this.#made.set(key, part)
    return part
  }
}

function usesOf(
  route: RoutePolicy,
  limits: ReadonlyMap<string, Limit>,
): Pick<Route, 'limits' | 'clientLimits' | 'furtherLimits'> {
  const uses: LimitUse[] = route.limits.map(({ use, cost }) => ({ limit: known(limits, use), cost }))
  return {
    limits: uses,
    clientLimits: uses.filter(({ limit }) => isClientLimit(limit)),
    furtherLimits: uses.filter(({ limit }) => !isClientLimit(limit)),
  }
}

/** One entry for each credential type, with all that the route lists behind the colon. */
function credentialsOf(
  { credentials }: RoutePolicy,
  authenticators: ReadonlyMap<string, BuiltAuthenticator>,
): readonly RouteCredential[] {
  const byType = Map.groupBy(credentials.map(splitCredential), ({ type }) => type)
  return [...byType].map(([type, entries]) => {
    const variants = entries.flatMap(({ variant }) => variant ?? [])
    return {
      authenticator: known(authenticators, type),
      variants: variants.length === 0 ? null : new Set(variants),
    }
  })
}

function networksOf({ networks }: RoutePolicy): Rule<Address> | null {
  if (networks === undefined) return null
  return {
    allow: networks.allow === undefined ? null : new AddressSet(networks.allow),
    deny: networks.deny === undefined ? null : new AddressSet(networks.deny),
  }
}

function placesOf({ countries, asns }: RoutePolicy): Places | null {
  if (countries === undefined && asns === undefined) return null
  return { countries: ruleOf(countries), asns: ruleOf(asns) }
}

function ruleOf<Value>(
  rule:
    | { readonly allow?: readonly Value[] | undefined; readonly deny?: readonly Value[] | undefined }
    | undefined,
): Rule<Value> | null {
  if (rule === undefined) return null
  const setOf = (values: readonly Value[] | undefined) => (values === undefined ? null : new Set(values))
  return { allow: setOf(rule.allow), deny: setOf(rule.deny) }
}

function connectionsOf({ routes }: Policy): ReadonlyMap<string, ConnectionBounds> {
  return new Map(
    Object.entries(routes).flatMap(([name, { connections }]) =>
      connections === undefined
        ? []
        : [[name, { client: connections.client ?? null, principal: connections.principal ?? null }]],
    ),
  )
}

function requirementsOf({ require }: RoutePolicy): Requirements {
  const { authentication } = require
  return {
    roles: require.roles,
    permissions: require.permissions.map(permissionTemplate),
    scopes: require.scopes,
    tenant: require.tenant?.slice(1, -1) ?? null,
    authentication:
      authentication === undefined ? null : { ...authentication, within: authentication.within ?? null },
  }
}

function parametersUsed({ permissions, tenant }: Requirements): readonly string[] {
  return [
    ...new Set([
      ...permissions.flatMap(({ parameters }) => parameters),
      ...(tenant === null ? [] : [tenant]),
    ]),
  ]
}
