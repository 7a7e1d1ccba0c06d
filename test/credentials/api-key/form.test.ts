import { createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formFault,
  formOf,
  mintKey,
  randomText,
  startOf,
  tagFits,
} from '../../../src/credentials/api-key/form.ts'

const hmac = (key: string, text: string) => createHmac('sha256', key).update(text).digest('hex')
/** Bytes in a fixed order, so that a key is the same for everybody. */
const bytesFrom = (start: number) => {
  let byte = start
  return () => byte++ % 256
}
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** The oracle: a number in base 62, as schoolbooks write it. */
const base62 = (value: bigint, length: number): string =>
  length === 0 ? '' : base62(value / 62n, length - 1) + DIGITS[Number(value % 62n)]
const signed = (text: string) => text + base62(BigInt(crc32(text)), 6)
const key = mintKey('ak', 'acme', 'pepper', hmac, bytesFrom(0))

describe('a key that was made once', () => {
  it('is made again from the same secret, so that keys in use stay good for ever', () => {
    expect(key).toBe('ak_bv4oVVJd0123456789ABCDEFGHIJKLMNOPQRSTUVCQbKZ2Lymt5')
    expect(mintKey('ak_live', '', 'other', hmac, bytesFrom(200))).toBe(
      'ak_live_CTKj5dhIEFGHIJKLMNOPQRSTUVWXYZabcdefghijOAlhH49Qdw7',
    )
  })

  it('holds what its form says: locator, secret, tag and checksum', () => {
    const number = (text: string) => BigInt(`0x${hmac('pepper', text).slice(0, 16)}`)
    const locator = base62(number('postern locator\nacme'), 8)
    const secret = Array.from({ length: 32 }, (_, i) => DIGITS[i]).join('')
    const tag = base62(number(`postern tag\nak_${locator}${secret}`), 5)
    expect(key).toBe(signed(`ak_${locator}${secret}${tag}`))
  })

  it('is told from others by its prefix, its locator and four characters of its secret', () => {
    expect(startOf(key, 'ak')).toBe(key.slice(0, 15))
    expect(startOf(mintKey('ak_live', 'acme', 'pepper', hmac, bytesFrom(0)), 'ak_live')).toHaveLength(20)
  })
})

describe('the form of what is presented', () => {
  it('is ours exactly with the prefix, 45 characters of base62 and their checksum', () => {
    const bounds = { minLength: 44, maxLength: 46 }
    const rest = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'09AZaz'), ...bounds }),
      fc.string({ unit: fc.constantFrom(...'09AZaz', '-', '_', 'é'), ...bounds }),
    )
    fc.assert(
      fc.property(rest, fc.constantFrom('ak', 'ak_live'), (text, prefix) => {
        const whole = /^[0-9A-Za-z]{45}$/.test(text)
        // A checksum over other than ASCII is nobody's.
        const given = /^[\0-\x7f]*$/.test(text) ? signed(`${prefix}_${text}`) : `${prefix}_${text}000000`
        expect(formOf(given, prefix)).toBe(whole ? 'own' : null)
        expect(formOf(`x${given}`, prefix)).toBeNull()
        expect(formOf(given, 'sk')).toBeNull()
      }),
    )
  })

  it('is that of an imported key exactly with 32 lower-case hexadecimal digits', () => {
    expect(formOf(`ak_${'0f'.repeat(16)}`, 'ak')).toBe('imported')
    for (const rest of [
      '0F'.repeat(16),
      '0f'.repeat(15),
      `${'0f'.repeat(16)}0`,
      `x${'0f'.repeat(16)}`,
      '0g'.repeat(16),
    ])
      expect(formOf(`ak_${rest}`, 'ak')).toBeNull()
  })

  it('has a fault that is told: another prefix, another shape, another checksum', () => {
    expect(formFault(key, 'sk')).toBe('prefix')
    expect(formFault('ak', 'ak')).toBe('prefix')
    expect(formFault(key.slice(0, -1), 'ak')).toBe('shape')
    expect(formFault(`${key}0`, 'ak')).toBe('shape')
    expect(
      formFault(
        key.replace(/.$/, (char) => (char === '0' ? '1' : '0')),
        'ak',
      ),
    ).toBe('checksum')
  })
})

describe('the tag of a key', () => {
  it('fits the pepper that made it and no other, with any of its own characters changed', () => {
    expect(tagFits(key, 'pepper', hmac)).toBe(true)
    expect(tagFits(key, 'Pepper', hmac)).toBe(false)
    for (let at = 0; at < 'ak_'.length + 45; at++) {
      const char = key[at] === 'A' ? 'B' : 'A'
      expect(tagFits(key.slice(0, at) + char + key.slice(at + 1), 'pepper', hmac)).toBe(false)
    }
  })

  it('does not fit what is too short to hold one', () => {
    for (const text of ['', 'ak_', 'ak_1234567']) expect(tagFits(text, 'pepper', hmac)).toBe(false)
  })
})

describe('random text', () => {
  it('takes no byte from 248 up, which would favour some characters', () => {
    const bytes = [248, 255, 247, 249, 0, 61, 62, 254, 123]
    expect(randomText(5, () => bytes.shift() ?? 0)).toBe('z0z0z')
    expect(randomText(0, () => 0)).toBe('')
  })
})
