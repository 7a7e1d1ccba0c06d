import { CREDENTIALS } from '../credentials/index.ts'
import type { Path } from '../schema/problem.ts'
import { inspectCredentials } from './inspect/credentials.ts'
import { inspectIdentity } from './inspect/identity.ts'
import { inspectLimits } from './inspect/limits.ts'
import { inspectListeners } from './inspect/listeners.ts'
import { inspectProxies } from './inspect/proxies.ts'
import { inspectRoles } from './inspect/roles.ts'
import { inspectRoutes } from './inspect/routes.ts'
import type { Names } from './names.ts'
import type { Policy } from './schema.ts'

export type Report = (path: Path, message: string) => void

/** Reports everything that is wrong across the sections of a policy whose form is right. */
export function inspect(policy: Policy, data: unknown, report: Report): void {
  const names = namesIn(data)
  for (const one of [
    inspectListeners,
    inspectProxies,
    inspectRoles,
    inspectLimits,
    inspectCredentials,
    inspectIdentity,
    inspectRoutes,
  ]) {
    one(policy, names, report)
  }
}

const keysOf = (value: unknown): string[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : []

function namesIn(data: unknown): Names {
  const section = (name: string): unknown =>
    typeof data === 'object' && data !== null && Object.hasOwn(data, name)
      ? (data as Record<string, unknown>)[name]
      : undefined
  const credentials = CREDENTIALS.flatMap(({ type, section: own, variants }) => {
    if (own === null) return [type]
    const value = section(own.name)
    if (value === undefined) return []
    return variants({}) === null ? [type] : keysOf(value).map((variant) => `${type}:${variant}`)
  })
  return {
    roles: new Set(keysOf(section('roles'))),
    limits: new Set(keysOf(section('limits'))),
    credentials: new Set(credentials),
  }
}
