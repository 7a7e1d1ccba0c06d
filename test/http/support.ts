import { AddressSet, parseAddress, parseNetwork } from '../../src/core/address.ts'
import type { Engine } from '../../src/core/engine.ts'
import type { Limit, Quota } from '../../src/core/limit.ts'
import type { Decision, ForwardedRequest, Principal } from '../../src/core/model.ts'
import type { Reason } from '../../src/core/reasons.ts'
import { type AppOptions, createApp } from '../../src/http/app.ts'
import type { RecordFacts } from '../../src/http/record.ts'
import { PROXIES } from '../../src/proxies/index.ts'
import { headerLines, type RecordedCheck } from '../proxies/conformance.ts'
import { portsOf } from '../support/ports.ts'

export const SECRET = 'b0f1c2d3e4a5968778695a4b3c2d1e0f'
export const REQUEST_ID = '0198f1de-0000-7000-8000-000000000001'

export const ann: Principal = {
  id: 'ann',
  issuer: 'https://login.example.com',
  type: 'jwt',
  method: 'jwt:company',
  tenant: 'acme',
  email: 'ann@example.com',
  roles: ['user'],
  permissions: [],
  scopes: [],
  strength: { methods: [], context: null, at: null },
  limits: [],
  credential: { id: 'jti-1', session: null, issued: null },
}

export const IDENTITY = {
  'X-Auth-User': 'ann',
  'X-Auth-Email': 'ann@example.com',
  'X-Auth-Roles': 'user',
  'X-Auth-Permissions': '',
  'X-Auth-Tenant': 'acme',
  'X-Auth-Method': 'jwt:company',
}

/** A decision that allows, or what `part` makes of it. */
export const allow = (part: Partial<Decision> = {}): Decision => ({
  verdict: 'allow',
  reason: null,
  route: 'app',
  principal: ann,
  identity: { ...IDENTITY },
  quotas: [],
  degraded: [],
  request: {
    method: 'GET',
    scheme: 'https',
    host: 'app.example.com',
    path: '/x',
    client: parseAddress('198.51.100.7'),
  },
  challenge: null,
  cause: undefined,
  ...part,
})

export const deny = (reason: Reason, part: Partial<Decision> = {}): Decision =>
  allow({ verdict: 'deny', reason, identity: null, ...part })

export const limit = (name: string, by: Limit['by'], part: Partial<Limit> = {}): Limit => ({
  name,
  by,
  count: 60,
  window: 60_000_000,
  burst: 10,
  interval: 1_000_000,
  ipv6: 64,
  onOutage: 'local',
  ...part,
})

export const quota = (of: Limit, part: Partial<Quota> = {}): Quota => ({
  limit: of,
  ok: true,
  remaining: 4,
  full: 6000,
  wait: 0,
  ...part,
})

/** An engine with every proxy, trusted from 127.0.0.1 and with the secret. */
export const engine = {
  proxies: new Map(
    Object.entries(PROXIES).map(([name, type]) => [
      name,
      {
        adapter: type.adapter({}),
        trusts: ({ peer, headers }) => {
          const secret = headers.lines('x-postern-secret')
          return peer !== null && LOOPBACK.has(peer) && secret.length === 1 && secret[0] === SECRET
        },
        place: null,
      } satisfies Engine['proxies'] extends ReadonlyMap<string, infer Entry> ? Entry : never,
    ]),
  ),
} as unknown as Engine

const loopback = parseNetwork('127.0.0.1/32')
const LOOPBACK = new AddressSet(loopback.ok ? [loopback.network] : [])

/** The header of a sound check in one proxy's contract. */
export function checkOf(proxy: string, target = '/x', method = 'GET'): [string, string][] {
  if (proxy === 'ingress-nginx') {
    return [
      ['X-Postern-Secret', SECRET],
      ['X-Original-Method', method],
      ['X-Original-URL', `https://app.example.com${target}`],
      ['X-Real-IP', '198.51.100.7'],
    ]
  }
  const own =
    proxy === 'nginx' ? ['X-Original-Method', 'X-Original-URI'] : ['X-Forwarded-Method', 'X-Forwarded-Uri']
  return [
    ['X-Postern-Secret', SECRET],
    [own[0] ?? '', method],
    [own[1] ?? '', target],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Host', 'app.example.com'],
    ['X-Forwarded-For', '198.51.100.7'],
  ]
}

export interface Asked {
  /** Path and query of the check itself. */
  readonly url?: string
  readonly method?: string
  readonly peer?: string | null
  readonly lines?: RecordedCheck
  readonly body?: string
}

/** An app in this process, and what it recorded. */
export function appOf(decide: AppOptions['decide'], part: Partial<AppOptions> = {}) {
  const records: { decision: Decision; facts: RecordFacts }[] = []
  let ticks = 0
  let asked: Asked = {}
  const app = createApp({
    engine: () => engine,
    ports: portsOf({ now: () => 1_790_000_000_000, ticks: () => ticks++ }),
    decide,
    surroundings: () => ({
      peer: asked.peer === null ? null : parseAddress(asked.peer ?? '127.0.0.1'),
      certificate: () => null,
      headers: headerLines(asked.lines ?? checkOf('traefik')),
      target: asked.url ?? '/check/traefik',
    }),
    record: (decision, facts) => void records.push({ decision, facts }),
    newRequestId: () => REQUEST_ID,
    random: () => 0,
    ...part,
  })
  const ask = async (what: Asked = {}): Promise<Response> => {
    asked = what
    const { method = 'GET', body } = what
    return app.request(what.url ?? '/check/traefik', { method, ...(body === undefined ? {} : { body }) })
  }
  return { ask, records }
}

/** Remembers what it was asked to decide. */
export function deciding(answer: () => Decision | Promise<Decision>) {
  const seen: ForwardedRequest[] = []
  const decide: AppOptions['decide'] = (request) => {
    seen.push(request)
    return answer()
  }
  return { decide, seen }
}
