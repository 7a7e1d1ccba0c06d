import { Bounded } from '../core/bounded.ts'
import type { Decision, ProxyAdapter } from '../core/model.ts'
import { REASONS } from '../core/reasons.ts'
import type { Answer } from './answer.ts'
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

/** Seconds after which it is worth asking again when an issuer cannot be reached, or we stumbled. */
const OUTAGE_SECONDS = 5

/**
 * The answer for a decision, in one proxy's dialect. Every answer says its true status in X-Postern-Status, which is
 * what recipes go by: another service that answers 200 on our port opens no door.
 */
export function respond(decision: Decision, context: AnswerContext): Answer {
  if (decision.verdict === 'allow' && decision.identity !== null) return allowed(decision, decision.identity)
  return denied(decision, context)
}

/** Principals whose beginning is kept: those that come again and again, not each of a flood of strangers. */
const KEPT = 2048

/** Identity headers do not change while a principal lives, so what every allow of it begins with is made once. */
const beginnings = new Bounded<Readonly<Record<string, string>>, readonly string[]>(KEPT)

function beginningOf(identity: Readonly<Record<string, string>>): readonly string[] {
  const known = beginnings.get(identity)
  if (known !== undefined) return known
  const headers = ['X-Postern-Status', '200', 'Cache-Control', 'no-store', 'Content-Length', '0']
  for (const name in identity) headers.push(name, identity[name] as string)
  assertPrintable(headers)
  beginnings.set(identity, headers)
  return headers
}

function allowed({ quotas }: Decision, identity: Readonly<Record<string, string>>): Answer {
  const beginning = beginningOf(identity)
  // Made of the names and numbers of limits, which the policy's schema has let through.
  const fields = quotas.length === 0 ? null : rateLimitFields(quotas)
  // One array of the right size: spreading would make it grow again and again.
  const headers =
    fields === null
      ? beginning
      : beginning.concat(['RateLimit-Policy', fields.policy, 'RateLimit', fields.state])
  return { status: 200, headers, body: null }
}

function denied(decision: Decision, { adapter, id, random }: AnswerContext): Answer {
  const reason = decision.reason ?? 'internal'
  const { status, public: code } = REASONS[reason]
  const headers = ['X-Postern-Status', String(status), 'Cache-Control', 'no-store']
  const challenge = challengeOf(decision)
  if (challenge !== null) headers.push('WWW-Authenticate', challenge)
  if (status === 429) {
    const fields = rateLimitFields(decision.quotas)
    if (fields !== null) headers.push('RateLimit-Policy', fields.policy, 'RateLimit', fields.state)
  }
  if (status === 429 || status === 503) headers.push('Retry-After', String(retryAfter(decision, random())))
  const relayed = adapter.status(status)
  return finished(relayed, adapter.bodies ? problem(status, code, id) : null, headers)
}

/** The answer for whatever is not a check: it is nobody's endpoint, and says no more. */
export function notFound(): Answer {
  const body = '{"type":"about:blank","title":"Not Found","status":404}'
  return finished(404, body, ['X-Postern-Status', '404', 'Cache-Control', 'no-store'])
}

/** The answer when not even a decision can be told apart any more. */
export function unavailable(): Answer {
  return finished(503, null, ['X-Postern-Status', '503', 'Cache-Control', 'no-store', 'Retry-After', '1'])
}

/** Why a request that may pass was not answered by the origin. */
export type OriginFailure = 'bad_gateway' | 'gateway_timeout'

const FAILURES: Readonly<Record<OriginFailure, number>> = { bad_gateway: 502, gateway_timeout: 504 }

/** The answer when a request may pass and the origin does not answer it. Nothing of the decision is in it. */
export function originFailed(failure: OriginFailure, id: string): Answer {
  const status = FAILURES[failure]
  const headers = ['X-Postern-Status', String(status), 'Cache-Control', 'no-store']
  return finished(status, problem(status, failure, id), headers)
}

function finished(status: number, body: string | null, headers: string[]): Answer {
  if (body !== null) headers.push('Content-Type', 'application/problem+json')
  // Said explicitly, so that a HEAD check gets it too; every body is ASCII.
  headers.push('Content-Length', String(body?.length ?? 0))
  assertPrintable(headers)
  return { status, headers, body }
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
 * A control byte in a header value makes a runtime throw where nobody answers any more, so it is found here, where
 * throwing still leads to a denial.
 */
function assertPrintable(headers: readonly string[]): void {
  for (let at = 0; at < headers.length; at += 2) {
    if (!/^[\x20-\x7e]*$/.test(headers[at + 1] as string))
      throw new Error(`header ${headers[at]} holds a character it must not`)
  }
}
