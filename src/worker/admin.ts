import type { Hono } from 'hono'
import { createAdmin, unready } from '../admin/app.ts'
import type { Facts } from '../admin/facts.ts'
import { factsOf, isForAdmin } from '../admin/policy-facts.ts'
import { parseHop } from '../core/address.ts'
import { policyOf } from '../policy/artefact.ts'
import { resolveSecrets } from '../policy/resolve.ts'
import type { Policy } from '../policy/schema.ts'
import { type WorkerOutside, workerOutside } from '../ports/worker-outside.ts'
import { within } from '../schema/within.ts'
import type { State } from '../state/state.ts'
import { StoreFault } from '../stores/contract.ts'
import { report } from './log.ts'
import { boundTo, type Refused, undamaged } from './policy.ts'
import { makeState } from './state.ts'

/** Milliseconds for a call of the store: nobody waits behind a proxy here, and an import writes a thousand records. */
const DEADLINE = 5000

/** A policy whose admin API can be served, or every reason why not. */
type Admitted =
  | { readonly ok: true; readonly policy: Policy; readonly facts: Facts; readonly version: string }
  | Refused

/**
 * The admin API of one isolate: the same as Node's, on the store that the check Worker uses. While it cannot begin,
 * everything is answered with 503, and the log says why.
 */
export class AdminIsolate {
  readonly #outside: WorkerOutside
  readonly #admitted: Admitted
  #app: Hono | null = null

  /**
   * @param artefact what `postern compile` has written
   * @param env what the Worker is deployed with
   */
  constructor(artefact: unknown, env: Readonly<Record<string, unknown>>) {
    this.#outside = workerOutside(env, report)
    this.#admitted = undamaged(() => admit(artefact, env))
  }

  async fetch(request: Request): Promise<Response> {
    const app = await this.#begun()
    return app === null ? unready() : app.fetch(request)
  }

  async #begun(): Promise<Hono | null> {
    const admitted = this.#admitted
    if (!admitted.ok) {
      report('policy_refused', { problems: admitted.problems })
      return null
    }
    if (this.#app !== null) return this.#app
    try {
      // Kept once it is there: one that another request is making never comes when that request is ended.
      const state = await makeState(admitted.policy, this.#outside, DEADLINE)
      this.#app ??= this.#begin(admitted, state)
      return this.#app
    } catch (cause) {
      report('store_missing', { problem: cause instanceof Error ? cause.message : String(cause) })
      return null
    }
  }

  #begin({ facts, version }: Admitted & { readonly ok: true }, state: State): Hono {
    return createAdmin({
      version,
      store: state.store,
      facts: () => facts,
      outside: this.#outside,
      audit: (line) => console.log(line),
      // Isolates learn of it from the store: from their next charge, or their next look.
      changed: () => {},
      peer: ({ req }) => parseHop(req.header('cf-connecting-ip') ?? ''),
      prepare: () => opened(state),
    })
  }
}

/** @throws {StoreFault} while the store is not open */
async function opened(state: State): Promise<void> {
  const opening = state.keepOpen()
  // Another request may have begun it, and was ended.
  if (opening !== null) await within(opening, DEADLINE)
  if (state.refused !== null) throw state.refused
  if (!state.opened) throw new StoreFault('unavailable', `the ${state.store.name} store is not open`)
}

/** Does no I/O, so that it can be done before any request. */
function admit(artefact: unknown, env: Readonly<Record<string, unknown>>): Admitted {
  const reading = policyOf(artefact)
  if (!reading.ok) return { ok: false, problems: [reading.problem] }
  const { policy, secrets, version } = reading
  const problems = resolveSecrets({ policy, secrets: secrets.filter(isForAdmin) }, boundTo(env))
  const facts = factsOf(policy)
  if (facts.tokens.length === 0)
    problems.push(
      'admin.tokens: is empty, so that nobody may ask: add a token, as `postern token` prints it, and run postern compile again',
    )
  return problems.length === 0 ? { ok: true, policy, facts, version } : { ok: false, problems }
}
