/** Decisions of the real engine in this process: a policy as a file would say it, with the ports that Node has. */
import { createHmac } from 'node:crypto'
import { decide } from '../../src/core/decide.ts'
import type { Decision, ForwardedRequest, Ports } from '../../src/core/model.ts'
import type { Soon } from '../../src/core/soon.ts'
import { NodeHeaderLines } from '../../src/node/header-lines.ts'
import { openState } from '../../src/node/state.ts'
import { compile } from '../../src/policy/compile.ts'
import { loadPolicy } from '../../src/policy/load.ts'
import { nodeOutside } from '../../src/ports/node-outside.ts'
import { PROXIES } from '../../src/proxies/index.ts'
import type { State } from '../../src/state/state.ts'

/** An engine with all that it decides by. */
export interface Deciding {
  readonly state: State
  decide(request: ForwardedRequest): Soon<Decision>
  stop(): Promise<void>
}

/** What all policies of this group share; the rest is what grows. */
const BASE = {
  listen: { check: '127.0.0.1:0', health: '127.0.0.1:0' },
  proxies: { traefik: { peers: ['127.0.0.1/32'] } },
  store: 'memory',
  limits: {
    'per-client': { by: 'client', rate: '100000000/hour' },
    'per-principal': { by: 'principal', rate: '100000000/hour' },
  },
}

/** The limits that every route charges. */
export const LIMITS = ['per-client', 'per-principal']

/** A policy as text: JSON, which is YAML as well. */
export const policyOf = (sections: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({ ...BASE, ...sections })

/**
 * @param secrets what the policy refers to
 * @param before what the store holds before the first decision
 */
export async function openEngine(
  text: string,
  secrets: Readonly<Record<string, string>>,
  before: (state: State) => Promise<void> = async () => {},
): Promise<Deciding> {
  const environment = { variable: (name: string) => secrets[name], readFile: () => '' }
  const loaded = loadPolicy(text, { environment, file: 'bench' })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems.slice(0, 3)))
  const outside = nodeOutside(() => {})
  const state = await openState(loaded.policy, outside, (path) => path)
  await before(state)
  await state.start()
  const compiled = compile(loaded.policy, { ...outside, keys: state.knowledge.keys, processes: 1 })
  for (const authenticator of compiled.authenticators) await authenticator.prepare?.()
  const ports: Ports = {
    counters: state.store,
    local: state.local,
    knowledge: state.knowledge,
    now: outside.now,
    ticks: () => performance.now(),
  }
  return {
    state,
    decide: (request) => decide(request, compiled.engine, ports),
    stop: () => state.stop(),
  }
}

/** A request as Traefik describes it. */
export interface Asked {
  readonly host?: string
  readonly path?: string
  readonly client?: string
  readonly token?: string
}

/** The forwarded request that the adapter reads from a check. */
export function requestOf({ host, path, client, token }: Asked): ForwardedRequest {
  const lines = [
    ...['User-Agent', 'bench', 'Accept', '*/*'],
    ...(token === undefined ? [] : ['Authorization', `Bearer ${token}`]),
    ...['X-Forwarded-For', client ?? '203.0.113.9', 'X-Forwarded-Host', host ?? 'app.example.com'],
    ...['X-Forwarded-Method', 'GET', 'X-Forwarded-Proto', 'https'],
    // Flat, as it comes from a socket: text that was put together is still a tree to the engine.
    ...['X-Forwarded-Uri', Buffer.from(path ?? '/app/reports').toString('latin1')],
  ]
  const reading = PROXIES['traefik']?.adapter({}).read(new NodeHeaderLines(lines))
  if (reading?.ok !== true) throw new Error('not a check')
  return reading.request
}

export const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Signs what is given; nothing is too odd. */
export const signedWith = (secret: string, header: string, payload: string): string => {
  const signed = `${header}.${payload}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

const HEADER = base64url({ alg: 'HS256', typ: 'JWT' })

/** A token that is good for an hour. */
export function tokenOf(secret: string, claims: Readonly<Record<string, unknown>>): string {
  const now = Math.floor(Date.now() / 1000)
  return signedWith(secret, HEADER, base64url({ aud: 'bench', iat: now, exp: now + 3600, ...claims }))
}
