import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fold, parameterValue, pathOf, readPath } from '../../src/core/path.ts'

const texts = (path: string): string[] => {
  const judged = readPath(path)
  return judged.ok ? judged.readings.map(({ text }) => text) : [`${judged.reason}: ${judged.why}`]
}
const reasonOf = (path: string): string | null => {
  const judged = readPath(path)
  return judged.ok ? null : judged.reason
}

describe('the path of a target', () => {
  it('ends at the first question mark, and the query is never part of it', () => {
    expect(pathOf('/private?x=/public')).toBe('/private')
    expect(pathOf('/a?b?c#d')).toBe('/a')
    expect(pathOf('//evil/admin')).toBe('//evil/admin')
  })
})

describe('reading a path', () => {
  it.each(['/', '/a', '/a/b-c_d~e', '/a.b/c', '/a/', "/!$&'()*+,=:@", '/a|b^c"d{e}', '/v1.2/x'])(
    'finds one reading in the plain %s',
    (path) => expect(texts(path)).toEqual([path]),
  )

  it.each([
    ['/files/a%2Fb', '/files/a/b'],
    ['/100%25', '/100%'],
    ['/x;v=1', '/x'],
    ['/wiki//a', '/wiki/a'],
    ['/ADMIN', '/admin'],
    ['/%61dmin', '/admin'],
    ['/%2561dmin', '/admin'],
    ['/admin%3fx', '/admin'],
    ['/admin%23x', '/admin'],
    ['/admin.', '/admin'],
    ['/admin%20', '/admin'],
    ['/admin%5cx', '/admin/x'],
    ['/adm%C2%ADin', '/admin'],
    ['/%EF%BD%81dmin', '/admin'],
    ['/admin%253fx', '/admin'],
    ['/a;x%2fb', '/a'],
    ['/%EF%BC%85EF%EF%BC%85BD%EF%BC%8581dmin', '/admin'],
    ['/%E2%80%A6', '/...'],
    ['/find/%E2%80%A6%E2%80%A6/x', '/find/……/x'],
  ])('reads %s also as %s', (path, expected) => expect(texts(path)).toContain(expected))

  it.each([
    '',
    'admin/x',
    '*',
    'http://x/y',
    '//admin/x',
    '///admin',
    '/..',
    '/.',
    '/a/../b',
    '/a/./b',
    '/public/%2e%2e/admin',
    '/public/%2E%2e/admin',
    '/public/.%2e/admin',
    '/public/..%2fadmin',
    '/public/..%2Fadmin',
    '/public/%252e%252e/admin',
    '/public/%25252e%25252e/admin',
    '/public/..;/admin',
    '/public/..%3b/admin',
    '/public/..;x=1/admin',
    '/public/..%5cadmin',
    '/public/..%20/admin',
    '/public/..%3f/admin',
    '/a\\b',
    '/a\tb',
    '/a b',
    '/a#b',
    '/a%00b',
    '/a%2500b',
    '/a%0ab',
    '/a%7fb',
    '/a%zz',
    '/a%',
    '/a%2',
    '/a%u002f',
    '/%C0%AF',
    '/%ff',
    '/x%25ff%252f%252e%252e%252fadmin',
    '/%25c0%25ae%25c0%25ae/admin',
    '/%25uff0f',
    '/%25zz%25ff',
    '/\u00ad',
    '/é',
  ])('refuses %j outright', (path) => expect(reasonOf(path)).toBe('path_malformed'))

  it('keeps an escaped slash apart from a separator in the reading that does not decode it', () => {
    expect(texts('/a%2Fb')[0]).toBe('/a%2Fb')
    expect(parameterValue('a\u0001b')).toBe('a/b')
    expect(parameterValue('a%252Fb')).toBe('a/b')
  })

  it('decodes nothing of the path as it was sent that may mean something else, however often it stands there', () => {
    for (const path of ['/a%2Fb%2Fc', '/%61/%62/%63', '/a%3Fb%3Fc', '/a%25b%25c'])
      expect(texts(path)[0]).toBe(path)
  })

  it('decodes escapes behind a percent sign that stands for itself, whole characters at once', () => {
    expect(texts('/100%25%25C3%25A9')).toContain('/100%é')
    expect(texts('/a%25u1')).toContain('/a%u1')
    expect(texts('/a%25az%2561')).toContain('/a%aza')
  })

  it('treats octets that must be escaped as the characters they are', () => {
    expect(texts('/caf%C3%A9%20a')).toEqual(['/café a'])
    expect(texts('/%7Ba%7D')).toEqual(['/{a}'])
  })

  it('calls a path with more readings than an honest one ambiguous, and refuses one that is too long', () => {
    expect(reasonOf(`/${'%2541;%3bA.%2f/'.repeat(12)}`)).not.toBeNull()
    expect(reasonOf(`/${'a'.repeat(8192)}`)).toBe('path_malformed')
    expect(reasonOf(`/${'a'.repeat(8191)}`)).toBeNull()
  })

  it('never throws and never finds a reading with a dot segment or a control character', () => {
    const piece = fc.constantFrom(
      ...[
        '/',
        '//',
        '.',
        '..',
        '%2e',
        '%2E',
        '%252e',
        '%2f',
        '%5c',
        ';',
        ';a=b',
        '%3b',
        '%3f',
        '%23',
        '%00',
        '%0d',
      ],
      ...[
        '%C3%A9',
        '%C0%AF',
        'a',
        'A',
        'admin',
        'public',
        ' ',
        '%20',
        '%25',
        '%',
        '\\',
        '#',
        'é',
        '\u0001',
        ':',
        '*',
      ],
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const judged = readPath(`/${pieces.join('')}`)
        if (!judged.ok) return
        for (const { text } of judged.readings) {
          expect(text).not.toMatch(/(?:^|\/)\.\.?(?:\/|$)/)
          expect(text.replaceAll('\u0001', '')).not.toMatch(/[\0-\x1f\x7f]/)
        }
      }),
      { numRuns: 5000 },
    )
  })

  it('is idempotent: the plainest reading of a path, sent as it is, has no further readings', () => {
    const segment = fc.stringMatching(/^[a-zA-Z0-9;%._-]{0,6}$/)
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
        const judged = readPath(`/${segments.join('/')}`)
        if (!judged.ok) return
        const last = judged.readings.at(-1)?.text ?? ''
        const again = readPath(encodeURI(last))
        if (again.ok) expect(again.readings.map(({ text }) => text)).toContain(last)
      }),
    )
  })

  it('folds letters the same way twice', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(fold(fold(text))).toBe(fold(text))
      }),
    )
    expect(fold('ＡＤＭIN')).toBe('admin')
    expect(fold('adm\u0131n')).toBe('admin')
    expect(fold('u\u017fer')).toBe('user')
  })
})

