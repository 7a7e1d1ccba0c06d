import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalHost } from '../../src/core/host.ts'

describe('a host in canonical form', () => {
  it.each([
    ['App.Example.COM', 'app.example.com'],
    ['app.example.com.', 'app.example.com'],
    ['app:443', 'app'],
    ['app.:8080', 'app'],
    ['a_b.example', 'a_b.example'],
    ['[::1]', '[::1]'],
    ['[2001:DB8::0001]:8443', '[2001:db8::1]'],
    ['[::ffff:10.0.0.1]', '10.0.0.1'],
    ['10.0.0.1:80', '10.0.0.1'],
  ])('H05 %s is %s (CVE-2026-77560, CVE-2026-48794)', (text, expected) =>
    expect(canonicalHost(text)).toBe(expected),
  )

  it.each([
    '',
    '.',
    'u@app',
    'app,evil',
    'app#x',
    'app\\x',
    'app x',
    'app%2f',
    'app/',
    'app?',
    'app:0',
    'app:99999',
    'app:',
    'app:80:80',
    'a..b',
    '.app',
    'app..',
    '[::1',
    '[app]',
    '[10.0.0.1]',
    '[::1]x',
    'é.example',
    '\u212aapp',
    'a'.repeat(64),
    `${'a.'.repeat(127)}aa`,
  ])('H05 refuses %j', (text) => expect(canonicalHost(text)).toBeNull())
})

/** The oracle: names as one regular expression has them (RFC 1123 section 2.1, and `_`), ports as numbers. */
function oracle(text: string): string | null {
  const [, name = '', port] = /^([A-Za-z0-9_.-]*?)\.?(?::(\d{1,5}))?$/.exec(text) ?? []
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65535)) return null
  if (name === '' || name.length > 253) return null
  return name.split('.').every((label) => /^[A-Za-z0-9_-]{1,63}$/.test(label)) ? name.toLowerCase() : null
}

describe('a name with or without a port', () => {
  it('is what one regular expression says it is, whatever it is put together from', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '.',
        ':',
        'a',
        'Z',
        '-',
        '_',
        '0',
        '9',
        ':1',
        ':65535',
        ':65536',
        ':00080',
        ':0',
        ':123456',
      ),
      fc.constantFrom(
        'app.example.com',
        'x'.repeat(62),
        'y'.repeat(63),
        'z'.repeat(64),
        `${'b.'.repeat(126)}b`,
      ),
      fc.string({ maxLength: 2 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const text = pieces.join('')
        // A leading bracket is an address, which is read otherwise.
        if (!text.startsWith('[')) expect(canonicalHost(text)).toBe(oracle(text))
      }),
      { numRuns: 2000 },
    )
  })

  it('may hold every letter, digit, hyphen and underscore, and no other character there is', () => {
    for (let code = 0; code <= 0xffff; code++) {
      const text = `a${String.fromCharCode(code)}b`
      if (canonicalHost(text) !== oracle(text)) expect.unreachable(JSON.stringify(text))
    }
  })

  it.each([
    'a',
    `${'a.'.repeat(126)}a`,
    `${'a'.repeat(63)}.${'b'.repeat(63)}.com.`,
    'app:1',
    'app:65535',
    'app:00080',
  ])('is taken at the very ends of what is allowed: %s', (text) =>
    expect(canonicalHost(text)).toBe(text.replace(/[.:]\d*$/, '')),
  )

  it.each([
    ':',
    ':80',
    'app:65536',
    'app:123456',
    'app:080808',
    'app:8a',
    'app:a8',
    'app:-1',
    'app:1e3',
    'app:0x50',
    'app:+80',
    'app: 80',
    'app:80 ',
    'app:8.0',
    `${'a.'.repeat(126)}ab`,
  ])('is refused just beyond them: %s', (text) => expect(canonicalHost(text)).toBeNull())
})

describe('an address in brackets', () => {
  it.each(['[::1]:1', '[::1]:65535'])('may have a port: %s', (text) =>
    expect(canonicalHost(text)).toBe('[::1]'),
  )

  it.each([
    '[',
    '[]',
    '[::1]:',
    '[::1]:0',
    '[::1]:65536',
    '[::1]80',
    '[::1]x80',
    '[::1]]',
    ']',
    '[::1%eth0]',
  ])('is refused with anything else around it: %s', (text) => expect(canonicalHost(text)).toBeNull())
})
