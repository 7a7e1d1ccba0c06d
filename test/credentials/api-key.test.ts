import { createHash, createHmac, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { parseAddress } from '../../src/core/address.ts'
import type { HeaderLines } from '../../src/core/model.ts'
import { formOf, mintKey, tagFits } from '../../src/credentials/api-key/form.ts'
import { apiKey } from '../../src/credentials/api-key.ts'
import type { Outside } from '../../src/credentials/contract.ts'
import { secretsIn } from '../../src/schema/secret.ts'
import { noKeys, requestOf } from '../support/ports.ts'

const hmac = (key: string, text: string) => createHmac('sha256', key).update(text).digest('hex')
const pepper = randomBytes(32).toString('hex')
const older = randomBytes(32).toString('hex')
const randomByte = () => randomBytes(1)[0] ?? 0
const mint = (prefix = 'ak', with_ = pepper) => mintKey(prefix, 'acme', with_, hmac, randomByte)
const digestOf = (key: string, version = 'v2', with_ = pepper) => `hmac-sha256:${version}:${hmac(with_, key)}`
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

let hashed = 0
const outside: Outside = {
  now: () => 0,
  random: () => 0,
  background: () => {},
  sha256: (text) => createHash('sha256').update(text).digest('base64url'),
  sha256Hex: (text) => {
    hashed++
    return sha256(text)
  },
  hmacSha256: (key, text) => {
    hashed++
    return hmac(key, text)
  },
  fetchText: () => Promise.reject(new Error('no fetch here')),
  report: () => {},
  keys: noKeys,
}

const values: Record<string, string> = { OLD: older, NEW: pepper }

function parsed(section: object) {
  const output = apiKey.section?.schema.parse(section)
  for (const { secret } of secretsIn(output)) {
    if ('env' in secret.source) secret.resolve(values[secret.source.env] ?? '')
  }
  return output
}

function keyring(keys: Record<string, object>, more: object = {}) {
  const section = parsed({ peppers: { v1: '${OLD}', v2: '${NEW}' }, keys, ...more })
  const limitUse = (name: string) => ({
    limit: {
      name,
      by: ['principal' as const],
      count: 1,
      window: 1,
      burst: 1,
      interval: 1,
      ipv6: 64,
      onOutage: 'local' as const,
    },
    cost: 1,
  })
  const authenticator = apiKey.create(section, {
    outside,
    limitUse,
    roles: new Set(['user']),
    limits: new Set(['tight']),
    keep: (_, make) => make(),
  })
  return (key: string | string[] | null, { now = 0, from = '10.0.0.1', header = 'x-api-key' } = {}) => {
    const list = key === null ? [] : Array.isArray(key) ? key : [key]
    const headers: HeaderLines = { lines: (name) => (name === header ? list : []), names: () => [] }
    const answer = authenticator.authenticate(requestOf({ headers, client: parseAddress(from), now }), null)
    if (answer instanceof Promise) throw new Error('an API key is judged at once')
    expect(authenticator).toMatchObject({ type: 'api-key', fallback: false })
    if ('reason' in answer) expect(answer.is).toBe('rejected')
    return answer.is === 'accepted' ? answer.principal.id : answer.is === 'absent' ? 'absent' : answer.reason
  }
}

describe('the form of a key', () => {
  it('is one that a secret scanner finds, and every fresh key has it', () => {
    fc.assert(
      fc.property(fc.constantFrom('ak', 'ak_live', 'ak_test'), fc.string(), (prefix, tenant) => {
        const key = mintKey(prefix, tenant, pepper, hmac, randomByte)
        expect(key).toMatch(/^ak(?:_live|_test)?_[0-9A-Za-z]{51}$/)
        expect(formOf(key, prefix)).toBe('own')
        expect(tagFits(key, pepper, hmac)).toBe(true)
        expect(tagFits(key, older, hmac)).toBe(false)
      }),
      { numRuns: 50 },
    )
  })

  it('shares its locator among the keys of a tenant, and nothing else', () => {
    const [one, two] = [mint(), mint()]
    expect(one.slice(3, 11)).toBe(two.slice(3, 11))
    expect(one.slice(11, 43)).not.toBe(two.slice(11, 43))
  })

  it('takes every character with the same chance', () => {
    const counts = new Map<string, number>()
    let byte = 0
    for (let i = 0; i < 62; i++) {
      const key = mintKey('ak', 't', pepper, hmac, () => byte++ % 256)
      for (const char of key.slice(11, 43)) counts.set(char, (counts.get(char) ?? 0) + 1)
    }
    expect(counts.size).toBe(62)
    expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(8)
  })

  it('K02 shows any mangled character by its checksum', () => {
    const key = mint()
    fc.assert(
      fc.property(fc.integer({ min: 3, max: key.length - 1 }), fc.constantFrom(...'0Az9'), (at, char) => {
        if (key[at] === char) return
        expect(formOf(key.slice(0, at) + char + key.slice(at + 1), 'ak')).toBeNull()
      }),
    )
  })
})

describe('an API key', () => {
  const key = mint()
  const imported = `ak_${'0123456789abcdef'.repeat(2)}`
  const ask = keyring({
    bot: { digest: digestOf(key), roles: ['user'], limits: ['own'] },
    old: { digest: `sha256:${sha256(imported)}` },
    expiring: { digest: digestOf('x'), expires: '2027-06-01T00:00:00Z' },
  })

  it('is accepted as the principal that its digest names', () => {
    expect(ask(key)).toBe('bot')
  })

  it('imported from elsewhere keeps working by its plain SHA-256', () => {
    expect(ask(imported)).toBe('old')
    expect(ask(`ak_${'f'.repeat(32)}`)).toBe('key_unknown')
  })

  it('of the imported form is not even hashed where no such digest exists', () => {
    const own = keyring({ bot: { digest: digestOf(key) } })
    hashed = 0
    expect(own(imported)).toBe('key_unknown')
    expect(hashed).toBe(0)
  })

  it('is absent when there is none, and presented when the header is empty', () => {
    expect(ask(null)).toBe('absent')
    expect(ask('')).toBe('credential_malformed')
  })

  it.each([
    ['truncated', key.slice(0, -1)],
    ['extended', `${key}a`],
    ['in other case', key.toUpperCase()],
    ['with a trailing space', `${key} `],
    ['with a NUL', `${key}\0`],
    ['with another prefix', key.replace('ak_', 'sk_')],
    ['of another environment', mint('ak_test')],
    ['forged with a good checksum', mint('ak', randomBytes(32).toString('hex'))],
    ['never issued', mint()],
  ])('K01 K02 K05 is refused when it is %s', (_, text) => expect(ask(text)).toBe('key_unknown'))

  it('K01 costs the same work whether its secret is nearly right or all wrong', () => {
    const work = (text: string) => {
      hashed = 0
      ask(text)
      return hashed
    }
    expect(work(mint())).toBe(work(mint()))
    const forged = () => mint('ak', randomBytes(32).toString('hex'))
    expect(work(forged())).toBe(work(forged()))
    expect(work(key)).toBe(work(mint()))
  })

  it('K04 of 100 kB, or a thousand in one header, is refused before anything is hashed', () => {
    hashed = 0
    expect(ask('a'.repeat(100_000))).toBe('credential_malformed')
    expect(ask(Array<string>(1000).fill(key).join(','))).toBe('credential_malformed')
    expect(hashed).toBe(0)
  })

  it('may be 256 characters long, and is looked at no further when it is longer', () => {
    expect(ask('a'.repeat(256))).toBe('key_unknown')
    expect(ask('a'.repeat(257))).toBe('credential_malformed')
    expect(ask(`${'a'.repeat(255)},`)).toBe('credential_repeated')
  })

  it('sent on two lines is refused', () => {
    expect(ask([key, key])).toBe('credential_repeated')
    // As Envoy and some runtimes join them.
    for (const comma of [',', ', ']) expect(ask(`${key}${comma}${key}`)).toBe('credential_repeated')
  })

  it('K05 is refused from the moment it expires', () => {
    const mortal = keyring({ bot: { digest: digestOf(key), expires: '2027-06-01T00:00:00Z' } })
    const end = Date.parse('2027-06-01T00:00:00Z')
    expect(mortal(key, { now: end - 1 })).toBe('bot')
    expect(mortal(key, { now: end })).toBe('key_expired')
  })

  it('is refused outside of its networks', () => {
    const local = keyring({ bot: { digest: digestOf(key), networks: ['10.0.0.0/8'] } })
    expect(local(key)).toBe('bot')
    expect(local(key, { from: '203.0.113.9' })).toBe('key_network')
    expect(local(key, { from: 'unknown' })).toBe('key_network')
  })

  it('is refused before its time, and good from the first moment of it', () => {
    const coming = keyring({ bot: { digest: digestOf(key), notBefore: '2027-06-01T00:00:00Z' } })
    const start = Date.parse('2027-06-01T00:00:00Z')
    expect([start - 1, start].map((now) => coming(key, { now }))).toEqual(['key_premature', 'bot'])
  })

  it('made under an older pepper verifies as long as that pepper is there', () => {
    const past = mint('ak', older)
    expect(keyring({ bot: { digest: digestOf(past, 'v1', older) } })(past)).toBe('bot')
  })

  it('is read from the header that the policy names, and from no other', () => {
    const other = keyring({ bot: { digest: digestOf(key) } }, { header: 'X-Team-Key' })
    expect(other(key, { header: 'x-team-key' })).toBe('bot')
    expect(other(key, { header: 'x-api-key' })).toBe('absent')
  })

  it('never throws, whatever the header holds', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void ask(text)))
  })
})

