import type { Decision, ForwardedRequest, HeaderLines } from '../core/model.ts'
import { asnOf, countryOf } from '../core/place.ts'
import type { Soon } from '../core/soon.ts'
import { responseOf } from '../http/answer.ts'
import { Judgement, refusal } from '../http/judgement.ts'
import { rateLimitFields } from '../http/rate-limit-fields.ts'
import { traceIdOf } from '../http/trace-parent.ts'
import { direct } from './direct.ts'
import type { Answer, Question } from './question.ts'
import type { Running } from './running.ts'

const ANSWERS = direct('rpc')

/** Judges the request that another Worker asks about. It is trusted in what it says, as a proxy is, and not in how. */
export async function answerOf(question: unknown, running: Running): Promise<Answer> {
  const { decision, answer } = await new Call(question, running).run()
  if (decision.verdict !== 'allow' || decision.identity === null) {
    return { allowed: false, reason: decision.reason ?? 'internal', response: responseOf(answer) }
  }
  const fields = rateLimitFields(decision.quotas)
  const quota = fields === null ? {} : { 'RateLimit-Policy': fields.policy, RateLimit: fields.state }
  return { allowed: true, identity: { ...decision.identity }, quota }
}

/** One question on its way to an answer. */
class Call extends Judgement {
  readonly #reading: Reading
  readonly #running: Running

  constructor(question: unknown, running: Running) {
    super(running.judge, ANSWERS.name, ANSWERS)
    this.#reading = read(question)
    this.#running = running
  }

  protected override decide(): Soon<Decision> {
    const reading = this.#reading
    if (!reading.ok) return refusal('request_malformed', reading.problem)
    const { engine, judge } = this.#running
    return judge.decide(reading.request, engine, judge.ports)
  }

  protected override trace(): string | null {
    return this.#reading.ok ? traceIdOf(this.#reading.request.headers) : null
  }
}

type Reading =
  | { readonly ok: true; readonly request: ForwardedRequest }
  | { readonly ok: false; readonly problem: string }

/** What crossed from the other Worker may be anything, whatever its types say. */
function read(question: unknown): Reading {
  const { method, url, headers, client, country, asn } = (question ?? {}) as Partial<
    Record<keyof Question, unknown>
  >
  // By hand: the URL class would resolve what has to be judged.
  const [, scheme, host, target] =
    (typeof url === 'string' ? /^([a-z]+):\/\/([^/?#]*)(.*)$/s.exec(url) : null) ?? []
  if (typeof method !== 'string') return malformed('method is no text')
  if (scheme === undefined || host === undefined || target === undefined) return malformed('url is no URL')
  if (typeof client !== 'string' || client.includes(',')) return malformed('client is not one address')
  if (!(Array.isArray(headers) && headers.every(isLine))) return malformed('headers are no lines')
  return {
    ok: true,
    request: {
      proxy: ANSWERS.name,
      method,
      scheme,
      host,
      target: target.startsWith('/') ? target : `/${target}`,
      forwardedFor: client,
      headers: linesOf(headers),
      place: {
        country: typeof country === 'string' ? countryOf(country) : null,
        asn: typeof asn === 'number' ? asnOf(String(asn)) : null,
      },
    },
  }
}

const malformed = (problem: string): Reading => ({ ok: false, problem })

const isLine = (line: unknown): line is readonly [string, string] =>
  Array.isArray(line) && line.length === 2 && line.every((part) => typeof part === 'string')

function linesOf(lines: readonly (readonly [string, string])[]): HeaderLines {
  const pairs = lines.map(([name, value]) => ({ name, lower: name.toLowerCase(), value }))
  return {
    lines: (name) => pairs.flatMap(({ lower, value }) => (lower === name ? [value] : [])),
    names: () => pairs.map(({ name }) => name),
  }
}
