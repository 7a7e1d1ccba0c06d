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
