import { describe, expect, it } from 'vitest'
import { bearerOf } from '../../../src/credentials/jwt/bearer.ts'

const read = (...lines: string[]) => {
  const found = bearerOf({ lines: (name) => (name === 'authorization' ? lines : []), names: () => [] })
  return found.is === 'token' ? { token: found.token } : found.is
}

describe('what stands in Authorization', () => {
  it.each(['Bearer a.b.c', 'bearer a.b.c', 'BEARER   a.b.c', 'BeArEr a.b.c \t', 'Bearer \ta.b.c'])(
    'is a token behind the scheme, in any case: %j (RFC 6750 section 2.1)',
    (line) => expect(read(line)).toEqual({ token: 'a.b.c' }),
  )

  it('is whatever stands behind the scheme, so that a bad token is never none', () => {
    expect(read('Bearer x y')).toEqual({ token: 'x y' })
    expect(read('Bearer =')).toEqual({ token: '=' })
    expect(read('Bearer \u00a0x')).toEqual({ token: '\u00a0x' })
  })

  it.each([
    'Bearer',
    'Bearer ',
    'bearer \t ',
    'Bearer\t',
    'Bearer\tx',
    'Bearer:x',
    'Bearer"x',
    'Bearer/x',
    'Bearer,',
    'Bearer=',
  ])('is no token, but a presented one: %j', (line) => expect(read(line)).toBe('malformed'))

  it.each([
    ...['', 'Basic x', 'Bearerx y', 'Bearer-x y', 'Bearer1', 'Bearer_ x', 'Bearer!', 'Beare x', 'xBearer y'],
    ...['Digest a="b", c=d', 'Digest a="x, Bearer y", c=d', 'Digest a=b , c = d', 'Basic x,'],
  ])('is somebody else’s credential: %j', (line) => expect(read(line)).toBe('absent'))

  it('is nothing where there is no line', () => {
    expect(read()).toBe('absent')
  })

  it.each([
    ...[
      'Bearer a,Bearer b',
      'Bearer a, b',
      'Bearer ,',
      'Basic x, Bearer y',
      'Basic x,Bearer',
      'Digest a="b", Bearer y',
    ],
    ...['Digest a="b, Bearer y', 'Basic x,\tBearer y', 'Bearerx, Bearer y'],
  ])('is two lines that were joined: %j', (line) => expect(read(line)).toBe('repeated'))

  it('is refused on two lines, whatever they hold', () => {
    for (const second of ['Bearer a', '', 'Basic x']) expect(read('Bearer a', second)).toBe('repeated')
  })
})
