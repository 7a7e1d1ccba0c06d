import type { WebSocket as Socket } from '@cloudflare/workers-types'
import { parseAddress } from '../../core/address.ts'
import type { Decision, ForwardedRequest } from '../../core/model.ts'
import { type Soon, whenKnown } from '../../core/soon.ts'
import { responseOf } from '../../http/answer.ts'
import { denied, type Judged, Judgement, refusal } from '../../http/judgement.ts'
import { originFailed } from '../../http/respond.ts'
import { traceIdOf } from '../../http/trace-parent.ts'
import { direct } from '../direct.ts'
import { placeOf } from '../edge.ts'
import { WorkerHeaderLines } from '../header-lines.ts'
import { report } from '../log.ts'
import type { Running } from '../running.ts'
import { bridge } from './bridge.ts'
import { relay, tell } from './fields.ts'
import type { Asked, Origin } from './origin.ts'
import { placesOf, Seats } from './seats.ts'

/** The gateway answers its clients by itself. */
const ANSWERS = direct('gateway')

/** What a passage needs beside the request. */
export interface Way {
  readonly running: Running
  readonly origin: Origin
  /** Lets what nobody waits for go on after the answer. */
  outlive(work: Promise<unknown>): void
}

/** One request on its way through the gateway: judged as it stands, and what is judged is what is sent on. */
export class Passage extends Judgement {
  readonly #request: Request
  readonly #way: Way
  readonly #headers: WorkerHeaderLines
  readonly #url: URL | null
  readonly #websocket: boolean
  /** Places that the connection holds; null while it needs none. */
  #seats: Seats | null = null

  constructor(request: Request, way: Way) {
    super(way.running.judge, ANSWERS.name, ANSWERS)
    this.#request = request
    this.#way = way
    this.#headers = new WorkerHeaderLines(request.headers)
    this.#url = URL.parse(request.url)
    this.#websocket = opensWebSocket(request)
  }

  /** The origin's answer, or ours in its place. */
  async pass(): Promise<Response> {
    let open = false
    try {
      const judged = await this.run()
      if (judged.decision.verdict === 'deny') return responseOf(judged.answer)
      const response = await this.#forward(judged)
      open = response.status === 101
      return response
    } finally {
      if (!open) this.#release()
    }
  }

  protected override decide(): Soon<Decision> {
    const { origin, running } = this.#way
    if (origin.missing !== null) return refusal('internal', origin.missing)
    const client = this.#request.headers.get('cf-connecting-ip')
    // Repeated lines arrive joined, and a list is no address.
    if (client === null || parseAddress(client) === null)
      return refusal('request_malformed', 'CF-Connecting-IP is not one address')
    const url = this.#url
    if (url === null) return refusal('request_malformed', 'the request has no URL')
    const request: ForwardedRequest = {
      proxy: ANSWERS.name,
      method: this.#request.method,
      scheme: url.protocol.slice(0, -1),
      host: url.host,
      target: url.pathname + url.search,
      forwardedFor: client,
      headers: this.#headers,
      place: placeOf(this.#request),
    }
    const { engine, judge } = running
    return whenKnown(judge.decide(request, engine, judge.ports), (decision) => this.#seated(decision))
  }

  protected override trace(): string | null {
    return traceIdOf(this.#headers)
  }

  /** Whether there is a place for one more connection, where the route bounds them: part of the decision. */
  #seated(decision: Decision): Soon<Decision> {
    const { route, principal, request, verdict } = decision
    if (!this.#websocket || verdict === 'deny' || route === null) return decision
    const { engine, store } = this.#way.running
    const bounds = engine.connections.get(route)
    if (bounds === undefined) return decision
    if (store.holds === undefined)
      return denied(decision, 'limit_unavailable', `the ${store.name} store cannot count connections`)
    const places = placesOf(bounds, { client: request.client, principal, route })
    const seats = new Seats(store.holds, crypto.randomUUID(), places)
    this.#seats = seats
    // Who goes away before the answer is told by nothing else: what is under way for him ends without a word.
    this.#request.signal.addEventListener('abort', () => this.#release())
    return seats.take().then(
      (full) =>
        full === null ? decision : denied(decision, 'connections_exceeded', `${full.most} of ${full.key}`),
      (cause: unknown) => denied(decision, 'limit_unavailable', cause),
    )
  }

  async #forward({ decision, id }: Judged): Promise<Response> {
    const { origin, running } = this.#way
    const url = this.#url as URL
    const { identity } = running.engine
    const outgoing = origin.outgoing(this.#request, url)
    const { headers } = outgoing.request
    tell(
      headers,
      {
        identity: decision.identity ?? {},
        client: decision.request.client?.text ?? '',
        scheme: decision.request.scheme,
        host: url.host,
        secret: origin.secret,
      },
      identity,
    )
    if (this.#websocket) headers.set('Upgrade', 'websocket')
    const asked = await origin.ask(outgoing)
    if (!asked.ok) return this.#failed(asked.failure, asked.cause, id)
    try {
      return this.#answer(asked, decision)
    } catch (cause) {
      // A status or header that the runtime takes from an origin and does not give to a client.
      return this.#failed('bad_gateway', cause, id)
    }
  }

  /** The origin's answer as the client gets it. */
  #answer({ response, hangUp }: Asked & { readonly ok: true }, decision: Decision): Response {
    const { status, statusText, body } = response
    const headers = new Headers(response.headers)
    relay(headers, decision, this.#way.running.engine.identity)
    const { webSocket = null } = response as { readonly webSocket?: Socket | null }
    if (webSocket === null) return new Response(body, { status, statusText, headers })
    return new Response(null, {
      status,
      statusText,
      headers,
      webSocket: this.#counted(webSocket, hangUp),
    } as ResponseInit)
  }

  /** The origin's end of a connection; where it is counted, one that we hear of. */
  #counted(origin: Socket, hangUp: () => void): Socket {
    const seats = this.#seats
    if (seats === null) return origin
    const { client, cut } = bridge(origin, hangUp, () => this.#release())
    seats.renew(cut)
    return client
  }

  #failed(failure: Parameters<typeof originFailed>[0], cause: unknown, id: string): Response {
    report('origin_failed', { request: id, failure, problem: problemOf(cause) })
    return responseOf(originFailed(failure, id))
  }

  #release(): void {
    if (this.#seats !== null) this.#way.outlive(this.#seats.release())
  }
}

/**
 * Whether it is the handshake of a WebSocket, whole and of the only version (RFC 6455 section 4.2.1). For the origin the
 * runtime would make one of any other method and of one that it then refuses the client; these are ordinary requests.
 */
const opensWebSocket = ({ method, headers }: Request): boolean =>
  method === 'GET' &&
  headers.get('upgrade')?.toLowerCase() === 'websocket' &&
  headers.get('sec-websocket-version') === '13' &&
  /^[A-Za-z0-9+/]{22}==$/.test(headers.get('sec-websocket-key') ?? '')

/** What went wrong, for the log. */
export const problemOf = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).slice(0, 256)
