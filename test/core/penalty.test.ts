import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Charge } from '../../src/core/model.ts'
import { hmacSha256 } from '../../src/ports/node-crypto.ts'
import { Knowledge } from '../../src/state/knowledge.ts'
import { MemoryStore } from '../../src/stores/memory.ts'
import { strong } from '../support/policy.ts'
import { type Lines, serviceOf } from '../support/service.ts'

const NOW = 1_795_219_200_000
const SECRET = strong('penalty')
const ISSUER = 'https://login.example.com'

const POLICY = `
proxies: { traefik: { peers: [127.0.0.1] } }
store: memory
issuers:
  company: { issuer: "${ISSUER}", audience: [app], keys: { secret: "\${SECRET}" }, algorithms: [HS256] }
apiKeys: { prefix: ak, keys: { bot: { digest: "sha256:${'0'.repeat(64)}", expires: 2020-01-01T00:00:00Z } } }
limits: { per-client: { by: client, rate: 1000/minute } }
bans: { failures: 10/5m, first: 10m, longest: 1h, never: [198.51.100.0/24] }
routes:
  open: { match: { path: /open }, credentials: [anonymous] }
  app: { match: { path: /app }, credentials: [jwt:company, api-key], limits: [per-client] }
  admin: { match: { path: /admin }, credentials: [jwt:company], require: { roles: [admin] } }
roles: { admin: {} }
`

const b64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function token(claims: object = {}, secret = SECRET): Lines {
  const seconds = NOW / 1000
  const payload = { iss: ISSUER, aud: 'app', sub: 'ann', iat: seconds, exp: seconds + 36_000, ...claims }
  const signed = `${b64({ alg: 'HS256' })}.${b64(payload)}`
  return [
    ['Authorization', `Bearer ${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`],
  ]
}

function world() {
  let now = NOW
  let tried = 0
  const memory = new MemoryStore({ micros: () => (now - NOW) * 1000, random32: () => 9, now: () => now })
  const charges: (readonly Charge[])[] = []
  const reports: Readonly<Record<string, unknown>>[] = []
  const knowledge = new Knowledge(memory, {
    lasting: true,
    background: () => {},
    maxStale: 60_000,
    now: () => now,
    ticks: () => now - NOW,
    report: (event, details) => void reports.push({ event, ...details }),
    announce: () => {},
    used: () => {},
  })
  const service = serviceOf(POLICY, {
    variables: { SECRET },
    now: NOW,
    outside: {
      keys: knowledge.keys,
      // Every token that is looked at is hashed first.
      sha256: (text) => {
        tried++
        return hmacSha256('', text)
      },
    },
    ports: {
      knowledge,
      local: memory,
      counters: {
        charge: (due) => {
          charges.push(due)
          return memory.charge(due)
        },
        size: () => 0,
      },
    },
  })
  const ask = async (headers: Lines, from = '203.0.113.9', target = '/app') =>
    (await service.ask({ headers, from, target })).reason
  const pass = (milliseconds: number): void => {
    now += milliseconds
    service.pass(milliseconds)
  }
  return { ask, pass, charges, reports, tried: () => tried }
}

const wrong = (): Lines => token({}, 'somebody else, 32 bytes or more .')

describe('the penalty box', () => {
  it('bans a client after as many wrong credentials as the policy says, before any cryptography, and lets it in again', async () => {
    const { ask, pass, reports, tried } = world()
    for (let i = 0; i < 10; i++) expect(await ask(wrong())).toBe('credential_invalid')
    expect(await ask(token())).toBeNull()
    expect(await ask(wrong())).toBe('credential_invalid')
    const before = tried()
    for (const target of ['/app', '/open', '/nowhere']) {
      expect(await ask(token(), '203.0.113.9', target)).toBe('client_banned')
    }
    expect(tried()).toBe(before)
    expect(reports).toHaveLength(1)
    expect(reports[0]).toMatchObject({ event: 'client_banned', client: '203.0.113.9', level: 0 })
    pass(600_000)
    expect(await ask(token())).toBeNull()
  })

  it('counts by the client alone, so that nobody is locked out by what others claim', async () => {
    const { ask } = world()
    for (let i = 0; i < 20; i++) await ask(wrong(), '203.0.113.66')
    expect(await ask(token(), '203.0.113.66')).toBe('client_banned')
    expect(await ask(token(), '203.0.113.67')).toBeNull()
    expect(await ask(wrong(), '203.0.113.67')).toBe('credential_invalid')
  })

  it('takes an IPv6 network of 64 bits for one client', async () => {
    const { ask } = world()
    for (let i = 0; i < 11; i++) await ask(wrong(), `2001:db8::${i + 1}`)
    expect(await ask(token(), '2001:db8::ffff')).toBe('client_banned')
    expect(await ask(token(), '2001:db8:0:1::1')).toBeNull()
  })

  it('forgives failures that come slower than the policy minds', async () => {
    const { ask, pass } = world()
    for (let i = 0; i < 50; i++) {
      expect(await ask(wrong())).toBe('credential_invalid')
      pass(30_000)
    }
  })

  it.each([
    ['nothing at all', () => [] as Lines, '/app', 'credential_missing'],
    ['a token that has expired', () => token({ exp: NOW / 1000 - 3600 }), '/app', 'credential_expired'],
    ['a good token that lacks a role', () => token(), '/admin', 'role_missing'],
  ] as const)('does not mind %s', async (_, headers, target, reason) => {
    const { ask, reports } = world()
    for (let i = 0; i < 30; i++) expect(await ask(headers(), '203.0.113.9', target)).toBe(reason)
    expect(reports).toEqual([])
  })

  it.each([
    ['a token that does not verify', wrong, 'credential_invalid'],
    ['a token of an unknown issuer', () => token({ iss: 'https://evil.example' }), 'issuer_refused'],
    ['what is no token', () => [['Authorization', 'Bearer x']] as Lines, 'credential_malformed'],
    ['a key that nobody has', () => [['X-API-Key', `ak_${'f'.repeat(32)}`]] as Lines, 'key_unknown'],
    ['what is no key', () => [['X-API-Key', 'letmein']] as Lines, 'key_unknown'],
  ] as const)('counts %s', async (_, headers, reason) => {
    const { ask } = world()
    for (let i = 0; i < 11; i++) expect(await ask(headers())).toBe(reason)
    expect(await ask(headers())).toBe('client_banned')
  })

  it('never bans the networks that the policy spares, nor a client whose address is unknown', async () => {
    const { ask, reports } = world()
    for (let i = 0; i < 30; i++) expect(await ask(wrong(), '198.51.100.7')).toBe('credential_invalid')
    for (let i = 0; i < 30; i++) expect(await ask(wrong(), 'unknown')).toBe('credential_invalid')
    expect(reports).toEqual([])
  })

  it('is charged in the same trip as the limits of the client, and shows no quota of its own', async () => {
    const { ask, charges } = world()
    await ask(wrong())
    expect(charges).toHaveLength(1)
    expect(charges[0]?.map(({ key }) => key.split('|')[0])).toEqual(['per-client', '(failures)'])
    await ask(token())
    expect(charges[1]?.map(({ key }) => key.split('|')[0])).toEqual(['per-client'])
  })

  it('is one ban, however many wrong credentials come at the same time', async () => {
    const { ask, reports } = world()
    await Promise.all(Array.from({ length: 200 }, () => ask(wrong())))
    expect(reports).toHaveLength(1)
  })
})
