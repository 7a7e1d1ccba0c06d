import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  contains,
  foldPattern,
  hostPattern,
  overlaps,
  type Pattern,
  PatternTrie,
  parametersOf,
  pathPattern,
  shapeOf,
} from '../../src/core/pattern.ts'

const literal = (text: string) => ({ literal: text })
const parameter = (name: string) => ({ parameter: name })

describe('a pattern', () => {
  it.each<[string, Pattern]>([
    ['/', { segments: [], rest: false }],
    ['/**', { segments: [], rest: true }],
    ['/a', { segments: [literal('a')], rest: false }],
    ['/a/', { segments: [literal('a')], rest: false }],
    ['/a/:b/c', { segments: [literal('a'), parameter('b'), literal('c')], rest: false }],
    ['/a/:b/**', { segments: [literal('a'), parameter('b')], rest: true }],
    ['/a/x:b', { segments: [literal('a'), literal('x:b')], rest: false }],
  ])('of the path %s is its segments', (path, expected) => expect(pathPattern(path)).toEqual(expected))

  it.each<[string, Pattern]>([
    ['app.example', { segments: [literal('app'), literal('example')], rest: false }],
    [':org.example', { segments: [parameter('org'), literal('example')], rest: false }],
    ['[2001:db8::1]', { segments: [literal('[2001:db8::1]')], rest: false }],
    ['10.0.0.1', { segments: ['10', '0', '0', '1'].map(literal), rest: false }],
  ])('of the host %s is its labels, and a bracketed address is one', (host, expected) =>
    expect(hostPattern(host)).toEqual(expected),
  )

  it('knows its parameters, in their order', () => {
    expect(parametersOf(pathPattern('/:a/b/:c/**'))).toEqual(['a', 'c'])
    expect(parametersOf(pathPattern('/a/b'))).toEqual([])
  })

  it('is itself when its letters are folded already, and else has them folded and nothing changed besides', () => {
    const plain = pathPattern('/a/:B/**')
    expect(foldPattern(plain)).toBe(plain)
    expect(foldPattern(pathPattern('/a/Users/:B/**'))).toEqual(pathPattern('/a/users/:B/**'))
    expect(foldPattern(pathPattern('/A'))).toEqual(pathPattern('/a'))
  })
})

/** All texts of up to five segments; no pattern names the last letter. */
const TEXTS: readonly (readonly string[])[] = (() => {
  const all: string[][] = [[]]
  for (const text of all)
    if (text.length < 5) all.push(...['a', 'b', 'z'].map((segment) => [...text, segment]))
  return all
})()

/** The oracle: segment by segment. */
const matches = ({ segments, rest }: Pattern, text: readonly string[]): boolean =>
  (rest ? text.length >= segments.length : text.length === segments.length) &&
  segments.every((segment, index) => !('literal' in segment) || segment.literal === text[index])

const textsOf = (pattern: Pattern): readonly (readonly string[])[] =>
  TEXTS.filter((text) => matches(pattern, text))

const segment = fc.constantFrom(literal('a'), literal('b'), parameter('p'), parameter('q'))
const anyPattern: fc.Arbitrary<Pattern> = fc.record({
  segments: fc.array(segment, { maxLength: 4 }),
  rest: fc.boolean(),
})

