import type { Network } from '../../core/address.ts'
import { routeConflicts } from '../../core/match.ts'
import { hostPattern, parametersOf, pathPattern } from '../../core/pattern.ts'
import { permissionTemplate } from '../../core/roles.ts'
import { suggestion } from '../../schema/problem.ts'
import type { Report } from '../inspect.ts'
import type { Names } from '../names.ts'
import type { Policy, RoutePolicy } from '../schema.ts'
import { splitCredential } from '../sections.ts'

export function inspectRoutes({ routes, limits }: Policy, names: Names, report: Report): void {
  if (Object.keys(routes).length === 0)
    report(['routes'], 'names no route, so everything would be denied: write at least one')
  for (const [name, route] of Object.entries(routes)) {
    const at: Report = (path, message) => report(['routes', name, ...path], message)
    inspectMatch(route, at)
    inspectNetworks(route, at)
    inspectCredentials(route, names, at)
    inspectRequirements(route, names, at)
    inspectLimits(route, limits, names, at)
  }
  const list = Object.entries(routes).map(([name, { match }]) => ({
    name,
    host: match.host ?? null,
    path: match.path,
    methods: match.methods ?? null,
  }))
  for (const { route, with: other, kind } of routeConflicts(list))
    report(['routes', route, 'match'], CONFLICTS[kind](other))
}

const CONFLICTS = {
  duplicate: (other: string) =>
    `matches the same requests as route \`${other}\`: tell them apart by host, path or methods`,
  ambiguous: (other: string) =>
    `overlaps with route \`${other}\` and neither contains the other: make one of them more specific throughout`,
  case: (other: string) =>
    `differs from route \`${other}\` in letter case only, so both would be refused: use one spelling`,
}

function inspectMatch({ match }: RoutePolicy, report: Report): void {
  if (match.methods !== undefined && new Set(match.methods).size < match.methods.length) {
    report(['match', 'methods'], 'names a method twice: name each once')
  }
  const own = match.host === undefined ? [] : parametersOf(hostPattern(match.host))
  if (new Set(own).size < own.length)
    report(['match', 'host'], 'names a parameter twice: give each its own name')
  const path = new Set(parametersOf(pathPattern(match.path)))
  for (const name of own)
    if (path.has(name))
      report(
        ['match', 'path'],
        `names the parameter \`${name}\` that the host has already: give each its own name`,
      )
}

const coversAll = (networks: readonly Network[]): boolean => networks.some(({ prefix }) => prefix === 0)

function inspectNetworks({ networks }: RoutePolicy, report: Report): void {
  if (networks === undefined) return
  if (networks.allow === undefined && networks.deny === undefined)
    report(['networks'], 'names no network: write allow, deny or both')
  if (networks.allow !== undefined && coversAll(networks.allow)) {
    report(['networks', 'allow'], 'allows every address and so says nothing: name networks, or leave it out')
  }
  if (networks.deny !== undefined && coversAll(networks.deny)) {
    report(
      ['networks', 'deny'],
      'denies every address, so nobody could come in: name networks, or leave it out',
    )
  }
}

function inspectCredentials({ credentials }: RoutePolicy, names: Names, report: Report): void {
  for (const [index, entry] of credentials.entries()) {
    if (!names.credentials.has(entry))
      report(
        ['credentials', index],
        `\`${entry}\` is not a credential of this policy: ${suggestion(entry, names.credentials)}`,
      )
    if (credentials.indexOf(entry) < index)
      report(['credentials', index], `\`${entry}\` stands there twice: name it once`)
  }
}

/** Whether nobody but strangers can come in. */
const onlyAnonymous = ({ credentials }: RoutePolicy): boolean =>
  credentials.every((entry) => entry === 'anonymous')

function inspectRequirements(route: RoutePolicy, names: Names, report: Report): void {
  const { require } = route
  for (const [index, role] of require.roles.entries()) {
    if (!names.roles.has(role))
      report(['require', 'roles', index], `\`${role}\` is not a role: ${suggestion(role, names.roles)}`)
  }
  const { match } = route
  const parameters = [
    ...(match.host === undefined ? [] : parametersOf(hostPattern(match.host))),
    ...parametersOf(pathPattern(match.path)),
  ]
  const unknown = (name: string) =>
    `refers to \`{${name}}\`, which neither path nor host define: ${suggestion(name, parameters)}`
  for (const [index, permission] of require.permissions.entries()) {
    const path = ['require', 'permissions', index]
    if (permission.endsWith('*'))
      report(
        path,
        'is a wildcard, which can be granted but not demanded: write the permission that is needed',
      )
    const names = permissionTemplate(permission).parameters
    if (/[{}]/.test(permission.replace(/\{[A-Za-z_][A-Za-z0-9_]*\}/g, '')))
      report(path, 'has a brace without its other half: write {name}')
    else for (const name of names) if (!parameters.includes(name)) report(path, unknown(name))
  }
  const tenant = require.tenant?.slice(1, -1)
  if (tenant !== undefined && !parameters.includes(tenant)) report(['require', 'tenant'], unknown(tenant))
  const { authentication } = require
  if (authentication !== undefined) {
    if (
      authentication.methods.length + authentication.contexts.length === 0 &&
      authentication.within === undefined
    ) {
      report(['require', 'authentication'], 'demands nothing: write methods, contexts or within')
    }
    if (!route.credentials.some((entry) => splitCredential(entry).type === 'jwt')) {
      report(
        ['require', 'authentication'],
        'can only be met by a JWT, and the route accepts none: add jwt:ISSUER',
      )
    }
  }
  const demands = require.roles.length + require.permissions.length + require.scopes.length
  if (onlyAnonymous(route) && (demands > 0 || tenant !== undefined)) {
    report(['require'], 'can never be met, since only strangers come in: add a credential, or demand nothing')
  }
}

function inspectLimits(route: RoutePolicy, limits: Policy['limits'], names: Names, report: Report): void {
  const seen = new Set<string>()
  for (const [index, { use, cost }] of route.limits.entries()) {
    const path = ['limits', index]
    if (!names.limits.has(use)) report(path, `\`${use}\` is not a limit: ${suggestion(use, names.limits)}`)
    if (seen.has(use))
      report(path, `\`${use}\` is charged twice: name it once, with a higher cost if you like`)
    seen.add(use)
    const limit = Object.hasOwn(limits, use) ? limits[use] : undefined
    if (limit === undefined) continue
    const burst = limit.burst ?? limit.rate.count
    if (cost > burst)
      report(
        path,
        `costs ${cost}, more than the burst of ${burst}, so no request would ever pass: lower the cost or raise the burst`,
      )
    if (onlyAnonymous(route) && (limit.by.includes('tenant') || limit.by.includes('principal'))) {
      report(
        path,
        `\`${use}\` counts by ${limit.by.join(' and ')}, and only strangers come in: count by client or route`,
      )
    }
  }
}
