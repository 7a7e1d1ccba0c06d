import { parseAddress } from '../../src/core/address.ts'
import { decide } from '../../src/core/decide.ts'
import type { Decision, HeaderLines, Ports } from '../../src/core/model.ts'
import { createApp } from '../../src/http/app.ts'
import type { Surroundings } from '../../src/http/check.ts'
import { type RecordFacts, recordLine } from '../../src/http/record.ts'
import { type CompileOutside, compile } from '../../src/policy/compile.ts'
import { MemoryStore } from '../../src/stores/memory.ts'
import { environmentOf, outsideOf, policyOf } from './policy.ts'
import { portsOf } from './ports.ts'

/** Header lines in order; the same name may stand there twice. */
export type Lines = readonly (readonly [name: string, value: string])[]

/** A request as a client would send it to the proxy in front. */
export interface Asked {
  readonly method?: string
  readonly scheme?: string
  readonly host?: string
  /** Path and query, byte for byte. */
  readonly target?: string
  /** What the proxy writes into X-Forwarded-For. */
  readonly from?: string
  /** Header lines of the client. */
  readonly headers?: Lines
}

export interface Answered {
  readonly status: number
  /** The true status, whatever the proxy can relay. */
  readonly trueStatus: number
  readonly reason: string | null
  readonly headers: Headers
  readonly body: string
  /** The audit line. */
  readonly line: string
  readonly decision: Decision
}

/** A whole service in process: policy, decision, answer and record, behind any proxy's contract. */
export interface Service {
  ask(asked: Asked, proxy?: 'traefik' | 'caddy' | 'nginx' | 'haproxy' | 'envoy'): Promise<Answered>
  /** A check with exactly these lines, from this peer. */
  check(proxy: string, lines: Lines, peer?: string): Promise<Answered>
  pass(milliseconds: number): void
  /** Puts another policy in force. */
  reload(policy: string): void
}

export function serviceOf(
  policy: string,
  options: {
    variables?: Readonly<Record<string, string>>
    outside?: Partial<CompileOutside>
    decide?: typeof decide
    now?: number
    /** Instead of a memory store and a state in which nothing happens. */
    ports?: Partial<Ports>
  } = {},
): Service {
  let now = options.now ?? Date.now()
  const start = now
  const clock = { now: () => now, ticks: () => now - start }
  const outside = outsideOf({ now: clock.now, ...options.outside })
  const policyIn = (text: string) => policyOf(text, environmentOf(options.variables))
  let compiled = compile(policyIn(policy), outside)
  const store = new MemoryStore({ micros: () => (now - start) * 1000, random32: () => 7 })
  const surroundings = new WeakMap<Request, Surroundings>()
  let recorded: { decision: Decision; facts: RecordFacts } | null = null
  let ids = 0
  const app = createApp({
    engine: () => compiled.engine,
    ports: portsOf({ counters: store, local: store, ...clock, ...options.ports }),
    decide: options.decide ?? decide,
    surroundings: (context) => surroundings.get(context.req.raw) as Surroundings,
    record: (decision, facts) => {
      recorded = { decision, facts }
    },
    newRequestId: () => `00000000-0000-4000-8000-${String(ids++).padStart(12, '0')}`,
    random: () => 0,
  })

  async function check(proxy: string, lines: Lines, peer = '127.0.0.1'): Promise<Answered> {
    const request = new Request(`http://postern/check/${proxy}`)
    surroundings.set(request, {
      peer: parseAddress(peer),
      certificate: () => null,
      headers: linesOf(lines),
      target: `/check/${proxy}`,
    })
    recorded = null
    const response = await app.fetch(request)
    if (recorded === null) throw new Error('a check left no record')
    const { decision, facts } = recorded as { decision: Decision; facts: RecordFacts }
    return {
      status: response.status,
      trueStatus: Number(response.headers.get('x-postern-status')),
      reason: decision.reason,
      headers: response.headers,
      body: await response.text(),
      line: recordLine(decision, facts),
      decision,
    }
  }

  return {
    check,
    ask: (asked, proxy = 'traefik') => check(proxy, [...fieldsOf(asked, proxy), ...(asked.headers ?? [])]),
    pass: (milliseconds) => {
      now += milliseconds
    },
    reload: (text) => {
      compiled = compile(policyIn(text), outside, compiled)
    },
  }
}

/** What a proxy's contract puts into a check. */
export function fieldsOf({ method, scheme, host, target, from }: Asked, proxy: string): Lines {
  const own = proxy === 'nginx' ? 'X-Original' : 'X-Forwarded'
  return [
    [`${own}-Method`, method ?? 'GET'],
    [proxy === 'nginx' ? 'X-Original-URI' : 'X-Forwarded-Uri', target ?? '/'],
    ['X-Forwarded-Proto', scheme ?? 'https'],
    ['X-Forwarded-Host', host ?? 'app.example.com'],
    ['X-Forwarded-For', from ?? '203.0.113.9'],
  ]
}

export function linesOf(lines: Lines): HeaderLines {
  return {
    lines: (name) => lines.flatMap(([key, value]) => (key.toLowerCase() === name ? [value] : [])),
    names: () => lines.map(([name]) => name),
  }
}
