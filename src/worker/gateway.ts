import type { Decision, ForwardedRequest, ProxyAdapter } from '../core/model.ts'
import type { Soon } from '../core/soon.ts'
import { Judgement } from '../http/judgement.ts'
import { traceIdOf } from '../http/trace-parent.ts'
import type { Policy } from '../policy/schema.ts'
import { placeOf } from './edge.ts'
import { WorkerHeaderLines } from './header-lines.ts'
import type { Running } from './isolate.ts'

export type GatewayPolicy = NonNullable<Policy['gateway']>

/** The gateway answers its clients by itself, so that every status and body reaches them. */
const ANSWERS: ProxyAdapter = {
  name: 'gateway',
  // Nobody describes the request to it: it is the request.
  read: () => ({ ok: false, field: 'request', problem: 'missing' }),
  status: (wanted) => wanted,
  bodies: true,
}

/** Postern in front of an origin: the request is judged as it stands, and what is judged is what is sent on. */
export class Gateway {
  readonly #running: Running

  constructor(_policy: GatewayPolicy, running: Running, _env: Readonly<Record<string, unknown>>) {
    this.#running = running
  }

  async fetch(request: Request): Promise<Response> {
    const { response } = await new Passage(request, this.#running).run()
    return response
  }
}

/** One request on its way through the gateway. */
class Passage extends Judgement {
  readonly #request: ForwardedRequest
  readonly #running: Running

  constructor(request: Request, running: Running) {
    super(running.judge, 'gateway', ANSWERS)
    this.#running = running
    const { protocol, host, pathname, search } = new URL(request.url)
    this.#request = {
      proxy: 'gateway',
      method: request.method,
      scheme: protocol.slice(0, -1),
      host,
      target: pathname + search,
      forwardedFor: request.headers.get('cf-connecting-ip') ?? '',
      headers: new WorkerHeaderLines(request.headers),
      place: placeOf(request),
    }
  }

  protected override decide(): Soon<Decision> {
    const { engine, judge } = this.#running
    return judge.decide(this.#request, engine, judge.ports)
  }

  protected override trace(): string | null {
    return traceIdOf(this.#request.headers)
  }
}
