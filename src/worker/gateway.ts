import { waitUntil } from 'cloudflare:workers'
import { secure } from './gateway/fields.ts'
import { type GatewayPolicy, Origin } from './gateway/origin.ts'
import { Passage, type Way } from './gateway/passage.ts'
import type { Running } from './isolate.ts'

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
    const response = await new Passage(request, this.#way).pass()
    secure(response.headers, this.#headers)
    return response
  }
}
