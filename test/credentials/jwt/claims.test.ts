import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  audienceFits,
  normalType,
  reasonAt,
  typeFits,
  validityOf,
} from '../../../src/credentials/jwt/claims.ts'

const HORIZON = 3650 * 86_400

describe('when a token is good', () => {
  /** The oracle: each rule of its own, as RFC 7519 and the docs say it, for one instant. */
  function good(
    { exp, nbf, iat }: Readonly<Record<'exp' | 'nbf' | 'iat', number | undefined>>,
    { clockSkew, maxAge }: { clockSkew: number; maxAge: number | null },
    now: number,
  ): boolean {
    if (exp === undefined || now >= exp * 1000 + clockSkew) return false
    if (nbf !== undefined && now < nbf * 1000 - clockSkew) return false
    if (iat !== undefined && now < iat * 1000 - clockSkew) return false
    if (maxAge === null) return now >= exp * 1000 - HORIZON * 1000
    if (iat === undefined || now - iat * 1000 > maxAge + clockSkew) return false
    return exp * 1000 <= now + maxAge + clockSkew
  }

  const second = fc.constantFrom(1000, 1001, 1004, 1005, 1006, 1010, 1020, 1000 + HORIZON, 1001 + HORIZON)
  const maybe = fc.option(second, { nil: undefined })
  const times = fc.record({ exp: maybe, nbf: maybe, iat: maybe })
  const rules = fc.record({
    clockSkew: fc.constantFrom(0, 1000, 5000),
    maxAge: fc.constantFrom(null, 1000, 5000, 10_000),
  })

  it('is what every single rule says', () => {
    const instant = fc.tuple(
      second,
      fc.constantFrom(-5000, -1000, 0, 1000, 5000, 10_000),
      fc.constantFrom(-1, 0, 1),
    )
    fc.assert(
      fc.property(times, rules, instant, (payload, rule, [base, near, edge]) => {
        const now = base * 1000 + near + edge
        const validity = validityOf(payload, rule)
        expect(validity !== null && reasonAt(validity, now) === null).toBe(good(payload, rule, now))
      }),
      { numRuns: 5000 },
    )
  })

  it('is never, where a date is not a finite number or is missing where it is needed', () => {
    const free = { clockSkew: 0, maxAge: null }
    for (const odd of ['1000', null, true, {}, [], Number.NaN, Number.POSITIVE_INFINITY, 1e308]) {
      expect(validityOf({ exp: odd }, free)).toBeNull()
      expect(validityOf({ exp: 1000, nbf: odd }, free)).toBeNull()
      expect(validityOf({ exp: 1000, iat: odd }, free)).toBeNull()
    }
    expect(validityOf({}, free)).toBeNull()
    expect(validityOf(Object.create({ exp: 1000 }), free)).toBeNull()
    expect(validityOf({ exp: 1000 }, { clockSkew: 0, maxAge: 1000 })).toBeNull()
  })

  it('keeps fractions of a second', () => {
    const validity = validityOf({ exp: 1000.5 }, { clockSkew: 0, maxAge: null })
    expect(validity && [reasonAt(validity, 1_000_499), reasonAt(validity, 1_000_500)]).toEqual([
      null,
      'credential_expired',
    ])
  })

  it('tells a token that is not good yet from one that no longer is', () => {
    const validity = { from: 10, until: 20 }
    expect([9, 10, 19, 20].map((now) => reasonAt(validity, now))).toEqual([
      ...['credential_invalid', null, null, 'credential_expired'],
    ])
  })
})

describe('the type of a token', () => {
  it.each([
    ['JWT', 'jwt'],
    ['at+jwt', 'at+jwt'],
    ['application/at+jwt', 'at+jwt'],
    ['Application/AT+JWT', 'at+jwt'],
    ['application/x/y', 'application/x/y'],
    ['text/jwt', 'text/jwt'],
    ['jwt/application/', 'jwt/application/'],
  ])('%s is %s (RFC 7515 section 4.1.9)', (typ, expected) => expect(normalType(typ)).toBe(expected))

  it('is the required one, or where none is required an ordinary one', () => {
    for (const typ of [null, 'JWT', 'jwt', 'at+jwt', 'application/jwt'])
      expect(typeFits(typ, null)).toBe(true)
    for (const typ of ['', 'dpop+jwt', 'logout+jwt', 'text/jwt', 'secevent+jwt'])
      expect(typeFits(typ, null)).toBe(false)
    expect(typeFits('application/X+JWT', 'x+jwt')).toBe(true)
    for (const typ of [null, 'JWT', 'at+jwt']) expect(typeFits(typ, 'x+jwt')).toBe(false)
  })
})

describe('the audience of a token', () => {
  const ours = ['a', 'b']

  it.each([['a'], [['b']], [['x', 'a']]])('fits: %j', (aud) => expect(audienceFits({ aud }, ours)).toBe(true))

  it.each([
    ['x'],
    ['a '],
    ['A'],
    [['x']],
    [[]],
    [['a', 1]],
    [[['a']]],
    [null],
    [undefined],
    [{ 0: 'a', length: 1 }],
    [1],
  ])('does not fit: %j', (aud) => expect(audienceFits({ aud }, ours)).toBe(false))

  it('is not taken from what the object inherits', () => {
    expect(audienceFits(Object.create({ aud: 'a' }), ours)).toBe(false)
  })
})
