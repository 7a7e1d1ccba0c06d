import { decide } from '../core/decide.ts'
import { responseOf } from '../http/answer.ts'
import { createApp } from '../http/app.ts'
import { type JudgeOptions, refusal } from '../http/judgement.ts'
import { causeOf, recordLine } from '../http/record.ts'
import { unavailable } from '../http/respond.ts'
import { isRecorded, recordedShare } from '../http/sampling.ts'
import { type WorkerOutside, workerOutside } from '../ports/worker-outside.ts'
import { within } from '../schema/within.ts'
import type { State } from '../state/state.ts'
import { certificateOf } from './edge.ts'
import { Gateway } from './gateway.ts'
import { WorkerHeaderLines } from './header-lines.ts'
import { report } from './log.ts'
import { type Installed, install } from './policy.ts'
import type { Running } from './running.ts'
import { shieldOf } from './shield.ts'
import { makeState } from './state.ts'

/** Milliseconds that a request waits at most for what should be known before it is decided. */
const PATIENCE = 350

/** Milliseconds for which nobody waits for a store again that was waited for in vain. */
const PAUSE = 1000

/** Answers of an isolate whose policy is in force. */
interface Answers {
  readonly running: Running
  readonly state: State
  fetch(request: Request): Response | Promise<Response>
}

/**
 * What one isolate holds for as long as it lives: the policy, compiled before the first request, and the state, which
 * begins with it. Without a policy that can be put in force everything is answered with 503, and the log says why.
 */
export class Isolate {
  readonly #env: Readonly<Record<string, unknown>>
  readonly #outside: WorkerOutside
  readonly #installed: Installed
  #answers: Answers | null = null
  /** Ticks until which nobody waits for the store. */
  #unawaited = Number.NEGATIVE_INFINITY

  /**
   * @param artefact what `postern compile` has written
   * @param env what the Worker is deployed with
   */
  constructor(artefact: unknown, env: Readonly<Record<string, unknown>>) {
    this.#env = env
    this.#outside = workerOutside(env, report)
    this.#installed = install(artefact, env, this.#outside)
  }

  /** A check, or with a gateway any request at all. Never rejects: the runtime would answer with a page of its own. */
  async fetch(request: Request): Promise<Response> {
    try {
      const answers = await this.#ready()
      return answers === null ? responseOf(unavailable()) : await answers.fetch(request)
    } catch (cause) {
      report('unexpected', { problem: causeOf(cause) })
      return responseOf(unavailable())
    }
  }

  /** For those who ask without HTTP; null while there is no policy in force. */
  async running(): Promise<Running | null> {
    return (await this.#ready())?.running ?? null
  }

  async #ready(): Promise<Answers | null> {
    const installed = this.#installed
    if (!installed.ok) {
      report('policy_refused', { problems: installed.problems })
      return null
    }
    const answers = await this.#begun(installed)
    if (answers === null) return null
    const { state } = answers
    const work = state.keepUp()
    if (work === null || performance.now() < this.#unawaited) return answers
    // What takes longer goes on by itself; what is not known by then is `unavailable`, and never an allow.
    await within(work, PATIENCE)
    if (!state.opened || !state.knowledge.fresh()) this.#unawaited = performance.now() + PAUSE
    return answers
  }

  /**
   * Null while what the store needs is missing. What a request makes is kept once it is there and not while it is being
   * made: that of one which was ended would never come, and nobody after it would be answered.
   */
  async #begun(installed: Installed & { readonly ok: true }): Promise<Answers | null> {
    if (this.#answers !== null) return this.#answers
    try {
      const state = await makeState(installed.policy, this.#outside)
      this.#answers ??= this.#begin(installed, state)
      return this.#answers
    } catch (cause) {
      report('store_missing', { problem: causeOf(cause) })
      return null
    }
  }

  #begin({ policy, engine, keys }: Installed & { readonly ok: true }, state: State): Answers {
    keys.attach(state.knowledge.keys)
    const share = recordedShare(policy)
    const judge: JudgeOptions = {
      ports: {
        counters: state.store,
        local: state.local,
        knowledge: state.knowledge,
        background: this.#outside.background,
        shield: shieldOf(policy, this.#env),
        now: Date.now,
        ticks: () => performance.now(),
      },
      decide: (request, compiled, ports) =>
        state.refused === null ? decide(request, compiled, ports) : refusal('internal', state.refused),
      record: (decision, facts) => {
        if (isRecorded(decision, share, Math.random)) console.log(recordLine(decision, facts).trimEnd())
      },
      newRequestId: () => crypto.randomUUID(),
      random: Math.random,
    }
    const running: Running = { policy, engine, judge, store: state.store }
    const app = createApp({
      ...judge,
      engine: () => engine,
      surroundings: ({ req: { raw } }) => ({
        peer: null,
        certificate: () => certificateOf(raw),
        headers: new WorkerHeaderLines(raw.headers),
        target: targetOf(raw),
      }),
    })
    // What nobody expects reaches `fetch`, which answers it and says so in the log.
    app.onError((cause) => {
      throw cause
    })
    const gateway = policy.gateway === undefined ? null : new Gateway(policy.gateway, running, this.#env)
    const checks = new Set(Array.from(engine.proxies.keys(), (name) => `/check/${name}`))
    const fetch = (request: Request) =>
      gateway === null || checks.has(URL.parse(request.url)?.pathname ?? '')
        ? app.fetch(request)
        : gateway.fetch(request)
    return { running, state, fetch }
  }
}

/** Path and query as the runtime has them, which has made a URL of the request line before any code of ours runs. */
export function targetOf({ url }: Request): string {
  const { pathname, search } = new URL(url)
  return pathname + search
}