describe('the principal of a key of the policy', () => {
  it('is what the policy says of it, and nothing else', () => {
    const key = mint()
    const given = {
      tenant: 'acme',
      email: 'a@example.com',
      roles: ['user'],
      permissions: ['a:b'],
      scopes: ['s'],
    }
    const principals = [given, {}].map((part) => {
      const authenticator = apiKey.create(
        parsed({ peppers: { v2: '${NEW}' }, keys: { bot: { digest: digestOf(key), ...part } } }),
        {
          ...{ outside, roles: new Set<string>(), limits: new Set<string>() },
          limitUse: () => expect.unreachable(),
          keep: (_, make) => make(),
        },
      )
      const headers: HeaderLines = { lines: (name) => (name === 'x-api-key' ? [key] : []), names: () => [] }
      const answer = authenticator.authenticate(requestOf({ headers }), null)
      return 'principal' in answer ? answer.principal : null
    })
    const own = { id: 'bot', issuer: 'api-key', type: 'api-key', method: 'api-key', limits: [] }
    const more = {
      strength: { methods: [], context: null, at: null },
      credential: { id: 'bot', session: null, issued: null },
    }
    expect(principals).toEqual([
      { ...own, ...more, ...given },
      { ...own, ...more, tenant: null, email: null, roles: [], permissions: [], scopes: [] },
    ])
    expect(principals.every(Object.isFrozen)).toBe(true)
  })
})

