import type { ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { type Address, parseHop } from '../core/address.ts'
import type { Soon } from '../core/soon.ts'
import type { Answer } from '../http/answer.ts'
import { answerTo, type CheckOptions, type Surroundings } from '../http/check.ts'
import { unavailable } from '../http/respond.ts'
import type { Drain } from './drain.ts'
import { NodeHeaderLines } from './header-lines.ts'
import type { Incoming, Outgoing, RequestHandler } from './listeners.ts'
import { requestIds } from './request-id.ts'

/** What the check's handler cannot know by itself. */
export type CheckHandlerOptions = Pick<CheckOptions, 'engine' | 'ports' | 'decide' | 'record'>

/**
 * Checks as Node's servers hand them over, HTTP/1.1 and HTTP/2 alike. Nothing stands between Node's own request and
 * response and the decision: a router, a Request and a Response cost more than the decision itself (docs/adr/0012).
 */
export function createCheckHandler(options: CheckHandlerOptions, drain: Drain): RequestHandler {
  const checks: CheckOptions = { ...options, newRequestId: requestIds(), random: Math.random }
  const handle: RequestHandler = (incoming, outgoing) => {
    if (drain.active) {
      drain.noticed()
      if (incoming.httpVersionMajor === 1) outgoing.setHeader('Connection', 'close')
    }
    const answer = answered(incoming, checks)
    if (answer instanceof Promise) answer.catch(unavailable).then((known) => write(incoming, outgoing, known))
    else write(incoming, outgoing, answer)
  }
  return (incoming, outgoing) => {
    if (drain.closing === null) handle(incoming, outgoing)
    else void drain.closing.then(() => handle(incoming, outgoing))
  }
}

/** The last net, should even the record fail: nobody is let in without one. */
function answered(incoming: Incoming, checks: CheckOptions): Soon<Answer> {
  try {
    return answerTo(new NodeSurroundings(incoming), checks)
  } catch {
    return unavailable()
  }
}

/** To somebody who has gone meanwhile, Node writes nothing. A HEAD check gets the header alone. */
function write(incoming: Incoming, outgoing: Outgoing, { status, headers, body }: Answer): void {
  // Both kinds take the same; their types do not agree on how to say so, nor that the array stays as it is.
  const { writeHead } = outgoing as ServerResponse
  writeHead.call(outgoing, status, headers as string[])
  if (body === null) outgoing.end()
  else outgoing.end(body)
  // Without a body a request has been over since its header. An h2 stream is closed by Node, body or not.
  if (!incoming.destroyed && incoming.httpVersionMajor === 1) discardBody(incoming)
}

/** Bytes of a body that nobody asked for, after which its connection is worth less than the time to read on. */
const MOST_DISCARDED = 64 * 1024 * 1024

/** Reads on to the next check: so far, and as long as a request may take. */
function discardBody(incoming: Incoming): void {
  let left = MOST_DISCARDED
  incoming.on('data', ({ length }: Buffer) => {
    left -= length
    if (left < 0) incoming.socket.destroy()
  })
}

class NodeSurroundings implements Surroundings {
  readonly headers: NodeHeaderLines
  readonly target: string
  readonly #incoming: Incoming

  constructor(incoming: Incoming) {
    this.#incoming = incoming
    this.headers = new NodeHeaderLines(incoming.rawHeaders)
    this.target = incoming.url ?? ''
  }

  get peer(): Address | null {
    return peerOf(this.#incoming)
  }

  certificate(): string | null {
    return certificateOf(this.#incoming)
  }
}

/** Of TLS connections only; whoever presents a certificate has shown that it holds the key (RFC 8446 section 4.4.3). */
function certificateOf(incoming: Incoming): string | null {
  const socket = 'stream' in incoming ? incoming.stream.session?.socket : incoming.socket
  // A plain socket has no such method, and the stand-in that an h2 session has for its socket does not list it.
  const certificate = (socket as Partial<TLSSocket> | undefined)?.getPeerX509Certificate?.()
  return certificate?.fingerprint256.replaceAll(':', '').toLowerCase() ?? null
}

const peers = new WeakMap<object, Address | null>()

/** Who opened the connection, read once for each. */
function peerOf(incoming: Incoming): Address | null {
  // HTTP/2 makes a new stand-in for the socket with every stream; the session lasts.
  const connection = 'stream' in incoming ? (incoming.stream.session ?? incoming.socket) : incoming.socket
  const known = peers.get(connection)
  if (known !== undefined) return known
  const text = incoming.socket.remoteAddress
  const peer = text === undefined ? null : parseHop(text)
  peers.set(connection, peer)
  return peer
}
