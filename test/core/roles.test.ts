import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Principal } from '../../src/core/model.ts'
import {
  fill,
  PermissionSet,
  permissionTemplate,
  type Requirements,
  RoleBook,
  unmet,
} from '../../src/core/roles.ts'
import { principalOf } from '../support/principal.ts'

const book = new RoleBook(
  new Map([
    ['viewer', { inherits: [], permissions: ['mcp:read'] }],
    ['operator', { inherits: ['viewer'], permissions: ['mcp:execute'] }],
    ['pantheon', { inherits: ['operator'], permissions: ['*'] }],
  ]),
)

describe('roles', () => {
  it('inherit: viewer < operator < pantheon', () => {
    expect([...book.grantOf(principalOf({ roles: ['pantheon'] })).roles].sort()).toEqual([
      'operator',
      'pantheon',
      'viewer',
    ])
    const operator = book.grantOf(principalOf({ roles: ['operator'] }))
    expect(operator.permissions.list()).toEqual(['mcp:execute', 'mcp:read'])
  })

  it('that the policy does not know grant nothing', () => {
    const grant = book.grantOf(principalOf({ roles: ['root', '__proto__', 'constructor'] }))
    expect(grant.roles.size).toBe(0)
    expect(grant.permissions.list()).toEqual([])
  })

  it('are worked out once each, however many ways lead to them', () => {
    const layers = Array.from({ length: 60 }, (_, layer) => [`a${layer}`, `b${layer}`])
    const definitions = new Map(
      layers.flatMap((names, layer) => {
        const inherits = layers[layer + 1] ?? []
        return names.map((name) => [name, { inherits, permissions: [`p:${name}`] }] as const)
      }),
    )
    const grant = new RoleBook(definitions).grantOf(principalOf({ roles: ['a0'] }))
    expect(grant.roles.size).toBe(119)
    expect(grant.permissions.list()).toHaveLength(119)
  })

  it('give a principal the same whoever was asked for before', () => {
    const names = ['a', 'b', 'ab', 'b a', '']
    const definitions = new Map(names.map((name) => [name, { inherits: [], permissions: [`p:${name}`] }]))
    const shared = new RoleBook(definitions)
    const some = fc.subarray(['a', 'b', 'ab'])
    const who = fc.record({ roles: some, permissions: some })
    fc.assert(
      fc.property(fc.array(who, { maxLength: 10 }), (list) => {
        for (const part of list) {
          const [one, two] = [shared, new RoleBook(definitions)].map((each) =>
            each.grantOf(principalOf(part)),
          )
          expect([...(one?.roles ?? [])]).toEqual([...(two?.roles ?? [])])
          expect(one?.permissions.list()).toEqual(two?.permissions.list())
        }
      }),
    )
    const own = shared.grantOf(principalOf({ roles: ['ab'], permissions: ['own:1'] }))
    expect(own.permissions.list()).toEqual(['own:1', 'p:ab'])
    const [one, two] = [principalOf({ roles: ['a'] }), principalOf({ id: 'bob', roles: ['a'] })]
    expect(shared.grantOf(one)).toBe(shared.grantOf(two))
  })
})

