import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeList, encodeValue, IdentityPlan } from '../../src/core/identity.ts'
import type { HeaderLines, Principal } from '../../src/core/model.ts'
import { RoleBook } from '../../src/core/roles.ts'
import { Standings } from '../../src/core/standing.ts'
import { principalOf } from '../support/principal.ts'

const plan = new IdentityPlan({
  id: 'X-Auth-User',
  email: 'X-Auth-Email',
  roles: 'X-Auth-Roles',
  permissions: 'X-Auth-Permissions',
  tenant: 'X-Auth-Tenant',
  method: 'X-Auth-Method',
})
const book = new RoleBook(
  new Map([
    ['b', { inherits: ['a'], permissions: ['z:1', 'a:1'] }],
    ['a', { inherits: [], permissions: [] }],
  ]),
)
const principal = (part: Partial<Principal> = {}) =>
  principalOf({ method: 'jwt:company', roles: ['b'], ...part })
const headersOf = (who: Principal) => plan.headersOf(who, book.grantOf(who))
const lines = (...pairs: [string, string][]): HeaderLines => ({
  lines: (name) => pairs.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value),
  names: () => pairs.map(([name]) => name),
})

describe('identity headers', () => {
  it('are all there, empty when unknown, with inherited roles and sorted lists', () => {
    expect(headersOf(principal())).toEqual({
      'X-Auth-User': 'ann',
      'X-Auth-Email': '',
      'X-Auth-Roles': 'a,b',
      'X-Auth-Permissions': 'a:1,z:1',
      'X-Auth-Tenant': '',
      'X-Auth-Method': 'jwt:company',
    })
  })

  it('H08 hold visible ASCII only, and decode to the value that went in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const encoded = encodeValue(value)
        expect(encoded).toMatch(/^[\x21-\x7e]*$/)
        expect(encoded).not.toContain(',')
        expect(decodeURIComponent(encoded)).toBe(value.toWellFormed())
      }),
    )
    expect(encodeValue('a\r\nX-Evil: 1')).toBe('a%0D%0AX-Evil:%201')
    expect(encodeValue('\x0b\x7f€é')).toBe('%0B%7F%E2%82%AC%C3%A9')
  })

  it('keep a comma within an item apart from one between items', () => {
    expect(encodeList(['b,c', 'a', 'a'])).toBe('a,b%2Cc')
  })

  it('H08 are never cut: beyond 3 KiB there are none', () => {
    expect(headersOf(principal({ id: 'x'.repeat(2700) }))).not.toBeNull()
    expect(headersOf(principal({ id: 'x'.repeat(3072) }))).toBeNull()
    expect(
      headersOf(principal({ permissions: Array.from({ length: 1000 }, (_, i) => `group:${i}`) })),
    ).toBeNull()
  })

  it('are worked out once for a principal', () => {
    const who = principal()
    const standings = new Standings(book, plan)
    expect(standings.of(who)).toBe(standings.of(who))
  })
})

describe('an intruder among the headers', () => {
  it.each(['X_Auth_User', 'x-auth_user', 'X.Auth.User', 'X~Auth~Roles', "x'auth'tenant", 'X-Auth_Email'])(
    'H02 is the alias %s (CVE-2025-64484, CVE-2026-39858, CVE-2026-88011)',
    (name) => expect(plan.intruder(lines(['Host', 'a'], [name, 'admin']))).toBe(name),
  )

  it.each(['X-Auth-User', 'close, x-auth-user', 'keep-alive , X_Auth_Roles'])(
    'is a managed name in Connection: %s (CVE-2025-48865)',
    (value) => expect(plan.intruder(lines(['Connection', value]))).toBe('Connection'),
  )

  it('is not the managed name itself, which is overwritten, nor any other header', () => {
    const own: [string, string][] = [
      ['X-Auth-User', 'admin'],
      ['x-auth-roles', 'admin'],
      ['X-Auth-Users', '1'],
      ['X_Other_Name', '1'],
      ['Connection', 'keep-alive, Upgrade'],
    ]
    expect(plan.intruder(lines(...own))).toBeNull()
  })
})
