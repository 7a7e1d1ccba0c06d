/** Decisions with three limits, in this process and through `postern serve`. */
import { createHmac, randomBytes } from 'node:crypto'
import { decide } from '../../src/core/decide.ts'
import type { ForwardedRequest, Ports } from '../../src/core/model.ts'
import { NodeHeaderLines } from '../../src/node/header-lines.ts'
import { openState } from '../../src/node/state.ts'
import { compile } from '../../src/policy/compile.ts'
import { loadPolicy } from '../../src/policy/load.ts'
import { nodeOutside } from '../../src/ports/node-outside.ts'
import { PROXIES } from '../../src/proxies/index.ts'
import type { Environment } from '../../src/schema/environment.ts'
import type { State } from '../../src/state/state.ts'

export const SECRETS = {
  BENCH_PROXY: randomBytes(32).toString('hex'),
  BENCH_TOKEN: randomBytes(32).toString('hex'),
}

/** Principals that take turns. */
export const SUBJECTS = 64
/** Buckets that live longer than the bench. */
const RATE = 'rate: 1000000/hour, burst: 1000000'

/** @param store what stands behind `store:` */
export const policyOf = (store: string): string => `
listen: { check: 127.0.0.1:0, health: 127.0.0.1:0 }
proxies: { traefik: { peers: [127.0.0.1/32], secret: "\${BENCH_PROXY}" } }
store: ${store}
issuers:
  bench:
    issuer: https://issuer.bench.example
    audience: [bench]
    keys: { secret: "\${BENCH_TOKEN}" }
    algorithms: [HS256]
    claims: { tenant: tenant }
limits:
  per-client: { by: client, ${RATE} }
  per-principal: { by: principal, ${RATE} }
  per-tenant: { by: tenant, ${RATE} }
routes:
  app: { match: { path: /app/** }, credentials: ["jwt:bench"], limits: [per-client, per-principal, per-tenant] }
`

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function token(subject: number): string {
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    iss: 'https://issuer.bench.example',
    aud: 'bench',
    sub: `s${subject}`,
    tenant: `t${subject % 8}`,
  }
  const signed = [
    base64url({ alg: 'HS256', typ: 'JWT' }),
    base64url({ ...claims, iat: now, exp: now + 3600 }),
  ].join('.')
  return `${signed}.${createHmac('sha256', SECRETS.BENCH_TOKEN).update(signed).digest('base64url')}`
}

/** Header lines of a check as Traefik sends it, names and values by turns, of each subject. */
const LINES = Array.from({ length: SUBJECTS }, (_, subject) => [
  ...[
    'Host',
    '127.0.0.1:8081',
    'User-Agent',
    'bench',
    'Accept',
    '*/*',
    'Authorization',
    `Bearer ${token(subject)}`,
  ],
  ...[
    'X-Forwarded-For',
    `203.0.113.${subject}`,
    'X-Forwarded-Host',
    'app.example.com',
    'X-Forwarded-Method',
    'GET',
  ],
  ...[
    'X-Forwarded-Proto',
    'https',
    'X-Forwarded-Uri',
    '/app/reports',
    'X-Postern-Secret',
    SECRETS.BENCH_PROXY,
  ],
])

/** The bytes of a check of each subject. */
export const CHECKS = LINES.map((lines) => {
  const header = lines.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${lines[index + 1]}\r\n`] : []))
  return `GET /check/traefik HTTP/1.1\r\n${header.join('')}\r\n`
})

/** Decides in this process, with everything in place but HTTP and the audit line. */
export interface Deciding {
  readonly state: State
  /** @throws when the decision is no allow by the store */
  decide(subject: number): Promise<void>
  stop(): Promise<void>
}

export async function startDeciding(store: string): Promise<Deciding> {
  const loaded = loadPolicy(policyOf(store), { environment: ENVIRONMENT, file: 'bench' })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  const outside = nodeOutside(() => {})
  const state = await openState(loaded.policy, outside, (path) => path)
  await state.start()
  const { engine } = compile(loaded.policy, { ...outside, keys: state.knowledge.keys, processes: 1 })
  const ports: Ports = {
    counters: state.store,
    local: state.local,
    knowledge: state.knowledge,
    now: outside.now,
    ticks: () => performance.now(),
  }
  const requests = LINES.map(requestOf)
  return {
    state,
    decide: async (subject) => {
      const { verdict, reason, degraded } = await decide(requests[subject] as ForwardedRequest, engine, ports)
      if (verdict !== 'allow' || degraded.length > 0) throw new Error(`not allowed: ${reason} ${degraded}`)
    },
    stop: () => state.stop(),
  }
}

const ENVIRONMENT: Environment = {
  variable: (name) => SECRETS[name as keyof typeof SECRETS],
  readFile: () => '',
}

const requestOf = (lines: readonly string[]): ForwardedRequest => {
  const reading = PROXIES['traefik']?.adapter({}).read(new NodeHeaderLines(lines))
  if (reading?.ok !== true) throw new Error('not a check')
  return reading.request
}
