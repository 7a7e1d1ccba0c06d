import { type Context, Hono } from 'hono'
import type { Engine, Evidence } from '../core/engine.ts'
import type { Decision, ForwardedRequest, Ports, ProxyAdapter } from '../core/model.ts'
import { readPlace } from '../core/place.ts'
import type { Reason } from '../core/reasons.ts'
import { PROXIES } from '../proxies/index.ts'
import type { RecordFacts } from './record.ts'
import { notFound, respond, unavailable } from './respond.ts'
import { traceIdOf } from './trace-parent.ts'

/** What a runtime knows of a check that Hono does not tell. */
export interface Surroundings extends Evidence {
  /** The request target as it arrived, path and query: Hono's own path is decoded and resolved. */
  readonly target: string
}

/** What the check endpoint needs from whoever runs it. Nothing in here belongs to one runtime. */
export interface AppOptions {
  /** The engine in force: another one after a reload. */
  engine(): Engine
  readonly ports: Ports
  decide(request: ForwardedRequest, engine: Engine, ports: Ports): Decision | Promise<Decision>
  surroundings(context: Context): Surroundings
  /** Hears of every decision exactly once, before its answer leaves. */
  record(decision: Decision, facts: RecordFacts): void
  newRequestId(): string
  /** A number from 0 up to 1, for jitter only. */
  random(): number
}

/** No check takes longer, whatever a store or an issuer does; every proxy is more patient. */
export const DEADLINE = 400

/**
 * The check endpoints, one for each contract, at exactly `/check/NAME`. The check's own method, query and Host say
 * nothing: some proxies fill them with what the client sent.
 */
export function createApp(options: AppOptions): Hono {
  const app = new Hono()
  for (const name of Object.keys(PROXIES)) {
    const path = `/check/${name}`
    app.all(path, (context) => {
      const surroundings = options.surroundings(context)
      const { target } = surroundings
      if (target !== path && !target.startsWith(`${path}?`)) return notFound()
      const engine = options.engine()
      const entry = engine.proxies.get(name)
      return entry === undefined
        ? notFound()
        : new Check(options, engine, name, entry.adapter, surroundings).run()
    })
  }
  app.notFound(notFound)
  // The last net, should even the record fail: nobody is let in without one.
  app.onError(unavailable)
  return app
}

/** One check on its way from a header to an answer. */
class Check {
  readonly #options: AppOptions
  readonly #engine: Engine
  readonly #name: string
  readonly #adapter: ProxyAdapter
  readonly #surroundings: Surroundings
  readonly #id: string
  readonly #time: number
  readonly #started: number
  #trusted = false

  constructor(
    options: AppOptions,
    engine: Engine,
    name: string,
    adapter: ProxyAdapter,
    surroundings: Surroundings,
  ) {
    this.#options = options
    this.#engine = engine
    this.#name = name
    this.#adapter = adapter
    this.#surroundings = surroundings
    this.#id = options.newRequestId()
    this.#time = options.ports.now()
    this.#started = options.ports.ticks()
  }

  run(): Response | Promise<Response> {
    let decided: Decision | Promise<Decision>
    try {
      decided = this.#decide()
    } catch (cause) {
      decided = refusal('internal', cause)
    }
    return decided instanceof Promise ? this.#wait(decided) : this.#answer(decided)
  }

  /** Trust comes first: of a stranger's check nothing is read but what would prove that it is none. */
  #decide(): Decision | Promise<Decision> {
    const { peer, headers } = this.#surroundings
    const entry = this.#engine.proxies.get(this.#name)
    if (entry?.trusts(this.#surroundings) !== true) {
      return refusal('proxy_untrusted', `peer ${peer?.text ?? 'unknown'}`)
    }
    this.#trusted = true
    const reading = this.#adapter.read(headers)
    if (!reading.ok) return refusal('request_malformed', `${reading.field} is ${reading.problem}`)
    const request =
      entry.place === null ? reading.request : { ...reading.request, place: readPlace(entry.place, headers) }
    return this.#options.decide(request, this.#engine, this.#options.ports)
  }

  /** Waits for a decision, but not for ever. Without anything to wait for, no timer is set. */
  #wait(decided: Promise<Decision>): Promise<Response> {
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
  #answer(decision: Decision): Response {
    const { random, ports, record } = this.#options
    const context = { adapter: this.#adapter, id: this.#id, random }
    let settled = decision
    let response: Response
    try {
      response = respond(decision, context)
    } catch (cause) {
      settled = {
        ...decision,
        verdict: 'deny',
        reason: 'internal',
        identity: null,
        quotas: [],
        challenge: null,
        cause,
      }
      response = respond(settled, context)
    }
    record(settled, {
      time: this.#time,
      id: this.#id,
      trace: this.#trusted ? traceIdOf(this.#surroundings.headers) : null,
      proxy: this.#name,
      duration: ports.ticks() - this.#started,
    })
    return response
  }
}

/** A denial that `decide` had no part in. */
function refusal(reason: Reason, cause: unknown): Decision {
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