describe('permissions', () => {
  it.each([
    ['users:*', 'users:read', true],
    ['users:*', 'users:read:all', true],
    ['users:*', 'users', false],
    ['users:*', 'users.read', false],
    ['users:*', 'usersx:read', false],
    ['users.*', 'users.read', true],
    ['users.*', 'users:read', false],
    ['*', 'anything:at.all', true],
    ['a:*:c', 'a:b:c', false],
    ['users:read', 'users:read', true],
    ['users:read', 'users:rea', false],
    ['users:r*', 'users:read', false],
    ['users:*', 'users:', false],
    ['users.*', 'users.', false],
    ['users:*', ':users:read', false],
    ['*', '', true],
    ['users:read', '*', false],
  ])('%s grants %s: %s', (granted, required, expected) =>
    expect(new PermissionSet([granted]).grants(required)).toBe(expected),
  )

  it('agree with a segment by segment comparison', () => {
    const segment = fc.constantFrom('a', 'b', '*')
    const text = fc.tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.constantFrom(':', '.'))
    fc.assert(
      fc.property(fc.array(text, { maxLength: 4 }), text, (granted, [required, separator]) => {
        const plain = required.map((part) => (part === '*' ? 'c' : part))
        const expected = granted.some(([parts, other]) => {
          const wild = parts.at(-1) === '*'
          if (parts.length === 1 && wild) return true
          if (other !== separator && (parts.length > 1 || plain.length > 1)) return false
          const fixed = wild ? parts.slice(0, -1) : parts
          if (wild ? plain.length <= fixed.length : plain.length !== fixed.length) return false
          return fixed.every((part, i) => part === plain[i])
        })
        const set = new PermissionSet(granted.map(([parts, other]) => parts.join(other)))
        expect(set.grants(plain.join(separator))).toBe(expected)
      }),
      { numRuns: 2000 },
    )
  })

  it('are listed as they were granted, in order and once', () => {
    expect(new PermissionSet(['b:*', 'a', 'b:*', '*']).list()).toEqual(['*', 'a', 'b:*'])
  })

  it('are taken apart at their parameters', () => {
    expect(permissionTemplate('mcp:read')).toEqual({ texts: ['mcp:read'], parameters: [] })
    expect(permissionTemplate('mcp:{server}:call')).toEqual({
      texts: ['mcp:', ':call'],
      parameters: ['server'],
    })
    expect(permissionTemplate('{a}:{b}')).toEqual({ texts: ['', ':', ''], parameters: ['a', 'b'] })
  })

  it('are filled with all parameters in their places, or not at all', () => {
    const template = permissionTemplate('{a}:x:{b}')
    expect(fill(template, { a: '1', b: '2', c: '3' })).toBe('1:x:2')
    expect(fill(template, { a: '1' })).toBeNull()
    expect(fill(template, { b: '2' })).toBeNull()
    expect(fill(permissionTemplate('x:y'), {})).toBe('x:y')
    expect(fill(permissionTemplate('a.b:{a}'), { a: 'x' })).toBe('a.b:x')
    expect(fill(permissionTemplate('a.b:{a}'), { a: '.' })).toBeNull()
  })

  it('are filled from path parameters, but not with a value that could pass for more than a segment', () => {
    const template = permissionTemplate('mcp:{server}:call')
    expect(fill(template, { server: 'git' })).toBe('mcp:git:call')
    expect(fill(template, { server: 'git.hub' })).toBe('mcp:git.hub:call')
    for (const server of ['a:b', 'a/b', 'a\\b', '*', '', 'a*']) expect(fill(template, { server })).toBeNull()
    expect(fill(permissionTemplate('mcp.{server}.call'), { server: 'a.b' })).toBeNull()
  })
})

const nothing: Requirements = { roles: [], permissions: [], scopes: [], tenant: null, authentication: null }
const check = (
  require: Partial<Requirements>,
  who: Partial<Principal>,
  parameters: Record<string, string> = {},
  now = 0,
) => {
  const one = principalOf(who)
  return unmet({ ...nothing, ...require }, one, book.grantOf(one), parameters, now)
}

