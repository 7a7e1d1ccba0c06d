import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { strong } from '../support/policy.ts'
import { quietKnowledge } from '../support/ports.ts'
import { type Asked, serviceOf } from '../support/service.ts'

/** Of the form of keys that are imported. */
const KEY = `ak_${'0123456789abcdef'.repeat(2)}`

const POLICY = `
proxies: { traefik: { peers: [127.0.0.1] } }
store: memory
apiKeys:
  peppers: { v1: "\${PEPPER}" }
  keys: { bot: { digest: "sha256:${createHash('sha256').update(KEY).digest('hex')}" } }
limits: { one: { by: client, rate: 1/minute } }
routes:
  open: { match: { path: /open }, credentials: [anonymous] }
  keyed: { match: { path: /keyed }, credentials: [api-key, anonymous] }
  near: { match: { path: /near }, networks: { allow: [10.0.0.0/8] }, credentials: [anonymous] }
  few: { match: { path: /few }, limits: [one], credentials: [anonymous] }
  page: { match: { path: /page, methods: [POST] }, preflight: allow, credentials: [api-key] }
  able: { match: { path: /able }, require: { roles: [admin] }, credentials: [api-key] }
  files: { match: { path: /files/** }, credentials: [anonymous] }
roles: { admin: {} }
`

/** What a decision tells of its steps, and the reason that it ends with. */
async function told(asked: Asked, { times = 1, ports = {} }: { times?: number; ports?: object } = {}) {
  const steps: [string, string][] = []
  const with_ = { variables: { PEPPER: strong('pepper') }, now: 1_795_219_200_000 }
  const silent = serviceOf(POLICY, { ...with_, ports })
  const traced = serviceOf(POLICY, {
    ...with_,
    ports: { ...ports, trace: (step: string, text: string) => void steps.push([step, text]) },
  })
  let reason: string | null = null
  for (let i = 0; i < times; i++) {
    steps.length = 0
    const answer = await traced.ask(asked)
    reason = answer.reason
    // Whoever listens changes nothing.
    expect((await silent.ask(asked)).reason).toBe(reason)
    expect(answer.decision.verdict).toBe(reason === null ? 'allow' : 'deny')
  }
  for (const [step, text] of steps) expect([step, text.trim().length > 0]).toEqual([step, true])
  return { reason, steps: steps.map(([step]) => step), text: steps.map((step) => step.join(': ')).join('\n') }
}

const START = ['request', 'bans', 'headers', 'reading', 'route', 'known limits', 'networks']

