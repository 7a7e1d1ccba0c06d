import { waitUntil } from 'cloudflare:workers'
import { responseOf } from '../http/answer.ts'
import { unavailable } from '../http/respond.ts'
import { secure } from './gateway/fields.ts'
import { type GatewayPolicy, Origin } from './gateway/origin.ts'
import { Passage, problemOf, type Way } from './gateway/passage.ts'
import { report } from './log.ts'
import type { Running } from './running.ts'

/** Postern in front of an origin, for every request that is no check. */
export class Gateway {
  readonly #way: Way
  readonly #headers: GatewayPolicy['headers']

  /** @param env what the Worker is deployed with */
  constructor(policy: GatewayPolicy, running: Running, env: Readonly<Record<string, unknown>>) {
    this.#way = { running, origin: new Origin(policy, env), outlive: waitUntil }
    this.#headers = policy.headers
  }

  async fetch(request: Request): Promise<Response> {
    const response = await this.#pass(request)
    secure(response.headers, this.#headers)
    return response
  }

  /** The last net: what nobody expected is an outage of ours, and the client is told so. */
  async #pass(request: Request): Promise<Response> {
    try {
      return await new Passage(request, this.#way).pass()
    } catch (cause) {
      report('gateway_failed', { problem: problemOf(cause) })
      return responseOf(unavailable())
    }
  }
}