describe('requirements', () => {
  it('ask for any of the roles, all of the permissions and all of the scopes', () => {
    expect(check({ roles: ['viewer', 'nobody'] }, { roles: ['operator'] })).toBeNull()
    expect(check({ roles: ['pantheon'] }, { roles: ['operator'] })).toBe('role_missing')
    const permissions = [permissionTemplate('mcp:read'), permissionTemplate('mcp:execute')]
    expect(check({ permissions }, { roles: ['operator'] })).toBeNull()
    expect(check({ permissions }, { roles: ['viewer'] })).toBe('permission_missing')
    expect(check({ scopes: ['a', 'b'] }, { scopes: ['b', 'a', 'c'] })).toBeNull()
    expect(check({ scopes: ['a', 'b'] }, { scopes: ['a'] })).toBe('scope_missing')
  })

  it('compare the tenant with a parameter, and a principal without a tenant never fits', () => {
    expect(check({ tenant: 'org' }, { tenant: 'acme' }, { org: 'acme' })).toBeNull()
    expect(check({ tenant: 'org' }, { tenant: 'acme' }, { org: 'evil' })).toBe('tenant_mismatch')
    expect(check({ tenant: 'org' }, { tenant: null }, { org: '' })).toBe('tenant_mismatch')
    expect(check({ tenant: 'org' }, { tenant: '' }, {})).toBe('tenant_mismatch')
  })

  it('ask for a second factor, a context and a recent sign-in (RFC 9470)', () => {
    const authentication = { methods: ['otp', 'hwk'], contexts: [], within: 300_000 }
    const at = (methods: string[], seconds: number | null) =>
      check({ authentication }, { strength: { methods, context: null, at: seconds } }, {}, 1_000_000_000)
    expect(at(['pwd', 'otp'], 999_800)).toBeNull()
    expect(at(['pwd'], 999_800)).toBe('authentication_insufficient')
    expect(at(['otp'], 999_699)).toBe('authentication_insufficient')
    expect(at(['otp'], null)).toBe('authentication_insufficient')
    const context = { methods: [], contexts: ['gold'], within: null }
    expect(
      check({ authentication: context }, { strength: { methods: [], context: 'gold', at: null } }),
    ).toBeNull()
    expect(check({ authentication: context }, {})).toBe('authentication_insufficient')
  })

  it('are judged in the order tenant, roles, permissions, scopes, strength, and the first unmet one is told', () => {
    const REASONS = [
      ...[
        'tenant_mismatch',
        'role_missing',
        'permission_missing',
        'scope_missing',
        'authentication_insufficient',
      ],
    ]
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('none', 'met', 'unmet'), { minLength: 5, maxLength: 5 }),
        (states) => {
          const [tenant, roles, permissions, scopes, strength] = states
          const require: Partial<Requirements> = {
            tenant: tenant === 'none' ? null : 'org',
            roles: roles === 'none' ? [] : [roles === 'met' ? 'viewer' : 'operator'],
            permissions:
              permissions === 'none'
                ? []
                : [permissionTemplate(permissions === 'met' ? 'mcp:read' : 'mcp:x')],
            scopes: scopes === 'none' ? [] : [scopes === 'met' ? 'a' : 'b'],
            authentication:
              strength === 'none'
                ? null
                : { methods: [strength === 'met' ? 'otp' : 'hwk'], contexts: [], within: null },
          }
          const who = {
            ...{ tenant: 'acme', roles: ['viewer'], scopes: ['a'] },
            strength: { methods: ['otp'], context: null, at: null },
          }
          const first = states.indexOf('unmet')
          expect(check(require, who, { org: tenant === 'met' ? 'acme' : 'evil' })).toBe(
            REASONS[first] ?? null,
          )
        },
      ),
      { numRuns: 300 },
    )
  })

  it('take any of the methods, any of the contexts, and a sign-in to the very end of its time', () => {
    const judged = (authentication: Requirements['authentication'], strength: Principal['strength']) =>
      check({ authentication }, { strength }, {}, 1_000_000)
    const none = { methods: [], contexts: [], within: null }
    const nobody = { methods: [], context: null, at: null }
    const no = 'authentication_insufficient'
    expect(judged(none, nobody)).toBeNull()
    expect(judged({ ...none, methods: ['otp', 'hwk'] }, { ...nobody, methods: ['hwk'] })).toBeNull()
    expect(judged({ ...none, methods: ['otp'] }, nobody)).toBe(no)
    expect(judged({ ...none, contexts: ['gold', 'silver'] }, { ...nobody, context: 'silver' })).toBeNull()
    expect(judged({ ...none, contexts: ['gold'] }, { ...nobody, context: 'lead' })).toBe(no)
    expect(judged({ ...none, within: 1000 }, { ...nobody, at: 999 })).toBeNull()
    expect(judged({ ...none, within: 1000 }, { ...nobody, at: 998 })).toBe(no)
    expect(judged({ ...none, within: 0 }, { ...nobody, at: 1000 })).toBeNull()
    expect(judged({ ...none, within: 1_000_000 }, nobody)).toBe(no)
  })
})
