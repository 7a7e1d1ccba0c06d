import { globSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { accountOf, type CpuProfile } from '../../bench/profile/account.ts'
import { accountTable } from '../../bench/profile/index.ts'
import { FILES, partOf } from '../../bench/profile/parts.ts'

const frame = (functionName: string, url = '') => ({ functionName, url })
const src = (file: string): string => `file:///anywhere/src/${file}`

describe('the part of a frame', () => {
  it.each([
    [src('core/limit.ts'), 'limits, bans and revocations'],
    [src('stores/memory/hash.ts'), 'limits, bans and revocations'],
    [src('credentials/jwt/token.ts'), 'the token: digest, cache, claims'],
    [src('proxies/traefik.ts'), 'the proxy adapter'],
    [src('http/anything-new.ts'), 'the answer: judging trust, building and writing it'],
    [src('core/anything-new.ts'), 'the decision itself'],
    ['file:///anywhere/node_modules/jose/dist/x.js', 'the token: digest, cache, claims'],
    ['file:///anywhere/node_modules/other/x.js', 'packages'],
    ['node:_http_outgoing', "Node's HTTP server: writing the answer"],
  ])('of %s is: %s', (url, part) => {
    expect(partOf(frame('f', url))).toBe(part)
  })

  it('that is written in C++ or used by everybody is its caller’s', () => {
    expect(partOf(frame('writeLatin1String'))).toBe(null)
    expect(partOf(frame('hash', 'node:internal/crypto/hash'))).toBe(null)
  })

  it('is told by files that there are', () => {
    const root = join(import.meta.dirname, '../..')
    const files = globSync('src/**/*.ts', { cwd: root }).map((file) => `file:///anywhere/${file}`)
    for (const [pattern] of FILES.filter(([each]) => each.source.includes('src')))
      expect(
        files.some((file) => pattern.test(file)),
        String(pattern),
      ).toBe(true)
  })
})

const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 3, 4, 5] },
    { id: 2, callFrame: frame('(idle)') },
    { id: 3, callFrame: frame('(garbage collector)') },
    { id: 4, callFrame: frame('digest', src('credentials/jwt/token.ts')), children: [6] },
    { id: 5, callFrame: frame('tick', 'node:internal/unheard-of') },
    { id: 6, callFrame: frame('hash', 'node:internal/crypto/hash'), children: [7] },
    { id: 7, callFrame: frame('oneShotDigest') },
  ],
  // Each sample lasts until the next one is taken; the last one is known to have lasted for nothing.
  samples: [2, 3, 4, 6, 7, 5, 2],
  timeDeltas: [0, 1000, 10, 20, 30, 40, 0],
}

describe('the account of a profile', () => {
  it('adds up what each part took, native code and Node’s own with who called it, and leaves waiting out', () => {
    expect(accountOf(profile)).toEqual([
      {
        part: 'the token: digest, cache, claims',
        share: 0.9,
        most: ['oneShotDigest', 'hash node:internal/crypto/hash', 'digest src/credentials/jwt/token.ts'],
      },
      { part: 'garbage collection', share: 0.1, most: ['(garbage collector)'] },
      { part: "the rest of Node's own code", share: 0, most: ['tick node:internal/unheard-of'] },
    ])
  })

  it('of a process that only waited has no parts', () => {
    expect(accountOf({ nodes: profile.nodes, samples: [2, 2], timeDeltas: [0, 10] })).toEqual([])
    expect(accountOf({ nodes: [] })).toEqual([])
  })

  it('is told in microseconds of a check', () => {
    const [, , first] = accountTable({ perCheck: 20, parts: accountOf(profile) }).split('\n')
    expect(first).toContain('| the token: digest, cache, claims | 90 % | 18.0 | `oneShotDigest`')
  })
})
