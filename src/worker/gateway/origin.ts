import type { FixedLengthStream as Sized } from '@cloudflare/workers-types'
import type { OriginFailure } from '../../http/respond.ts'
import type { Policy } from '../../policy/schema.ts'
import { secretOf } from '../../schema/secret.ts'
import { edgeOf } from '../edge.ts'

export type GatewayPolicy = NonNullable<Policy['gateway']>

/** What the origin made of a request. Whatever stands in `cause` is for the operator. */
export type Asked =
  | {
      readonly ok: true
      readonly response: Response
      /** Ends what is left of the exchange, a WebSocket too. */
      hangUp(): void
    }
  | { readonly ok: false; readonly failure: OriginFailure; readonly cause: unknown }

type Fetch = (request: Request, init: RequestInit) => Promise<Response>

/** Fetching these, the runtime would look into the cache of the edge first, which knows nothing of who asks. */
const CACHED: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/** Where requests go that may pass, and how the origin knows that it is we who ask. */
export class Origin {
  /** What we prove ourselves by in X-Postern-Secret; null: by the binding alone. */
  readonly secret: string | null
  /** What is missing to ask it at all, in words; null: nothing. */
  readonly missing: string | null
  readonly #base: string | null
  readonly #fetch: Fetch
  readonly #timeout: number

  constructor({ origin, secret, binding, timeout }: GatewayPolicy, env: Readonly<Record<string, unknown>>) {
    this.#base = origin === undefined ? null : new URL(origin).origin
    this.secret = secret === undefined ? null : secretOf(secret)
    this.#timeout = timeout
    const service = binding === undefined ? null : env[binding]
    this.missing =
      service === null || isFetcher(service)
        ? null
        : `there is no binding ${binding} that the origin could be asked through`
    this.#fetch = isFetcher(service)
      ? (request, init) => service.fetch(request, init)
      : (request, init) => fetch(request, init)
  }

  /**
   * The request as it goes to the origin, with the client's own header: its body is handed over and read by nobody here.
   * @param url as it was judged
   */
  outgoing(request: Request, url: URL): Outgoing {
    // Put together as text: parsed against a base, a path of two slashes would name another host.
    const address = `${this.#base ?? url.origin}${url.pathname}${url.search}`
    // With GET and HEAD the runtime hands a body over as it stands, and takes no other one in its place.
    if (request.body === null || CACHED.has(request.method))
      return { request: new Request(address, request), sent: null }
    const pipe = pipeFor(request.headers.get('content-length'))
    const { method, headers } = request
    // A Worker that is bound hears from the edge's own words where the client is.
    const cf = edgeOf(request)
    return {
      request: new Request(address, { method, headers, body: pipe.readable, cf } as RequestInit),
      // A pipe that breaks shows in what becomes of the request.
      sent: request.body.pipeTo(pipe.writable).catch(() => {}),
    }
  }

  /**
   * Sends it, once. The origin has to begin its answer in time, counted from when it was told everything; how long
   * client and origin then take is theirs.
   */
  async ask({ request, sent }: Outgoing): Promise<Asked> {
    const abort = new AbortController()
    let late = false
    let timer: ReturnType<typeof setTimeout> | undefined
    let begun = false
    const watch = () => {
      if (begun) return
      timer = setTimeout(() => {
        late = true
        abort.abort()
      }, this.#timeout)
    }
    if (sent === null) watch()
    else sent.then(watch)
    const handshake = request.headers.has('upgrade')
    const cached = CACHED.has(request.method) && !handshake
    // The runtime would write `no-cache`, for which many an origin answers no condition.
    if (cached && !request.headers.has('cache-control')) request.headers.set('Cache-Control', 'max-age=0')
    try {
      const response = await this.#fetch(request, {
        redirect: 'manual',
        signal: abort.signal,
        ...(cached ? { cache: 'no-store' } : {}),
      })
      if (handshake && response.status === 502 && [...response.headers].length === 0) {
        // The runtime's own page in the place of a handshake that an origin does not complete as it must.
        abort.abort()
        return { ok: false, failure: 'bad_gateway', cause: 'the handshake was not completed' }
      }
      return { ok: true, response, hangUp: () => abort.abort() }
    } catch (cause) {
      return { ok: false, failure: late ? 'gateway_timeout' : 'bad_gateway', cause }
    } finally {
      begun = true
      clearTimeout(timer)
    }
  }
}

/** A request for the origin. */
export interface Outgoing {
  readonly request: Request
  /** Settles when its body was handed over; null: there is none to wait for. */
  readonly sent: Promise<void> | null
}

/** Carries a body without turning it over in our hands. A length that was said, and that a number holds, stays said. */
function pipeFor(length: string | null): TransformStream<Uint8Array, Uint8Array> {
  const pipe: unknown =
    length === null || !Number.isSafeInteger(Number(length))
      ? new IdentityTransformStream()
      : (new FixedLengthStream(Number(length)) satisfies Sized)
  return pipe as TransformStream<Uint8Array, Uint8Array>
}

function isFetcher(value: unknown): value is { fetch: Fetch } {
  return (
    typeof value === 'object' && value !== null && typeof (value as { fetch?: unknown }).fetch === 'function'
  )
}
