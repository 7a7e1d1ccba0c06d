import { hostPattern, parametersOf, pathPattern } from '../../core/pattern.ts'
import { permissionTemplate } from '../../core/roles.ts'
import { suggestion } from '../../schema/problem.ts'
import type { DraftRoute } from '../draft.ts'
import type { Report } from '../inspect.ts'
import type { Names } from '../names.ts'
import { splitCredential } from '../sections.ts'
import { onlyStrangers } from './strangers.ts'

export function inspectRequirements(route: DraftRoute, names: Names, report: Report): void {
  const { require } = route
  for (const [index, role] of require.roles.entries()) {
    if (!names.roles.has(role))
      report(['require', 'roles', index], `\`${role}\` is not a role: ${suggestion(role, names.roles)}`)
  }
  inspectParameters(route, report)
  inspectAuthentication(route, report)
  const demands = require.roles.length + require.permissions.length + require.scopes.length
  if (onlyStrangers(route) && (demands > 0 || require.tenant !== undefined)) {
    report(['require'], 'can never be met, since only strangers come in: add a credential, or demand nothing')
  }
}

/** Parameters of host and path; null where one of them could not be read, and so what it defines. */
function parametersIn({ match }: DraftRoute): readonly string[] | null {
  if (match?.path === undefined) return null
  const ofHost = match.host === undefined ? [] : parametersOf(hostPattern(match.host))
  return [...ofHost, ...parametersOf(pathPattern(match.path))]
}

function inspectParameters(route: DraftRoute, report: Report): void {
  const { permissions, tenant } = route.require
  const parameters = parametersIn(route)
  const inspectName = (path: readonly (string | number)[], name: string) => {
    if (parameters !== null && !parameters.includes(name))
      report(
        path,
        `refers to \`{${name}}\`, which neither path nor host define: ${suggestion(name, parameters)}`,
      )
  }
  for (const [index, permission] of permissions.entries()) {
    const path = ['require', 'permissions', index]
    if (permission.endsWith('*'))
      report(
        path,
        'is a wildcard, which can be granted but not demanded: write the permission that is needed',
      )
    if (/[{}]/.test(permission.replace(/\{[A-Za-z_][A-Za-z0-9_]*\}/g, '')))
      report(path, 'has a brace that is no parameter: write {name}')
    else for (const name of permissionTemplate(permission).parameters) inspectName(path, name)
  }
  if (tenant !== undefined) inspectName(['require', 'tenant'], tenant.slice(1, -1))
}

function inspectAuthentication(
  { credentials, require: { authentication } }: DraftRoute,
  report: Report,
): void {
  if (authentication === undefined) return
  const { methods, contexts, within } = authentication
  if (methods.length + contexts.length === 0 && within === undefined) {
    report(['require', 'authentication'], 'demands nothing: write methods, contexts or within')
  }
  if (credentials?.every((entry) => splitCredential(entry).type !== 'jwt') === true) {
    report(
      ['require', 'authentication'],
      'can only be met by a JWT, and the route accepts none: add jwt:ISSUER',
    )
  }
}