describe('the section of the policy', () => {
  const problems = (section: object) => {
    const found: string[] = []
    apiKey.inspect(parsed(section), {
      roles: new Set(['user']),
      limits: new Set(['own']),
      problem: (path, message) => found.push(`${path.join('.')} ${message}`),
    })
    return found
  }

  it('names roles, limits and peppers that do not exist, digests given twice, and weak peppers', () => {
    const digest = digestOf('x', 'v9')
    values['WEAK'] = 'changeme-changeme-changeme-changeme'
    const found = problems({
      peppers: { v1: '${WEAK}' },
      keys: { a: { digest, roles: ['usr'], limits: ['won'] }, b: { digest } },
    })
    expect(found).toHaveLength(6)
    expect(found.join('\n')).toContain('did you mean `user`?')
    expect(found.join('\n')).toContain('is a placeholder')
    expect(found.join('\n')).not.toContain('changeme')
  })

  it('says where each problem is and what to do about it', () => {
    values['GOOD'] = pepper
    values['NONE'] = 'no digest'
    const digest = digestOf('x', 'v1')
    const bot = (part: object) => problems({ peppers: { v1: '${GOOD}' }, keys: { bot: { digest, ...part } } })
    expect(bot({ roles: ['user'], limits: ['own'] })).toEqual([])
    expect(bot({ roles: ['user', 'usr'] })).toEqual([
      expect.stringMatching(/^keys\.bot\.roles\.1 `usr` is not a role: .*`user`/),
    ])
    expect(bot({ limits: ['own', 'won'] })).toEqual([
      expect.stringMatching(/^keys\.bot\.limits\.1 `won` is not a limit: /),
    ])
    expect(bot({ digest: digestOf('x', 'v9') })).toEqual([
      expect.stringMatching(/^keys\.bot\.digest was made with pepper `v9`, which `peppers` does not hold: /),
    ])
    expect(bot({ digest: '${NONE}' })).toEqual([
      expect.stringMatching(
        /^keys\.bot\.digest refers to something that is not a digest: it must hold "hmac-sha256/,
      ),
    ])
    expect(bot({ digest: '${UNRESOLVED}' })).toHaveLength(1)
    expect(
      problems({ keys: { a: { digest: `sha256:${sha256('x')}` }, b: { digest: `sha256:${sha256('x')}` } } }),
    ).toEqual(['keys.b.digest is also the digest of `a`: give every key its own'])
    values['WEAK'] = 'x'.repeat(64)
    expect(problems({ peppers: { v1: '${WEAK}' } })).toEqual([
      expect.stringMatching(/^peppers\.v1 .+: use at least 32 random bytes, as from openssl rand -hex 32$/),
    ])
  })

  it('skips what could not be resolved, which is told elsewhere', () => {
    const section = apiKey.section?.schema.parse({
      peppers: { v1: '${A}' },
      keys: { a: { digest: '${B}' }, b: { digest: '${C}' } },
    })
    const found: string[] = []
    apiKey.inspect(section, {
      roles: new Set(),
      limits: new Set(),
      problem: (_, message) => found.push(message),
    })
    expect(found).toEqual([])
  })

  it('takes the header as the only place, and no variants', () => {
    const section = parsed({ header: 'X-Team-Key' })
    expect(apiKey.places(section)).toEqual(['X-Team-Key'])
    expect(apiKey.variants(section)).toBeNull()
    expect(apiKey.type).toBe('api-key')
  })

  it('refuses a literal pepper and says how to refer to one', () => {
    const result = apiKey.section?.schema.safeParse({ peppers: { v1: 'f00f00f00' } })
    expect(z.prettifyError(result?.error as z.ZodError)).toContain('is a literal secret')
  })
})
