import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compactOf, textOf } from '../../../src/credentials/jwt/compact.ts'

const bytes = fc.uint8Array({ minLength: 1, maxLength: 60 })
const encoded = (given: Uint8Array): string => Buffer.from(given).toString('base64url')

describe('compactOf', () => {
  it('takes three segments of canonical base64url', () => {
    fc.assert(
      fc.property(bytes, bytes, bytes, (...parts) => {
        const [header = '', payload = '', signature = ''] = parts.map(encoded)
        expect(compactOf(`${header}.${payload}.${signature}`)).toEqual({ header, payload, signature })
      }),
    )
  })

  it('knows one text for any bytes: every segment it takes is how its bytes are encoded', () => {
    const segment = fc.string({ unit: fc.constantFrom(...'AQgwBEz09-_+/= \n.'), maxLength: 8 })
    fc.assert(
      fc.property(segment, segment, segment, (...parts) => {
        const found = compactOf(parts.join('.'))
        if (found === null) return
        for (const each of Object.values(found)) {
          expect(each).not.toBe('')
          expect(Buffer.from(each, 'base64url').toString('base64url')).toBe(each)
        }
      }),
      { numRuns: 5000 },
    )
  })

  it.each([
    '',
    '.',
    '..',
    'YQ.YQ',
    'YQ.YQ.',
    '.YQ.YQ',
    'YQ..YQ',
    'YQ.YQ.YQ.YQ',
    'YQ.YQ.YQ.YQ.YQ',
    'YQ==.YQ.YQ',
    'YR.YQ.YQ',
    'YQ.YWF.YQ',
    'Y.YQ.YQ',
    'YQ.YQ.YQ\n',
    ' YQ.YQ.YQ',
    'Y+.YQ.YQ',
    'YQ.Y/.YQ',
    'YQ.YQ.Yé',
  ])('refuses %j', (token) => expect(compactOf(token)).toBeNull())

  it('takes 8 KiB and refuses a character more', () => {
    const token = `YQ.YQ.${'A'.repeat(8192 - 6 - 2)}`
    expect(compactOf(`${token}AA`)).not.toBeNull()
    expect(compactOf(`${token}AAA`)).toBeNull()
  })
})

describe('textOf', () => {
  it('gives the text that was encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
        fc.pre(text.isWellFormed())
        expect(textOf(Buffer.from(text).toString('base64url'))).toBe(text)
      }),
    )
  })

  it('refuses what is not UTF-8, and keeps a byte order mark that would hide before a JSON text', () => {
    for (const bad of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0x22, 0xe9]]) {
      expect(textOf(encoded(Uint8Array.from(bad)))).toBeNull()
    }
    expect(textOf(encoded(Uint8Array.from([0xef, 0xbb, 0xbf, 0x7b])))).toBe('\ufeff{')
  })
})
