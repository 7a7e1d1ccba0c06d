import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ClaimNames,
  claimOf,
  isClaimName,
  principalMaker,
} from '../../../src/credentials/jwt/principal.ts'

const NAMES: ClaimNames = {
  id: 'sub',
  email: null,
  roles: null,
  permissions: null,
  scopes: null,
  tenant: null,
}
const make = (payload: object, names: Partial<ClaimNames> = {}, now = 1_000_000, clockSkew = 5_000) =>
  principalMaker(
    { issuer: 'i', method: 'jwt:m', clockSkew },
    { ...NAMES, ...names },
    new Set(['admin', 'user']),
  )({ sub: 'ann', ...payload }, now)

describe('the name of a claim', () => {
  it.each(['sub', 'a.b', 'https://example.com/roles', 'a~b', '/a', '/', '/a~0b/~1', '~'])(
    'can be read: %s',
    (name) => expect(isClaimName(name)).toBe(true),
  )
  it.each(['', '/~', '/~2', '/a~/b', '/a~01~', '/~~0'])('cannot be read: %j', (name) =>
    expect(isClaimName(name)).toBe(false),
  )

  it('is a JSON Pointer with a slash before it, and finds every member that RFC 6901 says', () => {
    // Section 5 of the RFC.
    const document = {
      foo: ['bar', 'baz'],
      '': 0,
      'a/b': 1,
      'c%d': 2,
      'e^f': 3,
      'g|h': 4,
      'i\\j': 5,
      'k"l': 6,
      ' ': 7,
      'm~n': 8,
    }
    const pointers = ['/foo', '/foo/0', '/', '/a~1b', '/c%d', '/e^f', '/g|h', '/i\\j', '/k"l', '/ ', '/m~0n']
    expect(pointers.map((pointer) => claimOf(pointer)(document))).toEqual([
      ['bar', 'baz'],
      'bar',
      0,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
    ])
  })

  it('reads back what was put under any names', () => {
    const name = fc.oneof(
      fc.constantFrom('~', '/', '~1', '~0', '~01', '', 'a', '__proto__', '0'),
      fc.string({ maxLength: 3 }),
    )
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (names) => {
        const payload = names.reduceRight<unknown>(
          (value, each) => Object.fromEntries([[each, value]]),
          'found',
        )
        const pointer = names.map((each) => `/${each.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
        expect(isClaimName(pointer)).toBe(true)
        expect(claimOf(pointer)(payload as Record<string, unknown>)).toBe('found')
      }),
    )
  })

  it('finds nothing that is not there itself', () => {
    const payload = { list: ['a', 'b'], text: 'abc', none: null }
    for (const pointer of [
      '/list/-',
      '/list/01',
      '/list/2',
      '/list/+1',
      '/list/1x',
      '/list/x1',
      '/list/length',
      '/list/1000000',
    ])
      expect(claimOf(pointer)(payload)).toBeUndefined()
    for (const pointer of ['/text/0', '/text/length', '/none/a', '/toString', '/list/a', '/constructor'])
      expect(claimOf(pointer)(payload)).toBeUndefined()
    expect(claimOf('toString')(payload)).toBeUndefined()
    expect(claimOf(null)(payload)).toBeUndefined()
    expect(claimOf('/list/1')(payload)).toBe('b')
    expect(claimOf('/10')(Array.from({ length: 11 }, (_, i) => i) as never)).toBe(10)
    expect(claimOf('/100000')({ 100000: 'x' })).toBe('x')
  })
})

describe('the principal of a token', () => {
  it('is who it says, in the name of the issuer, and knows nothing that is not said', () => {
    expect(make({})).toEqual({
      id: 'ann',
      issuer: 'i',
      type: 'jwt',
      method: 'jwt:m',
      tenant: null,
      email: null,
      roles: [],
      permissions: [],
      scopes: [],
      strength: { methods: [], context: null, at: null },
      limits: [],
      credential: { id: null, session: null, issued: null },
    })
  })

  it('is what the token says where the policy says', () => {
    const payload = { e: 'a@b', r: 'user', p: ['x:y'], s: 'q', t: 'acme', jti: 'j', sid: 's', iat: 5 }
    expect(
      make(payload, { email: 'e', roles: 'r', permissions: 'p', scopes: 's', tenant: 't' }),
    ).toMatchObject({
      ...{ tenant: 'acme', email: 'a@b', roles: ['user'], permissions: ['x:y'], scopes: ['q'] },
      credential: { id: 'j', session: 's', issued: 5 },
    })
  })

  it('has no empty tenant, address, id or session, and no date that is not a finite number', () => {
    const empty = { e: '', t: '', jti: '', sid: '', iat: Number.NaN, acr: '' }
    expect(make(empty, { email: 'e', tenant: 't' })).toMatchObject({
      ...{ tenant: null, email: null, strength: { context: null } },
      credential: { id: null, session: null, issued: null },
    })
    expect(make({ jti: 1, sid: {}, iat: '5', acr: 1 })).toMatchObject({
      strength: { context: null },
      credential: { id: null, session: null, issued: null },
    })
    expect(make({ iat: Number.POSITIVE_INFINITY })?.credential.issued).toBeNull()
  })

  it('has its words once each, from an array or a text, and none from anything else', () => {
    const scopes = (scope: unknown) => make({ scope })?.scopes
    expect(scopes('a  b a ')).toEqual(['a', 'b'])
    expect(scopes(['b', '', 'a b', 'b'])).toEqual(['b', 'a b'])
    for (const odd of ['', ' ', [], [''], ['a', 1], { 0: 'a' }, 1, null, undefined])
      expect(scopes(odd)).toEqual([])
  })

  it('takes scope before scp, also where scope is empty, and neither where the policy names another claim', () => {
    expect(make({ scope: '', scp: 'b' })?.scopes).toEqual([])
    expect(make({ scope: null, scp: 'b' })?.scopes).toEqual(['b'])
    expect(make({ scope: 'a', scp: 'b' }, { scopes: 'c' })?.scopes).toEqual([])
  })

  it('holds permissions of 256 characters and no longer ones, and none with a parameter in it', () => {
    const permissions = (list: string[]) => make({ p: list }, { permissions: 'p' })?.permissions
    expect(permissions(['x'.repeat(256), 'x'.repeat(257), 'a:{b}', 'a:b}', '{a:b', 'a:b'])).toEqual([
      'x'.repeat(256),
      'a:b',
    ])
  })

  it('signed in when the token says, up to what clocks may differ', () => {
    const strength = (auth_time: unknown) => make({ auth_time })?.strength.at
    expect([1000, 1005, 1005.001, 1006, 0, -1].map(strength)).toEqual([1000, 1005, null, null, 0, -1])
    for (const odd of ['1000', Number.NaN, Number.NEGATIVE_INFINITY, null, undefined, {}])
      expect(strength(odd)).toBeNull()
  })

  it('tells each part of its strength by itself', () => {
    expect(make({ amr: ['otp'] })?.strength).toEqual({ methods: ['otp'], context: null, at: null })
    expect(make({ acr: 'gold' })?.strength).toEqual({ methods: [], context: 'gold', at: null })
    expect(make({ auth_time: 5 })?.strength).toEqual({ methods: [], context: null, at: 5 })
  })
})
