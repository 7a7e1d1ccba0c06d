import type { Decision, ProxyAdapter } from '../core/model.ts'
import { REASONS } from '../core/reasons.ts'
import { challengeOf } from './challenge.ts'
import { rateLimitFields, secondsUntilMore } from './rate-limit-fields.ts'

/** What an answer needs beside the decision. */
export interface AnswerContext {
  readonly adapter: ProxyAdapter
  /** Our id of this request: `instance` of the problem document. */
  readonly id: string
  /** A number from 0 up to 1, for jitter. */
  random(): number
}

type Headers = Record<string, string>

/** Seconds after which it is worth asking again when an issuer cannot be reached, or we stumbled. */
const OUTAGE_SECONDS = 5

/**
 * The answer for a decision, in one proxy's dialect. Every answer says its true status in X-Postern-Status, which is
 * what recipes go by: another service that answers 200 on our port opens no door.
 *
 * Header values are given as one plain object on purpose: @hono/node-server writes it without a Headers in between.
 */
export function respond(decision: Decision, context: AnswerContext): Response {
  if (decision.verdict === 'allow' && decision.identity !== null) return allowed(decision, decision.identity)
  return denied(decision, context)
}

/** Identity headers do not change while a principal lives, so they are looked through once. */
const printable = new WeakSet<Readonly<Record<string, string>>>()

function allowed(decision: Decision, identity: Readonly<Record<string, string>>): Response {
  if (!printable.has(identity)) {
    assertPrintable(identity)
    printable.add(identity)
  }
  const headers: Headers = {
    'X-Postern-Status': '200',
    'Cache-Control': 'no-store',
    'Content-Length': '0',
    ...identity,
  }
  // Made of the names and numbers of limits, which the policy's schema has let through.
  const fields = decision.quotas.length === 0 ? null : rateLimitFields(decision.quotas)
  if (fields !== null) {
    headers['RateLimit-Policy'] = fields.policy
    headers['RateLimit'] = fields.state
  }
  return new Response(null, { status: 200, headers })
}

function denied(decision: Decision, { adapter, id, random }: AnswerContext): Response {
  const reason = decision.reason ?? 'internal'
  const { status, public: code } = REASONS[reason]
  const headers: Headers = { 'X-Postern-Status': String(status), 'Cache-Control': 'no-store' }
  const challenge = challengeOf(decision)
  if (challenge !== null) headers['WWW-Authenticate'] = challenge
  if (status === 429) {
    const fields = rateLimitFields(decision.quotas)
    if (fields !== null) {
      headers['RateLimit-Policy'] = fields.policy
      headers['RateLimit'] = fields.state
    }
  }
  if (status === 429 || status === 503) headers['Retry-After'] = String(retryAfter(decision, random()))
  const relayed = adapter.status(status)
  if (!adapter.bodies) return finished(relayed, null, headers)
  return finished(relayed, problem(status, code, id), headers)
}

/** The answer for whatever is not a check: it is nobody's endpoint, and says no more. */
export function notFound(): Response {
  const body = '{"type":"about:blank","title":"Not Found","status":404}'
  return finished(404, body, { 'X-Postern-Status': '404', 'Cache-Control': 'no-store' })
}

/** The answer when not even a decision can be told apart any more. */
export function unavailable(): Response {
  return finished(503, null, { 'X-Postern-Status': '503', 'Cache-Control': 'no-store', 'Retry-After': '1' })
}

/** Why a request that may pass was not answered by the origin. */
export type OriginFailure = 'bad_gateway' | 'gateway_timeout'

const FAILURES: Readonly<Record<OriginFailure, number>> = { bad_gateway: 502, gateway_timeout: 504 }

/** The answer when a request may pass and the origin does not answer it. Nothing of the decision is in it. */
export function originFailed(failure: OriginFailure, id: string): Response {
  const status = FAILURES[failure]
  const headers: Headers = { 'X-Postern-Status': String(status), 'Cache-Control': 'no-store' }
  return finished(status, problem(status, failure, id), headers)
}

function finished(status: number, body: string | null, headers: Headers): Response {
  if (body !== null) headers['Content-Type'] = 'application/problem+json'
  // Said explicitly, so that a HEAD check gets it too; every body is ASCII.
  headers['Content-Length'] = String(body?.length ?? 0)
  assertPrintable(headers)
  return new Response(body, { status, headers })
}

/** A problem document (RFC 9457). */
function problem(status: number, code: string, id: string): string {
  const title = code.charAt(0).toUpperCase() + code.slice(1).replaceAll('_', ' ')
  return JSON.stringify({
    type: typeOf(status, code),
    title,
    status,
    reason: code,
    instance: `urn:uuid:${id}`,
  })
}

/** The draft's registered type for an exhausted quota; else the reason's own name, described in docs/reasons.md. */
function typeOf(status: number, code: string): string {
  if (status === 429) return 'https://iana.org/assignments/http-problem-types#quota-exceeded'
  return `urn:postern:reason:${code}`
}

/**
 * Whole seconds (RFC 9110 section 10.2.3), never earlier than the `t` of RateLimit, and up to a tenth later, so that
 * callers who were refused together do not come back together.
 */
function retryAfter({ quotas }: Decision, jitter: number): number {
  let seconds = 0
  for (const quota of quotas) if (!quota.ok) seconds = Math.max(seconds, secondsUntilMore(quota))
  if (seconds === 0) seconds = OUTAGE_SECONDS
  return Math.max(1, Math.ceil(seconds * (1 + jitter / 10)))
}

/**
 * A control byte in a header value passes `Headers` and then makes Node throw where nobody answers any more, so it is
 * found here, where throwing still leads to a denial.
 */
function assertPrintable(headers: Readonly<Headers>): void {
  for (const name in headers) {
    if (!/^[\x20-\x7e]*$/.test(headers[name] ?? ''))
      throw new Error(`header ${name} holds a character it must not`)
  }
}