describe('the readings of a path, and how each comes about', () => {
  const told = (path: string): string[] => {
    const judged = readPath(path)
    return judged.ok
      ? judged.readings.map(
          ({ text, how, folded }) => `${text.replaceAll('\u0001', '%2f')} ${folded ? 'folded ' : ''}(${how})`,
        )
      : [judged.why]
  }

  it.each<[string, string[]]>([
    ['/a', ['/a (as sent)']],
    ['/A', ['/A (as sent)', '/a folded (letters folded)']],
    ['/a;b/c', ['/a;b/c (as sent)', '/a/c (parameters stripped)']],
    ['/a//b', ['/a//b (as sent)', '/a/b (slashes merged)']],
    ['/a.', ['/a. (as sent)', '/a (trailing dots and spaces dropped)']],
    ['/a./b', ['/a./b (as sent)', '/a/b (trailing dots and spaces dropped)']],
    ['/a%20', ['/a  (as sent)', '/a (trailing dots and spaces dropped)']],
    ['/a%25', ['/a%25 (as sent)', '/a% (decoded)']],
    ['/a%3fb', ['/a%3fb (as sent)', '/a?b (decoded)', '/a (decoded, cut at ? or #)']],
    ['/a%23b', ['/a%23b (as sent)', '/a#b (decoded)', '/a (decoded, cut at ? or #)']],
  ])('%s', (path, expected) => expect(new Set(told(path))).toEqual(new Set(expected)))

  it('may be long as long as nothing in it is odd, and shorter the more there is', () => {
    const reason = (path: string) => reasonOf(path)
    expect([reason(`/${'a'.repeat(8191)}`), reason(`/${'A'.repeat(8191)}`)]).toEqual([null, null])
    // An escape that everybody takes for itself.
    const settled = (length: number) => `/%20${'a'.repeat(length - 4)}`
    expect(reason(settled(2048))).toBeNull()
    expect(reason(settled(4096))).toBe('path_ambiguous')
    expect(reason(`/${'%C3%A9'.repeat(600)}`)).toBeNull()
    expect(reason(`/${'%C3%A9'.repeat(690)}`)).toBe('path_ambiguous')
    expect(reason(`/;${'a'.repeat(2046)}`)).toBeNull()
    expect(reason(`/;${'a'.repeat(2047)}`)).toBe('path_ambiguous')
    expect(reason(`/${'a;/'.repeat(96)}`)).toBeNull()
    expect(reason(`/${'a;/'.repeat(97)}`)).toBe('path_ambiguous')
  })

  it.each([`/${';x'.repeat(3000)}`, `/${'%2541;%3bA.%2f/'.repeat(12)}`, `/${'A%C3%A9;b/'.repeat(300)}`])(
    'are too many to be read, and the path is ambiguous, not malformed: %j',
    (path) => {
      expect(reasonOf(path)).toBe('path_ambiguous')
      expect(told(path)[0]).toMatch(/too long|more than \d+ readings/)
    },
  )

  it.each<[string, RegExp]>([
    [`/${'a'.repeat(8192)}`, /^longer than 8192 characters$/],
    ['a', /^does not start with a slash$/],
    ['//a', /^starts with two slashes$/],
    ['/a b', /^holds a raw control character or space \(0x20\)$/],
    ['/a\tb', /^holds a raw control character or space \(0x09\)$/],
    ['/a\x7f', /^holds a raw control character or space \(0x7f\)$/],
    ['/é', /^holds a raw non-ASCII character$/],
    ['/\x80', /^holds a raw non-ASCII character$/],
    ['/a#b', /^holds a raw `#`$/],
    ['/a\\b', /^holds a raw `\\`$/],
    ['/%zz', /^holds an escape that is bad, not UTF-8, or encodes a control character$/],
    ['/a/../b', /^holds a dot segment \(as sent\)$/],
    ['/a/%2e%2e/b', /^holds a dot segment \(decoded\)$/],
    // Who drops the last dot before it decodes has a dot segment with a space behind it.
    ['/a/..%20./b', /^holds a dot segment \(as sent\)$/],
    ['/a/.%20%2e%20./b', /^holds a dot segment \(decoded\)$/],
    ['/a/..%2520./b', /^holds a dot segment \(decoded/],
    ['/a/b/..%20..', /^holds a dot segment \(as sent\)$/],
    // Who drops the dots behind a soft hyphen, and then the hyphen, has a dot segment.
    ['/a/..%C2%AD../b', /^hides a dot or empty segment \(as sent\)$/],
    ['/a/.%C2%AD./b', /^hides a dot or empty segment \(as sent\)$/],
    ['/a/b/%EF%BC%8E%E2%80%8B%2e', /^hides a dot or empty segment \(decoded\)$/],
    // Who keeps an escaped backslash together with the fullwidth dots behind it may drop the other dots first.
    ['/a/%5c%EF%BC%8E%EF%BC%8E..%EF%BC%8E/b', /^hides a dot or empty segment/],
    // Who folds capitals and keeps the soft hyphen has a segment where others have none.
    ['/A/%C2%AD', /^hides a dot or empty segment \(as sent\)$/],
    // A separator that folding makes has two sides as any other.
    ['/a/%EF%BC%8F..%C2%AD../b', /^(holds|hides) a dot (or empty )?segment/],
    ['/a/..%C2%AD..%EF%BC%9Bx/b', /^hides a dot or empty segment/],
    // What an escape with a fullwidth percent sign stands for may have to be folded in its turn.
    ['/a/..%EF%BC%85C2%EF%BC%85AD/b', /^(holds|hides) a dot (or empty )?segment \(letters folded, decoded/],
    [
      '/a/%EF%BC%85ef%EF%BC%85bc%EF%BC%858e./b',
      /^(holds|hides) a dot (or empty )?segment \(letters folded, decoded/,
    ],
    ['/a%2500', /^holds an escape that no honest path does \(decoded.*\)$/],
  ])('%j is refused, and it is said why', (path, says) => expect(told(path)[0]).toMatch(says))
})
