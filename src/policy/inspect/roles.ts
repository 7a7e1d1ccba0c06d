import { suggestion } from '../../schema/problem.ts'
import type { Draft } from '../draft.ts'
import type { Report } from '../inspect.ts'
import type { Names } from '../names.ts'

export function inspectRoles({ roles }: Draft, names: Names, report: Report): void {
  for (const [role, { inherits, permissions }] of Object.entries(roles)) {
    for (const [index, parent] of inherits.entries()) {
      if (!names.roles.has(parent))
        report(
          ['roles', role, 'inherits', index],
          `\`${parent}\` is not a role: ${suggestion(parent, names.roles)}`,
        )
    }
    for (const [index, permission] of permissions.entries()) {
      if (/[{}]/.test(permission))
        report(
          ['roles', role, 'permissions', index],
          'has a parameter, which only a route can fill: write the value, or `*` as the last segment',
        )
    }
  }
  for (const cycle of cyclesAmong(roles)) {
    report(
      ['roles', cycle[0] ?? '', 'inherits'],
      `is a cycle: ${[...cycle, cycle[0]].join(' -> ')}: let one of them inherit nothing`,
    )
  }
}

/** Each cycle once, in the order of inheritance. */
function cyclesAmong(roles: Draft['roles']): string[][] {
  const cycles: string[][] = []
  const done = new Set<string>()
  for (const start of Object.keys(roles)) {
    const trail: string[] = []
    const walk = (role: string): void => {
      const at = trail.indexOf(role)
      if (at >= 0) {
        cycles.push(trail.slice(at))
        return
      }
      if (done.has(role) || !Object.hasOwn(roles, role)) return
      trail.push(role)
      for (const parent of roles[role]?.inherits ?? []) walk(parent)
      trail.pop()
      done.add(role)
    }
    walk(start)
  }
  return cycles
}
