import { Bounded } from './bounded.ts'
import type { Principal } from './model.ts'
import type { Reason } from './reasons.ts'

/** A role as the policy defines it. */
export interface RoleDefinition {
  readonly inherits: readonly string[]
  readonly permissions: readonly string[]
}

/** What a principal may do, with everything inherited worked out. */
export interface Grant {
  readonly roles: ReadonlySet<string>
  readonly permissions: PermissionSet
}

/** Permissions with wildcards: `*` as the last segment stands for one or more further segments. */
export class PermissionSet {
  readonly #exact = new Set<string>()
  /** What stands before each `*`, separator included; the empty text for `*` alone. */
  readonly #prefixes = new Set<string>()

  constructor(permissions: Iterable<string>) {
    for (const permission of permissions) {
      this.#exact.add(permission)
      if (permission === '*' || permission.endsWith(':*') || permission.endsWith('.*')) {
        this.#prefixes.add(permission.slice(0, -1))
      }
    }
  }

  /** Whether `required`, which holds no wildcard, is granted. `:` and `.` are not interchangeable. */
  grants(required: string): boolean {
    if (this.#exact.has(required)) return true
    if (this.#prefixes.size === 0) return false
    if (this.#prefixes.has('')) return true
    for (let i = 0; i < required.length - 1; i++) {
      const char = required[i]
      if ((char === ':' || char === '.') && this.#prefixes.has(required.slice(0, i + 1))) return true
    }
    return false
  }

  /** All permissions as granted, sorted. */
  list(): string[] {
    return [...this.#exact].sort()
  }
}

/** Combinations of roles and permissions that are kept worked out. */
const GRANTS = 1024

/** The roles of a policy, each with everything that it inherits. */
export class RoleBook {
  readonly #closed = new Map<
    string,
    { readonly roles: readonly string[]; readonly permissions: readonly string[] }
  >()
  readonly #grants = new Bounded<string, Grant>(GRANTS)

  /** @param definitions free of cycles and of unknown names: the policy's inspection has seen to it */
  constructor(definitions: ReadonlyMap<string, RoleDefinition>) {
    for (const name of definitions.keys()) {
      const roles = new Set<string>()
      const pending = [name]
      for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
        if (roles.has(next)) continue
        roles.add(next)
        pending.push(...(definitions.get(next)?.inherits ?? []))
      }
      const permissions = [...roles].flatMap((role) => definitions.get(role)?.permissions ?? [])
      this.#closed.set(name, { roles: [...roles], permissions })
    }
  }

  /** What the principal may do. Principals with the same roles and permissions share one grant. */
  grantOf(principal: Principal): Grant {
    const key = `${principal.roles.join(' ')}\n${principal.permissions.join(' ')}`
    const known = this.#grants.get(key)
    if (known !== undefined) return known
    const roles = new Set<string>()
    const permissions = [...principal.permissions]
    for (const role of principal.roles) {
      for (const inherited of this.#closed.get(role)?.roles ?? []) roles.add(inherited)
      permissions.push(...(this.#closed.get(role)?.permissions ?? []))
    }
    const grant = { roles, permissions: new PermissionSet(permissions) }
    this.#grants.set(key, grant)
    return grant
  }
}

/** What a route demands of a principal. Null or empty: nothing. */
export interface Requirements {
  /** Any of these. */
  readonly roles: readonly string[]
  /** All of these, parameters filled in. */
  readonly permissions: readonly PermissionTemplate[]
  /** All of these. */
  readonly scopes: readonly string[]
  /** Name of the parameter that must equal the principal's tenant. */
  readonly tenant: string | null
  readonly authentication: RequiredStrength | null
}

/** Texts and parameters in turn: `mcp:{server}:call` is `mcp:`, server, `:call`. */
export interface PermissionTemplate {
  readonly texts: readonly string[]
  readonly parameters: readonly string[]
}

export interface RequiredStrength {
  /** Any of these in `amr`; empty: any method. */
  readonly methods: readonly string[]
  /** Any of these as `acr`; empty: any context. */
  readonly contexts: readonly string[]
  /** Milliseconds since `auth_time`; null: any age. */
  readonly within: number | null
}

export function permissionTemplate(text: string): PermissionTemplate {
  const parts = text.split(/\{([^{}]*)\}/)
  return { texts: parts.filter((_, i) => i % 2 === 0), parameters: parts.filter((_, i) => i % 2 === 1) }
}

/** A permission with its parameters filled in; null when a value could pass for more than one plain segment. */
export function fill(template: PermissionTemplate, values: Readonly<Record<string, string>>): string | null {
  let text = template.texts[0] ?? ''
  for (const [index, name] of template.parameters.entries()) {
    const value = values[name] ?? ''
    const next = template.texts[index + 1] ?? ''
    if (value === '' || /[/\\*:]/.test(value)) return null
    // In `a.b` style the dot separates, so a value with one would shift the segments behind it.
    if (value.includes('.') && template.texts.some((part) => part.includes('.'))) return null
    text += value + next
  }
  return text
}

/**
 * The first demand that the principal does not meet, in the order tenant, roles, permissions, scopes, strength; null
 * when all are met.
 * @param now milliseconds since the epoch
 */
export function unmet(
  require: Requirements,
  principal: Principal,
  grant: Grant,
  parameters: Readonly<Record<string, string>>,
  now: number,
): Reason | null {
  // A parameter that is not there is no tenant, and a principal without a tenant has none that is not there either.
  if (require.tenant !== null && parameters[require.tenant] !== principal.tenant) return 'tenant_mismatch'
  if (require.roles.length > 0 && !require.roles.some((role) => grant.roles.has(role))) return 'role_missing'
  for (const template of require.permissions) {
    const permission = fill(template, parameters)
    if (permission === null || !grant.permissions.grants(permission)) return 'permission_missing'
  }
  if (!require.scopes.every((scope) => principal.scopes.includes(scope))) return 'scope_missing'
  if (require.authentication !== null && !strongEnough(require.authentication, principal, now)) {
    return 'authentication_insufficient'
  }
  return null
}

function strongEnough(wanted: RequiredStrength, { strength }: Principal, now: number): boolean {
  if (wanted.methods.length > 0 && !wanted.methods.some((method) => strength.methods.includes(method)))
    return false
  if (
    wanted.contexts.length > 0 &&
    (strength.context === null || !wanted.contexts.includes(strength.context))
  )
    return false
  if (wanted.within === null) return true
  return strength.at !== null && now - strength.at * 1000 <= wanted.within
}
