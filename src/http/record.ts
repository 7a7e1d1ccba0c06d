import { Bounded } from '../core/bounded.ts'
import type { Limit } from '../core/limit.ts'
import type { Decision, Principal } from '../core/model.ts'
import { REASONS } from '../core/reasons.ts'

/** What the record of a decision says beside the decision itself. */
export interface RecordFacts {
  /** Milliseconds since the epoch at which the check arrived. */
  readonly time: number
  /** Our id of this request; a denial carries it as `instance`. */
  readonly id: string
  /** The trace it belongs to, null when it is in none. */
  readonly trace: string | null
  /** The proxy that asked. */
  readonly proxy: string
  /** Milliseconds. */
  readonly duration: number
}

/** Characters of a path that are kept, and of any other field. */
const PATH_CAP = 512
const FIELD_CAP = 256

/**
 * One decision as one line of JSON, for machines. Nothing but printable ASCII gets into it, so that no path or `sub`
 * can end the line, colour a terminal or turn a reader's text around. Written by hand, because it happens on every
 * check. No credential is among its inputs.
 */
export function recordLine(decision: Decision, facts: RecordFacts): string {
  const { request, reason, route, principal, cause } = decision
  const { method, host, path, client } = request
  const { trace, proxy } = facts
  return `{"event":"decision","time":"${isoTime(facts.time)}","request":"${facts.id}","trace":${trace === null ? 'null' : quoted(trace)},"verdict":"${decision.verdict}","reason":${orNull(reason)},"route":${orNull(route)},"principal":${
    principal === null ? 'null' : principalOf(principal)
  },"client":${client === null ? 'null' : quoted(client.text)},"proxy":${quoted(proxy)},"method":${orNull(
    method,
  )},"host":${orNull(host)},"path":${path === '' ? 'null' : quoted(path, PATH_CAP)},"limits":${limitsOf(
    decision,
  )},"degraded":${decision.degraded.length === 0 ? '[]' : JSON.stringify(decision.degraded)},"duration_ms":${rounded(facts.duration)}${cause == null ? '' : `,"cause":${quoted(causeOf(cause))}`}}\n`
}

/** The same for a person at a terminal: one line, most important first. */
export function recordText(decision: Decision, facts: RecordFacts): string {
  const { request, reason, route, principal, client } = { ...decision, client: decision.request.client }
  const status = reason === null ? 200 : REASONS[reason].status
  const words = [
    isoTime(facts.time).slice(11, 23),
    decision.verdict,
    status,
    plain(request.method || '-'),
    `${plain(request.host)}${plain(request.path, PATH_CAP)}` || '-',
    reason === null ? '' : `reason=${reason}`,
    route === null ? '' : `route=${plain(route)}`,
    principal === null ? '' : `principal=${plain(principal.id)}`,
    client === null ? '' : `client=${plain(client.text)}`,
    `proxy=${plain(facts.proxy)}`,
    `${rounded(facts.duration)}ms`,
    decision.degraded.length === 0 ? '' : `degraded=${decision.degraded.join(',')}`,
    decision.cause == null ? '' : `cause=${quoted(causeOf(decision.cause))}`,
  ]
  return `${words.filter((word) => word !== '').join(' ')}\n`
}

const SAFE = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

/** A JSON string of printable ASCII, cut to `cap` characters of input. */
export function quoted(text: string, cap = FIELD_CAP): string {
  if (text.length <= cap && SAFE.test(text)) return `"${text}"`
  return JSON.stringify(text.slice(0, cap)).replace(/[^\x20-\x7e]/g, escaped)
}

const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Without quotes where nothing in it needs them. */
const plain = (text: string, cap = FIELD_CAP): string =>
  text.length <= cap && SAFE.test(text) && !text.includes(' ') ? text : quoted(text, cap)

const orNull = (text: string | null): string => (text === null || text === '' ? 'null' : quoted(text))

const rounded = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000

/** Principals whose text is kept: those that come again and again, not each of a flood of strangers. */
const KEPT = 2048

/** What is said of a principal and of a limit never changes while they live, so it is written once. */
const principals = new Bounded<Principal, string>(KEPT)
const limits = new WeakMap<Limit, string>()

/** `credential` tells one key of an owner from another, and is what a token is revoked by; it is no secret. */
function principalOf(principal: Principal): string {
  let text = principals.get(principal)
  if (text === undefined) {
    const { id, type, tenant, credential } = principal
    text = `{"id":${quoted(id)},"type":${quoted(type)},"tenant":${tenant === null ? 'null' : quoted(tenant)},"credential":${credential.id === null ? 'null' : quoted(credential.id)}}`
    principals.set(principal, text)
  }
  return text
}

function limitOf(limit: Limit): string {
  let text = limits.get(limit)
  if (text === undefined) {
    text = `{"name":${quoted(limit.name)},"remaining":`
    limits.set(limit, text)
  }
  return text
}

function limitsOf({ quotas }: Decision): string {
  let text = ''
  for (const { limit, remaining, ok } of quotas) {
    text += `${text === '' ? '[' : ','}${limitOf(limit)}${remaining},"ok":${ok}}`
  }
  return text === '' ? '[]' : `${text}]`
}

let lastTime = Number.NaN
let lastText = ''

/** Many checks share a millisecond. */
function isoTime(time: number): string {
  if (time !== lastTime) {
    lastTime = time
    lastText = new Date(time).toISOString()
  }
  return lastText
}

/**
 * What the operator may read of a cause. Errors of parsers quote their input, which may be a credential, so whatever
 * could be a part of one (a long run of letters and digits) is taken out.
 */
export function causeOf(cause: unknown): string {
  const text = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
  return text.slice(0, 2048).replace(/(?=[\w+=~-]*\d)(?=[\w+=~-]*[A-Za-z])[\w+=~-]{16,}/g, '[removed]')
}
