import { routeConflicts } from '../../core/match.ts'
import { hostPattern, parametersOf, pathPattern } from '../../core/pattern.ts'
import { CREDENTIALS } from '../../credentials/index.ts'
import { nearest, suggestion } from '../../schema/problem.ts'
import type { Draft, DraftRoute } from '../draft.ts'
import type { Report } from '../inspect.ts'
import type { Names } from '../names.ts'
import { splitCredential } from '../sections.ts'
import { inspectCharges } from './charges.ts'
import { inspectNetworks } from './networks.ts'
import { inspectRequirements } from './requirements.ts'

export function inspectRoutes({ routes = {}, limits }: Draft, names: Names, report: Report): void {
  if (names.routes.size === 0)
    report(['routes'], 'names no route, so everything would be denied: write at least one')
  for (const [name, route] of Object.entries(routes)) {
    const at: Report = (path, message) => report(['routes', name, ...path], message)
    inspectMatch(route, at)
    inspectNetworks(route, at)
    inspectCredentials(route, names, at)
    inspectRequirements(route, names, at)
    inspectCharges(route, limits, names, at)
  }
  const list = Object.entries(routes).flatMap(([name, { match }]) =>
    match?.path === undefined
      ? []
      : [{ name, host: match.host ?? null, path: match.path, methods: match.methods ?? null }],
  )
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

function inspectMatch({ match }: DraftRoute, report: Report): void {
  const own = match?.host === undefined ? [] : parametersOf(hostPattern(match.host))
  if (new Set(own).size < own.length)
    report(['match', 'host'], 'names a parameter twice: give each its own name')
  if (match?.path === undefined) return
  const path = new Set(parametersOf(pathPattern(match.path)))
  for (const name of new Set(own))
    if (path.has(name))
      report(
        ['match', 'path'],
        `names the parameter \`${name}\` that the host has already: give each its own name`,
      )
}

function inspectCredentials({ credentials = [] }: DraftRoute, names: Names, report: Report): void {
  for (const [index, entry] of credentials.entries()) {
    if (!names.credentials.has(entry))
      report(
        ['credentials', index],
        `\`${entry}\` is not a credential of this policy: ${remedyFor(entry, names.credentials)}`,
      )
  }
}

/** What to write in place of an entry that names no credential of the policy. */
function remedyFor(entry: string, known: ReadonlySet<string>): string {
  const { type: name, variant } = splitCredential(entry)
  const type = CREDENTIALS.find(({ type }) => type === name)
  if (type === undefined || nearest(entry, known) !== null) {
    const near =
      nearest(entry, known) ??
      nearest(
        name,
        CREDENTIALS.map(({ type }) => type),
      )
    return near === null ? suggestion(entry, known) : `did you mean \`${near}\`?`
  }
  if (variant !== null && known.has(name)) return `write \`${name}\` alone`
  const own = [...known].filter((one) => splitCredential(one).type === name)
  if (own.length > 0) return `write ${own.map((one) => `\`${one}\``).join(' or ')}`
  return `the section \`${type.section?.name}\` defines none: add it there, or remove it here`
}