describe('the steps that a decision tells', () => {
  it('are all of them where it passes, in the order in which they are taken', async () => {
    const { steps, text, reason } = await told({ target: '/open?q' })
    expect(reason).toBeNull()
    expect(steps).toEqual([...START.filter((step) => step !== 'bans'), 'credential', 'requirements'])
    expect(text).toContain('request: GET https://app.example.com/open from 203.0.113.9')
    expect(text).toContain('headers: none stands for an identity header')
    expect(text).toContain('reading: /open (as sent)')
    expect(text).toContain('route: open')
    expect(text).toContain('known limits: none is known to be used up')
    expect(text).toContain('networks: the client may use the route')
    expect(text).toMatch(/^credential: anonymous: accepted$/m)
    expect(text).toContain('requirements: all met')
  })

  it('name each reading of the path, and how it comes about', async () => {
    const { text } = await told({ target: '/files/A%2Fb' })
    expect(text).toContain('reading: /files/A%2Fb (as sent)')
    expect(text).toMatch(/reading: \/files\/a\/b \(.+\)/)
    expect(text).toContain('reading: /files/A%2Fb (decoded)')
  })

  it.each<[string, Asked, string, RegExp]>([
    [
      'a field that is not of its form',
      { host: 'a b' },
      'request_malformed',
      /^request: the host is not a host name$/m,
    ],
    [
      'a method that is not known',
      { method: 'BREW' },
      'request_malformed',
      /^request: the method is not known$/m,
    ],
    [
      'another scheme',
      { scheme: 'ftp' },
      'request_malformed',
      /^request: the scheme is neither http nor https$/m,
    ],
    [
      'an alias of a header',
      { headers: [['X_Auth_User', 'root']] },
      'header_alias',
      /^headers: X_Auth_User stands for/m,
    ],
    ['a path that nobody sends', { target: '/a/../b' }, 'path_malformed', /^path: .*dot segment/m],
    ['a path of two routes', { target: '/files%2F..' }, 'path_malformed', /^path: /m],
    ['a path that two read differently', { target: '/open;x' }, 'path_ambiguous', /^route: .*\(.+\)$/m],
    ['no route', { target: '/none' }, 'route_missing', /^route: none matches$/m],
    ['another network', { target: '/near' }, 'network_denied', /^networks: network_denied$/m],
    [
      'a credential that is none',
      { target: '/keyed', headers: [['X-API-Key', 'x']] },
      'key_unknown',
      /^credential: api-key: rejected \(key_unknown\)$/m,
    ],
    [
      'a role that is missing',
      { target: '/able', headers: [['X-API-Key', KEY]] },
      'role_missing',
      /^requirements: role_missing$/m,
    ],
  ])('end with what denies: %s', async (_, asked, reason, step) => {
    const found = await told(asked)
    expect(found.reason).toBe(reason)
    expect(found.text).toMatch(step)
  })

  it('tell what limits have left, when they are used up, and that this is known then', async () => {
    expect((await told({ target: '/few' })).text).toContain('limit: one: 0 left')
    expect((await told({ target: '/few' }, { times: 2 })).text).toContain('limit: one: used up for 60000 ms')
    expect((await told({ target: '/few' }, { times: 3 })).text).toContain('known limits: one is used up')
  })

  it('tell of a preflight that it passes, and by which route', async () => {
    const headers: [string, string][] = [
      ['Origin', 'https://a.example'],
      ['Access-Control-Request-Method', 'POST'],
    ]
    const { reason, text } = await told({ method: 'OPTIONS', target: '/page', headers })
    expect(reason).toBeNull()
    expect(text).toContain('route: page')
    expect(text).toContain('preflight: passes without a credential')
  })

  it('tell of a ban, a revocation, a shield and a store that was never heard of', async () => {
    const asked = { target: '/open' }
    const knows = (part: object) => ({ ports: { knowledge: { ...quietKnowledge, ...part } } })
    const banned = await told(asked, knows({ banned: () => true }))
    expect([banned.reason, banned.text]).toEqual([
      'client_banned',
      expect.stringContaining('bans: the client is banned'),
    ])
    const spared = serviceOf(`${POLICY}bans: { failures: 10/5m, never: [203.0.113.0/24] }\n`, {
      ...{ variables: { PEPPER: strong('pepper') }, now: 1_795_219_200_000 },
      ports: { knowledge: { ...quietKnowledge, banned: () => true } },
    })
    expect((await spared.ask(asked)).reason).toBeNull()
    expect((await spared.ask({ ...asked, from: '203.0.114.9' })).reason).toBe('client_banned')
    const revoked = await told(asked, knows({ revoked: () => true }))
    expect([revoked.reason, revoked.text]).toEqual([
      'credential_revoked',
      expect.stringContaining('revocation: the credential was revoked'),
    ])
    const unknown = await told(asked, knows({ revoked: () => null }))
    expect([unknown.reason, unknown.text]).toEqual([
      'revocations_unavailable',
      expect.stringContaining('revocation: the store has never answered'),
    ])
    for (const admits of [true, false]) {
      const shield = await told(asked, { ports: { shield: { admits: () => admits } } })
      expect(shield.reason).toBe(admits ? null : 'shield_exceeded')
      expect(shield.text).toContain(
        admits ? 'shield: lets the client go on' : 'shield: holds the client back',
      )
    }
  })

  it('name a client that is not known', async () => {
    const shield = { admits: () => expect.unreachable('nobody can count whom nobody can tell') }
    const { text, reason } = await told({ target: '/open', from: 'unknown' }, { ports: { shield } })
    expect(text).toContain('from an unknown client')
    expect(reason).toBeNull()
  })
})
