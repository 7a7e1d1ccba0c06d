import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../src/core/address.ts'
import { mintKey } from '../../src/credentials/api-key/form.ts'
import { apiKey } from '../../src/credentials/api-key.ts'
import type { KeyLookup, StoredKey } from '../../src/credentials/contract.ts'
import { type KeyRecord, keyRecord } from '../../src/credentials/key-record.ts'
import { hmacSha256, sha256Hex } from '../../src/ports/node-crypto.ts'
import { secretsIn } from '../../src/schema/secret.ts'
import { outsideOf, strong } from '../support/policy.ts'
import { requestOf } from '../support/ports.ts'

const PEPPERS: Readonly<Record<string, string>> = { v1: strong('one'), v2: strong('two') }
const NOW = 1_795_219_200_000
const LIMIT = {
  name: 'own',
  by: ['principal' as const],
  count: 1,
  window: 1,
  burst: 1,
  interval: 1,
  ipv6: 64,
  onOutage: 'local' as const,
}

let bytes = 1
const nextByte = () => {
  bytes = (bytes * 48271) % 0x7fffffff
  return bytes % 256
}
const mint = (version: string) => mintKey('ak', '', PEPPERS[version] ?? '', hmacSha256, nextByte)
const digestOf = (key: string, version: string) =>
  `hmac-sha256:${version}:${hmacSha256(PEPPERS[version] ?? '', key)}`

const record = (digest: string, part: object = {}): KeyRecord =>
  keyRecord.parse({
    v: 1,
    owner: 'bot',
    environment: null,
    status: 'active',
    digests: [{ digest, until: null, start: null }],
    created: NOW - 5_500,
    updated: NOW,
    ...part,
  })

/** Keys of a store by digest, and what an authenticator asks about them. */
function world(
  records: Readonly<Record<string, KeyRecord>>,
  { imported = false, own = {} }: { imported?: boolean; own?: object } = {},
) {
  const asked: string[] = []
  const used: string[] = []
  const held = new Map<string, StoredKey>(
    Object.entries(records).map(([digest, one]) => [digest, { id: `id-${digest.slice(-4)}`, record: one }]),
  )
  let silent = false
  const section = apiKey.section?.schema.parse({ peppers: { v1: '${v1}', v2: '${v2}' }, keys: own })
  for (const { secret } of secretsIn(section))
    if ('env' in secret.source) secret.resolve(PEPPERS[secret.source.env] ?? '')
  const authenticator = apiKey.create(section, {
    outside: outsideOf({
      keys: {
        imported,
        find: (digest): KeyLookup => {
          asked.push(digest)
          return silent
            ? { is: 'unavailable', cause: new Error('silent') }
            : { is: 'known', key: held.get(digest) ?? null }
        },
        used: (id) => void used.push(id),
      },
    }),
    limitUse: () => ({ limit: LIMIT, cost: 1 }),
    limits: new Set(['own']),
    roles: new Set(['user']),
    keep: (_, make) => make(),
  })
  const ask = (key: string, { now = NOW, from = '10.0.0.1' } = {}) =>
    authenticator.authenticate(
      requestOf({
        headers: { lines: (name) => (name === 'x-api-key' ? [key] : []), names: () => [] },
        client: parseAddress(from),
        now,
      }),
      null,
    )
  const verdict = (key: string, more: Parameters<typeof ask>[1] = {}) => {
    const found = ask(key, more)
    if (found instanceof Promise) throw new Error('there is nothing to wait for')
    if (!('reason' in found)) return found.is
    // Only who can tell rejects: 401 for one, 503 for the other.
    const unavailable = found.reason === 'key_unavailable' || found.reason === 'key_unusable'
    expect(found.is).toBe(unavailable ? 'unavailable' : 'rejected')
    return found.reason
  }
  return {
    ask,
    verdict,
    asked,
    used,
    silence: () => {
      silent = true
    },
  }
}