describe('two patterns', () => {
  it('have one shape exactly when they match the same texts', () => {
    fc.assert(
      fc.property(anyPattern, anyPattern, (one, two) => {
        const same = JSON.stringify(textsOf(one)) === JSON.stringify(textsOf(two))
        expect(shapeOf(one) === shapeOf(two)).toBe(same)
      }),
      { numRuns: 500 },
    )
  })

  it('contain one another, or overlap, exactly when their texts do', () => {
    fc.assert(
      fc.property(anyPattern, anyPattern, (one, two) => {
        const [inOne, inTwo] = [textsOf(one), textsOf(two)]
        expect(contains(one, two)).toBe(inTwo.every((text) => inOne.includes(text)))
        const meet = inOne.some((text) => inTwo.includes(text))
        expect([overlaps(one, two), overlaps(two, one)]).toEqual([meet, meet])
      }),
      { numRuns: 500 },
    )
  })

  it('do not take a literal of one for a parameter of the other', () => {
    expect(shapeOf(pathPattern('/:a'))).not.toBe(shapeOf({ segments: [literal(':')], rest: false }))
    expect(shapeOf(pathPattern('/a/b'))).not.toBe(shapeOf({ segments: [literal('a/=b')], rest: true }))
    expect(shapeOf(pathPattern('/:a/:b'))).toBe(shapeOf(pathPattern('/:x/:y')))
  })
})

describe('patterns in a trie', () => {
  const patterns = fc.array(anyPattern, { maxLength: 7 })
  const trieOf = (list: readonly Pattern[]) => {
    const trie = new PatternTrie<number>()
    for (const [index, one] of list.entries()) trie.add(one, index)
    return trie
  }
  /** Indices of the patterns, grouped by what they match, the innermost first: literal before parameter before rest. */
  const rank = ({ segments, rest }: Pattern): string =>
    segments.map((one) => ('literal' in one ? '0' : '1')).join('') + (rest ? '2' : '')
  const innermost = (list: readonly Pattern[], text: readonly string[]): number[][] => {
    const found = [...list.entries()].filter(([, one]) => matches(one, text))
    const ranks = [...new Set(found.map(([, one]) => rank(one)))].sort()
    return ranks.map((each) => found.filter(([, one]) => rank(one) === each).map(([index]) => index))
  }
  const capturesOf = ({ segments }: Pattern, text: readonly string[]) =>
    text.filter((_, index) => segments[index] !== undefined && 'parameter' in (segments[index] as object))

  it('are found by every text that they match, the innermost first, with what their parameters took', () => {
    fc.assert(
      fc.property(patterns, fc.constantFrom(...TEXTS), (list, text) => {
        const trie = trieOf(list)
        const expected = innermost(list, text).map((stored) => ({
          stored,
          captures: capturesOf(list[stored[0] ?? 0] as Pattern, text),
        }))
        expect(trie.findAll(text)).toEqual(expected)
        for (const end of text.length === 0 ? [''] : ['', '/'])
          expect(trie.find(`/${text.join('/')}${end}`)).toEqual(expected[0] ?? null)
      }),
      { numRuns: 1500 },
    )
  })

  it('are found by the patterns that share a text with them', () => {
    fc.assert(
      fc.property(patterns, anyPattern, (list, one) => {
        const expected = [...list.keys()].filter((index) => overlaps(list[index] as Pattern, one))
        expect(
          trieOf(list)
            .overlapping(one)
            .sort((a, b) => a - b),
        ).toEqual(expected)
      }),
      { numRuns: 1000 },
    )
  })

  it('never take an empty segment for a parameter', () => {
    const trie = trieOf([pathPattern('/a/:b'), pathPattern('/:a/:b/c'), pathPattern('/x/**')])
    for (const path of ['/a//', '/a/', '//b/c', '/a//c']) expect(trie.find(path)).toBeNull()
    expect(trie.find('/x//y')).toEqual({ stored: [2], captures: [] })
    expect(trie.findAll(['a', ''])).toEqual([])
  })

  it('are told apart from longer and shorter literals', () => {
    const trie = trieOf([pathPattern('/abc'), pathPattern('/abcd/e'), pathPattern('/a/b')])
    expect(trie.find('/abc')).toEqual({ stored: [0], captures: [] })
    expect(trie.find('/abcd/e')).toEqual({ stored: [1], captures: [] })
    for (const path of ['/ab', '/abcde', '/abcde/e', '/abcd', '/', '/a/bb'])
      expect(trie.find(path)).toBeNull()
  })
})
