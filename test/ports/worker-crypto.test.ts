import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as node from '../../src/ports/node-crypto.ts'
import * as worker from '../../src/ports/worker-crypto.ts'

/** Any text, lone surrogates and lengths around the blocks of the digest included. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.integer({ min: 50, max: 140 }).map((length) => 'x'.repeat(length)),
)

describe('digests of a Worker', () => {
  it('are those of Node, for any text', () => {
    fc.assert(
      fc.property(text, (one) => {
        expect(worker.sha256(one)).toBe(node.sha256(one))
        expect(worker.sha256Hex(one)).toBe(node.sha256Hex(one))
      }),
    )
  })

  it('under a key are those of Node, for any key and text', () => {
    fc.assert(
      fc.property(text, text, (key, one) => {
        expect(worker.hmacSha256(key, one)).toBe(node.hmacSha256(key, one))
      }),
    )
  })

  it('are those of the standard (FIPS 180-4; RFC 4231 test case 2)', () => {
    expect(worker.sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(worker.hmacSha256('Jefe', 'what do ya want for nothing?')).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    )
  })
})
