import type { Engine } from '../core/engine.ts'
import type { Decision, ForwardedRequest, Ports, ProxyAdapter } from '../core/model.ts'
import type { Reason } from '../core/reasons.ts'
import type { Soon } from '../core/soon.ts'
import type { Answer } from './answer.ts'
import type { RecordFacts } from './record.ts'
import { respond } from './respond.ts'

/** What a decision needs from whoever runs it, wherever the request comes from. */
export interface JudgeOptions {
  readonly ports: Ports
  decide(request: ForwardedRequest, engine: Engine, ports: Ports): Soon<Decision>
  /** Hears of every decision exactly once, before its answer leaves. */
  record(decision: Decision, facts: RecordFacts): void
  newRequestId(): string
  /** A number from 0 up to 1, for jitter only. */
  random(): number
}

/** A decision that has been recorded, and its answer. */
export interface Judged {
  readonly decision: Decision
  /** Our id of the request, as its record and a problem document name it. */
  readonly id: string
  readonly answer: Answer
}

/** No request waits longer, whatever a store or an issuer does; every proxy is more patient. */
export const DEADLINE = 400

/** One request on its way to a decision: in time, recorded once, and answered whatever goes wrong. */
export abstract class Judgement {
  readonly #options: JudgeOptions
  /** As records name who asks: a proxy, the gateway, another Worker. */
  readonly #name: string
  readonly #adapter: ProxyAdapter
  readonly #id: string
  readonly #time: number
  readonly #started: number

  constructor(options: JudgeOptions, name: string, adapter: ProxyAdapter) {
    this.#options = options
    this.#name = name
    this.#adapter = adapter
    this.#id = options.newRequestId()
    this.#time = options.ports.now()
    this.#started = options.ports.ticks()
  }

  /** May throw: that is a denial. */
  protected abstract decide(): Soon<Decision>

  /** The trace that the request belongs to, as far as whoever says so is trusted; asked once it is decided. */
  protected abstract trace(): string | null

  run(): Soon<Judged> {
    let decided: Soon<Decision>
    try {
      decided = this.decide()
    } catch (cause) {
      decided = refusal('internal', cause)
    }
    return decided instanceof Promise ? this.#wait(decided) : this.#answer(decided)
  }

  /** Waits for a decision, but not for ever. Without anything to wait for, no timer is set. */
  #wait(decided: Promise<Decision>): Promise<Judged> {
    return new Promise((resolve, reject) => {
      let answered = false
      const settle = (decision: Decision): void => {
        // After the deadline the answer has left, and its record with it.
        if (answered) return
        answered = true
        clearTimeout(timer)
        try {
          resolve(this.#answer(decision))
        } catch (cause) {
          reject(cause)
        }
      }
      const timer = setTimeout(settle, DEADLINE, refusal('internal', `no decision within ${DEADLINE} ms`))
      decided.then(settle, (cause: unknown) => settle(refusal('internal', cause)))
    })
  }

  /** One answer and one record. A decision that cannot be written as an answer is a denial as well. */
  #answer(decision: Decision): Judged {
    const { random, ports, record } = this.#options
    const context = { adapter: this.#adapter, id: this.#id, random }
    let settled = decision
    let answer: Answer
    try {
      answer = respond(decision, context)
    } catch (cause) {
      settled = denied(decision, 'internal', cause)
      answer = respond(settled, context)
    }
    record(settled, {
      time: this.#time,
      id: this.#id,
      trace: this.trace(),
      proxy: this.#name,
      duration: ports.ticks() - this.#started,
    })
    return { decision: settled, id: this.#id, answer }
  }
}

/** The same decision, but a denial after all. */
export function denied(decision: Decision, reason: Reason, cause: unknown): Decision {
  return { ...decision, verdict: 'deny', reason, identity: null, quotas: [], challenge: null, cause }
}

/** A denial that `decide` had no part in. */
export function refusal(reason: Reason, cause: unknown): Decision {
  return {
    verdict: 'deny',
    reason,
    route: null,
    principal: null,
    identity: null,
    quotas: [],
    degraded: [],
    request: { method: '', scheme: '', host: '', path: '', client: null },
    challenge: null,
    cause,
  }
}
