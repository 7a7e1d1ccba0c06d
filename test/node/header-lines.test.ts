import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NodeHeaderLines } from '../../src/node/header-lines.ts'

describe('the header of a check in Node', () => {
  it('keeps repeated lines apart, in order, whatever their spelling', () => {
    const lines = new NodeHeaderLines(['X-A', '1', 'x-b', '2', 'x-a', '3', 'X-a', ''])
    expect(lines.lines('x-a')).toEqual(['1', '3', ''])
    expect(lines.lines('x-c')).toEqual([])
    expect(lines.names()).toEqual(['X-A', 'x-b', 'x-a', 'X-a'])
  })

  it('knows no pseudo-header fields', () => {
    const lines = new NodeHeaderLines([':method', 'GET', ':path', '/x', 'x-a', '1'])
    expect(lines.names()).toEqual(['x-a'])
    expect(lines.lines(':path')).toEqual([])
  })

  it('takes blanks around a value for no part of it, and no other sign for a blank (RFC 9110 section 5.5)', () => {
    const lines = new NodeHeaderLines([
      'a',
      ' Bearer x',
      'a',
      '\tx y \t',
      'a',
      '  ',
      'a',
      '\u00a0x\u00a0',
      'a',
      '',
    ])
    expect(lines.lines('a')).toEqual(['Bearer x', 'x y', '', '\u00a0x\u00a0', ''])
  })

  it('finds what a plain search finds, also after many thousand spellings', () => {
    const name = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,60}$/)
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.oneof(name, fc.constantFrom('X-A', 'x-a', 'constructor', '__proto__')), fc.string()),
          { maxLength: 40 },
        ),
        (pairs) => {
          const lines = new NodeHeaderLines(pairs.flat())
          for (const [wanted] of pairs) {
            const lower = wanted.toLowerCase()
            const expected = pairs
              .filter(([found]) => found.toLowerCase() === lower)
              .map(([, value]) => value.replace(/^[ \t]+/, '').replace(/(?<![ \t])[ \t]+$/, ''))
            expect(lines.lines(lower)).toEqual(expected)
          }
          expect(lines.names()).toEqual(pairs.map(([found]) => found))
        },
      ),
      { seed: 3, numRuns: 300 },
    )
  })
})