describe('a key that stands in the store', () => {
  const key = mint('v2')
  const digest = digestOf(key, 'v2')

  it('stands for its owner, with what its record gives, and counts as used', () => {
    const { ask, used } = world({
      [digest]: record(digest, {
        tenant: 'acme',
        roles: ['user', 'gone'],
        permissions: ['a:b'],
        scopes: ['s'],
        limits: ['own'],
      }),
    })
    expect(ask(key)).toMatchObject({
      is: 'accepted',
      principal: {
        id: 'bot',
        issuer: 'api-key',
        type: 'api-key',
        tenant: 'acme',
        // A role that the policy does not know gives nothing.
        roles: ['user'],
        permissions: ['a:b'],
        scopes: ['s'],
        limits: [{ limit: { name: 'own' } }],
        credential: { id: `id-${digest.slice(-4)}`, issued: Math.floor((NOW - 5_500) / 1000) },
      },
    })
    expect(used).toEqual([`id-${digest.slice(-4)}`])
  })

  it('is one principal object as long as its record is the same, so that what derives from it is of use again', () => {
    const { ask } = world({ [digest]: record(digest) })
    const principals = [ask(key), ask(key)].map((found) => 'principal' in found && found.principal)
    expect(principals[0]).toBe(principals[1])
  })

  it.each([
    ['revoked', { status: 'revoked' }, {}, 'key_revoked'],
    ['expired', { expires: '2026-11-20T23:59:59Z' }, {}, 'key_expired'],
    ['at its end', { expires: '2026-11-21T00:00:00Z' }, {}, 'key_expired'],
    ['just before its end', { expires: '2026-11-21T00:00:00.001Z' }, {}, 'accepted'],
    ['not valid yet', { notBefore: '2026-11-21T00:00:01Z' }, {}, 'key_premature'],
    ['valid from now on', { notBefore: '2026-11-21T00:00:00Z' }, {}, 'accepted'],
    ['used from elsewhere', { networks: ['192.168.0.0/16'] }, {}, 'key_network'],
    ['used from where it may be', { networks: ['10.0.0.0/8'] }, {}, 'accepted'],
    ['given a limit that is gone', { limits: ['former'] }, {}, 'key_unusable'],
    ['revoked and expired', { status: 'revoked', expires: '2020-01-01T00:00:00Z' }, {}, 'key_revoked'],
  ] as const)('K05 is judged by its record: %s', (_, part, more, expected) => {
    const { verdict, used } = world({ [digest]: record(digest, part) })
    expect(verdict(key, more)).toBe(expected)
    expect(used).toHaveLength(expected === 'accepted' ? 1 : 0)
  })

  it('that was rotated is good under both secrets until the old one ends, never longer than the key', () => {
    const old = mint('v1')
    const oldDigest = digestOf(old, 'v1')
    const digests = [
      { digest, until: null, start: null },
      { digest: oldDigest, until: NOW + 1000, start: null },
    ]
    const rotated = record(digest, { digests })
    const { verdict } = world({ [digest]: rotated, [oldDigest]: rotated })
    expect([verdict(key), verdict(old)]).toEqual(['accepted', 'accepted'])
    expect(verdict(old, { now: NOW + 1000 })).toBe('key_expired')
    expect(verdict(key, { now: NOW + 1000 })).toBe('accepted')
    const ended = record(digest, { digests, expires: '2026-11-21T00:00:00Z' })
    const late = world({ [digest]: ended, [oldDigest]: ended })
    expect(late.verdict(old)).toBe('key_expired')
  })

  it('that a store hands out for a digest which is not its own is unknown', () => {
    const { verdict } = world({ [digest]: record(digestOf(mint('v2'), 'v2')) })
    expect(verdict(key)).toBe('key_unknown')
  })

  it('can be neither accepted nor rejected while the store does not answer', () => {
    const { verdict, silence } = world({ [digest]: record(digest) })
    silence()
    expect(verdict(key)).toBe('key_unavailable')
  })

  it('is unavailable, which is not rejected, with its cause, where nobody can tell or the record is no good', () => {
    const { ask, silence } = world({ [digest]: record(digest, { limits: ['former'] }) })
    expect(ask(key)).toEqual({
      ...{ is: 'unavailable', reason: 'key_unusable' },
      cause: expect.stringMatching(/has the limit former, which the policy does not define/),
    })
    silence()
    expect(ask(key)).toEqual({ is: 'unavailable', reason: 'key_unavailable', cause: new Error('silent') })
    const odd = { ...record(digest), networks: ['10.0.0.1/8'] }
    expect(world({ [digest]: odd }).ask(key)).toEqual({
      ...{ is: 'unavailable', reason: 'key_unusable' },
      cause: expect.stringMatching(/has networks that cannot be read/),
    })
  })

  it('is taken from everywhere and for ever unless its record says otherwise', () => {
    const { verdict } = world({ [digest]: record(digest) })
    for (const now of [0, NOW, 8.64e15]) expect(verdict(key, { now })).toBe('accepted')
    expect(verdict(key, { from: 'unknown' })).toBe('accepted')
    const near = world({ [digest]: record(digest, { networks: ['192.168.0.0/16', '10.0.0.0/8'] }) })
    expect(
      ['10.0.0.1', '192.168.1.1', '11.0.0.1', 'unknown'].map((from) => near.verdict(key, { from })),
    ).toEqual([...['accepted', 'accepted', 'key_network', 'key_network']])
  })

  it('is asked for only when its form, checksum and tag are right', () => {
    const { verdict, asked } = world({})
    const forged = `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`
    for (const text of ['x', 'ak_', forged, `${key}x`, key.toLowerCase(), `ak_${'0'.repeat(32)}`])
      expect(verdict(text)).toBe('key_unknown')
    expect(asked).toEqual([])
    verdict(key)
    expect(asked).toEqual([digest])
  })

  it('in the imported form is looked up only where such digests exist', () => {
    const legacy = `ak_${'0123456789abcdef'.repeat(2)}`
    const plain = `sha256:${sha256Hex(legacy)}`
    const none = world({ [plain]: record(plain) })
    expect(none.verdict(legacy)).toBe('key_unknown')
    expect(none.asked).toEqual([])
    expect(world({ [plain]: record(plain) }, { imported: true }).verdict(legacy)).toBe('accepted')
  })

  it('works beside keys of the policy, which need no store', () => {
    const other = mint('v2')
    const { ask, verdict, asked, silence } = world(
      { [digest]: record(digest) },
      { own: { 'policy-bot': { digest: digestOf(other, 'v2'), notBefore: '2026-11-21T00:00:00Z' } } },
    )
    expect(verdict(key)).toBe('accepted')
    silence()
    expect(ask(other)).toMatchObject({ is: 'accepted', principal: { id: 'policy-bot' } })
    expect(verdict(other, { now: NOW - 1 })).toBe('key_premature')
    expect(asked).toEqual([digest])
  })
})
