import { createHash, randomBytes } from 'node:crypto'
import type { Hono } from 'hono'
import { createAdmin } from '../../src/admin/app.ts'
import type { Facts } from '../../src/admin/facts.ts'
import { parseAddress } from '../../src/core/address.ts'
import { equalText } from '../../src/ports/equal-text.ts'
import { hmacSha256, sha256Hex } from '../../src/ports/node-crypto.ts'
import type { Store } from '../../src/stores/contract.ts'
import { MemoryStore } from '../../src/stores/memory.ts'
import { strong } from '../support/policy.ts'

export const DAY = 86_400_000

/** Tokens in the clear, as a client has them. */
export const WRITER = `postern_${'w'.repeat(43)}`
export const OTHER = `postern_${'o'.repeat(43)}`
export const READER = `postern_${'r'.repeat(43)}`
const digestOf = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`

export const PEPPER = strong('pepper')

export const FACTS: Facts = {
  roles: new Set(['user', 'admin']),
  limits: new Set(['per-principal']),
  issuers: [{ name: 'company', issuer: 'https://login.example.com' }],
  apiKeys: {
    prefix: 'ak_live',
    peppers: [
      ['v1', strong('older')],
      ['v2', PEPPER],
    ],
    policyKeys: new Map([[`sha256:${'e'.repeat(64)}`, 'build-bot']]),
  },
  spared: [],
  tokens: [
    { name: 'ops', digest: digestOf(WRITER), role: 'writer' },
    { name: 'other', digest: digestOf(OTHER), role: 'writer' },
    { name: 'board', digest: digestOf(READER), role: 'reader' },
  ],
  limit: { interval: 1, burst: 1_000_000 },
}

/** One answer, with the body as text too, so that it can be searched for what must not be in it. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what the tests look at
  readonly body: any
}

export interface Admin {
  readonly app: Hono
  readonly store: Store
  readonly lines: string[]
  readonly reports: string[]
  changes(): number
  pass(milliseconds: number): void
  now(): number
  set(part: Partial<Facts>): void
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>
}

export interface AskOptions {
  readonly token?: string | null
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** An admin API on a store of its own, with a clock that the test moves. @param learn ends when the instance knows */
export function adminOf(
  facts: Partial<Facts> = {},
  store?: Store,
  learn: () => Promise<void> = async () => {},
): Admin {
  let now = Date.parse('2026-11-21T12:00:00Z')
  let changes = 0
  let current = { ...FACTS, ...facts }
  const lines: string[] = []
  const reports: string[] = []
  const kept = store ?? new MemoryStore({ now: () => now, micros: () => now * 1000, random32: () => 7 })
  const app = createAdmin({
    version: '0.0.0',
    store: kept,
    facts: () => current,
    outside: {
      now: () => now,
      hmacSha256,
      sha256Hex,
      equalText,
      randomBytes: (count) => randomBytes(count),
      report: (event, details) => void reports.push(JSON.stringify({ event, ...details })),
    },
    audit: (line) => void lines.push(line),
    changed: () => {
      changes++
      return learn()
    },
    peer: () => parseAddress('192.0.2.1'),
  })
  return {
    app,
    store: kept,
    lines,
    reports,
    changes: () => changes,
    pass: (milliseconds) => {
      now += milliseconds
    },
    now: () => now,
    set: (part) => {
      current = { ...current, ...part }
    },
    ask: (method, path, options) => ask(app, method, path, options),
  }
}

/** A request of the admin API, by whoever holds the token. */
export const requestInit = (
  method: string,
  { token = WRITER, body, headers = {} }: AskOptions = {},
): RequestInit => ({
  method,
  headers: {
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...headers,
  },
  ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
})

export async function ask(
  app: Hono,
  method: string,
  path: string,
  options: AskOptions = {},
): Promise<Answer> {
  const response = await app.fetch(new Request(`http://admin.test${path}`, requestInit(method, options)))
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: text === '' ? undefined : JSON.parse(text),
  }
}
