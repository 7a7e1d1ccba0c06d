import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseStrict } from '../../../src/credentials/jwt/strict-json.ts'

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Names that look alike when read carelessly. */
const names = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    '',
    '"',
    '\\',
    '\\"',
    ':',
    '{',
    '}',
    '__proto__',
    'constructor',
    '1',
    'é',
    '\ud83d\ude00',
    '\u2028',
  ),
  fc.string({ unit: 'binary', maxLength: 4 }),
)

const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, 0, -1.5, 1e21, 'a:b', '{"a":1}', '\\"'),
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(names, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value

/** A member's name with every character escaped. */
const escaped = (name: string): string =>
  `"${Array.from({ length: name.length }, (_, i) => `\\u${name.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`

describe('parseStrict', () => {
  it('gives what JSON.parse gives where no member stands twice, however it is spaced', () => {
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 1, '\t', '\r\n '), (value, space) => {
        const text = JSON.stringify(value, null, space)
        expect(parseStrict(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  it('refuses an object with a member twice, at any depth and however its name is escaped', () => {
    fc.assert(
      fc.property(
        json,
        json,
        names,
        fc.boolean(),
        fc.integer({ min: 0, max: 20 }),
        (one, other, name, masked, depth) => {
          const again = masked ? escaped(name) : JSON.stringify(name)
          const object = `{${JSON.stringify(name)}:${JSON.stringify(one)}, "z z": 1, ${again} :${JSON.stringify(other)}}`
          const text = `${'[{"x":'.repeat(depth / 2)}${object}${'}]'.repeat(depth / 2)}`
          expect(parsed(text)).toBeDefined()
          expect(parseStrict(text)).toBeUndefined()
        },
      ),
    )
  })

  it('never throws, and never takes what JSON.parse refuses', () => {
    const fragments = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      '\\',
      '"a"',
      '1',
      '1e400',
      'true',
      ' ',
      '\u0000',
      '\ufeff',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(fragments).map((list) => list.join('')),
        ),
        (text) => {
          const found = parseStrict(text)
          if (found !== undefined) expect(found).toEqual(parsed(text))
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('takes members of one name in different objects', () => {
    const text = '[{"a":{"a":1}},{"a":[{"a":2},{"a":3}]}]'
    expect(parseStrict(text)).toEqual(JSON.parse(text))
  })

  it('keeps __proto__ a member, and counts it', () => {
    const found = parseStrict('{"__proto__":{"admin":true}}')
    expect(Object.keys(found as object)).toEqual(['__proto__'])
    expect((found as { admin?: boolean }).admin).toBeUndefined()
    expect(parseStrict('{"__proto__":1,"__proto__":2}')).toBeUndefined()
  })

  it('counts levels and not objects: siblings are as many as one likes', () => {
    for (const each of ['[]', '{}', '{"a":[]}']) {
      const text = `[${Array(100).fill(each).join(',')}]`
      expect(parseStrict(text)).toEqual(JSON.parse(text))
    }
  })

  it('refuses 33 levels however many members they hold', () => {
    for (let members = 0; members <= 33; members++) {
      const text = `${'{"a":'.repeat(members)}${'['.repeat(33 - members)}${members === 33 ? '0' : ''}${']'.repeat(33 - members)}${'}'.repeat(members)}`
      expect(parsed(text)).toBeDefined()
      expect(parseStrict(text)).toBeUndefined()
    }
  })

  it('finds the end of a string behind quotes and backslashes, be they odd or even', () => {
    for (const value of ['"', '""', '\\"', '\\\\"', '\\', '":', '"}', '":"', '\\":', ':\\', '"x', '"x:']) {
      for (const object of [
        { a: value, b: 1 },
        { a: value, b: ':', [value]: { c: value } },
      ]) {
        const text = JSON.stringify(object)
        // Not the object itself: V8 takes some escaped names for one with a backslash that it met before.
        expect(parseStrict(text)).toEqual(JSON.parse(text))
      }
    }
  })

  it('takes 32 levels and refuses 33, and 200,000 without a RangeError', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    expect(parseStrict(nested(32))).toBeDefined()
    expect(parseStrict(nested(33))).toBeUndefined()
    expect(parseStrict(nested(200_000))).toBeUndefined()
    expect(parseStrict('{"a":'.repeat(200_000))).toBeUndefined()
    expect(parseStrict('['.repeat(200_000))).toBeUndefined()
  })
})
