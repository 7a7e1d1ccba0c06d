import { describe, expect, it } from 'vitest'
import { equalText } from '../../src/ports/equal-text.ts'
import { hmacSha256, sha256, sha256Hex } from '../../src/ports/node-crypto.ts'

describe('node-crypto', () => {
  it('digests as FIPS 180-4 says', () => {
    const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    expect(Buffer.from(sha256('abc'), 'base64url').toString('hex')).toBe(digest)
    expect(sha256Hex('abc')).toBe(digest)
  })

  it('authenticates as RFC 4231 test case 2 says', () => {
    expect(hmacSha256('Jefe', 'what do ya want for nothing?')).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    )
  })

  it('finds equal texts equal and others different, whatever their lengths', () => {
    expect(equalText('a secret', 'a secret')).toBe(true)
    expect(equalText('', '')).toBe(true)
    for (const other of ['', 'a secre', 'a secrets', 'A secret', 'a secret\0']) {
      expect(equalText('a secret', other)).toBe(false)
    }
  })
})
