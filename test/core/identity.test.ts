import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeList, encodeValue, IDENTITY_FIELDS, IdentityPlan, spelled } from '../../src/core/identity.ts'
import type { HeaderLines, Principal } from '../../src/core/model.ts'
import { RoleBook } from '../../src/core/roles.ts'
import { Standings } from '../../src/core/standing.ts'
import { principalOf } from '../support/principal.ts'

const NAMES = {
  id: 'X-Auth-User',
  email: 'X-Auth-Email',
  roles: 'X-Auth-Roles',
  permissions: 'X-Auth-Permissions',
  tenant: 'X-Auth-Tenant',
  method: 'X-Auth-Method',
}
const plan = new IdentityPlan(NAMES)
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

  it('H08 leave visible ASCII as it is but for percent and comma, and encode everything else octet by octet', () => {
    for (let code = 0; code < 0x80; code++) {
      const char = String.fromCharCode(code)
      const plain = code > 0x20 && code < 0x7f && char !== '%' && char !== ','
      const hex = `%${code.toString(16).toUpperCase().padStart(2, '0')}`
      expect(encodeValue(char)).toBe(plain ? char : hex)
      // The same beside a character that needs encoding.
      expect(encodeValue(`é${char}`)).toBe(`%C3%A9${plain ? char : hex}`)
    }
    for (const code of [0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfffd, 0xffff, 0x10000, 0x1f600, 0x10ffff])
      expect(encodeValue(String.fromCodePoint(code))).toBe(encodeURIComponent(String.fromCodePoint(code)))
    for (const code of [0xd800, 0xdbff, 0xdc00, 0xdfff])
      expect(encodeValue(String.fromCharCode(code))).toBe('%EF%BF%BD')
  })

  it('are empty for nobody, and nobody can change that', () => {
    expect(Object.keys(plan.nobody)).toEqual(IDENTITY_FIELDS.map((field) => NAMES[field]))
    expect(new Set(Object.values(plan.nobody))).toEqual(new Set(['']))
    expect(Object.isFrozen(plan.nobody)).toBe(true)
  })

  it('carry what is known, each encoded', () => {
    const who = principal({ email: 'ann,b@example.com', tenant: 'a b', method: 'jwt:é', id: 'ä' })
    expect(headersOf(who)).toMatchObject({
      'X-Auth-User': '%C3%A4',
      'X-Auth-Email': 'ann%2Cb@example.com',
      'X-Auth-Tenant': 'a%20b',
      'X-Auth-Method': 'jwt:%C3%A9',
    })
  })

  it('H08 may be 3 KiB together with their names, and not an octet more', () => {
    const bytes = (who: Principal) =>
      Object.entries(headersOf(who) ?? {}).reduce(
        (sum, [name, value]) => sum + `${name}: ${value}\r\n`.length,
        0,
      )
    const rest = bytes(principal({ id: '' }))
    expect(bytes(principal({ id: 'x'.repeat(3072 - rest) }))).toBe(3072)
    expect(headersOf(principal({ id: 'x'.repeat(3073 - rest) }))).toBeNull()
  })

  it('are sorted by the characters of their values, not by their encoding', () => {
    expect(encodeList(['b', 'a', 'é', 'a!', 'B'])).toBe('B,a,a!,b,%C3%A9')
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

  it('is any spelling with other characters for the hyphens and other letters, and nothing else', () => {
    const managed = Object.values(NAMES).map((name) => name.toLowerCase())
    const oracle = (name: string) => {
      const small = name.replace(/[A-Z]/g, (char) => char.toLowerCase())
      const fits = managed.some((one) => small.replace(/[^a-z0-9]/g, '-') === one)
      return fits && !managed.includes(small) ? name : null
    }
    const char = fc.oneof(fc.constantFrom(...'-_.~`{@[/:09azAZ'), fc.string({ minLength: 1, maxLength: 1 }))
    const spelling = fc.tuple(
      fc.constantFrom(...Object.values(NAMES)),
      fc.array(fc.tuple(fc.nat(20), char), { maxLength: 3 }),
    )
    fc.assert(
      fc.property(spelling, ([name, changes]) => {
        const chars = [...name]
        for (const [at, other] of changes) if (at < chars.length) chars[at] = other
        const changed = chars.join('')
        // Capitals beyond ASCII cannot stand in the name of a header.
        fc.pre(/^[\0-\x7f]*$/.test(changed))
        expect(plan.intruder(lines([changed, 'admin']))).toBe(oracle(changed))
        const covered = managed.includes(changed.toLowerCase().replace(/[^a-z0-9]/g, '-'))
        expect(plan.covers(changed)).toBe(covered)
        expect(plan.intruder(lines(['Connection', `a,${changed}`])) === 'Connection').toBe(
          changed.split(',').some((token) => managed.includes(spelled(token.trim()))),
        )
      }),
      { numRuns: 3000 },
    )
  })

  it.each(['@', '[', '`', '{', '/', ':'])(
    'is told at either end of a name from what stands beside letters and digits: %j',
    (char) => {
      for (const name of ['1', 'a', 'z', '0', '9', 'A', 'Z', '-']) {
        const one = new IdentityPlan({ ...NAMES, id: `${name}x${name}` })
        const odd = `${char}x${char}`
        expect(one.intruder(lines([odd, '']))).toBe(name === '-' ? odd : null)
      }
    },
  )

  it('is looked for in every line of Connection, also the shortest that could name one', () => {
    const short = new IdentityPlan({ ...NAMES, id: 'X-U' })
    expect(short.intruder(lines(['Connection', 'close'], ['Connection', 'x_u']))).toBe('Connection')
    expect(short.intruder(lines(['Connection', 'x-']))).toBeNull()
    expect(short.intruder(lines(['Connection', '']))).toBeNull()
  })
})
