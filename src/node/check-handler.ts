import type { TLSSocket } from 'node:tls'
import { getRequestListener } from '@hono/node-server'
import type { Context } from 'hono'
import { type Address, parseHop } from '../core/address.ts'
import { type AppOptions, createApp, type Surroundings } from '../http/app.ts'
import { notFound, unavailable } from '../http/respond.ts'
import type { Drain } from './drain.ts'
import { NodeHeaderLines } from './header-lines.ts'
import type { Incoming, RequestHandler } from './listeners.ts'
import { requestIds } from './request-id.ts'

/** What the check's handler cannot know by itself. */
export type CheckOptions = Pick<AppOptions, 'engine' | 'ports' | 'decide' | 'record'>

/** Checks as Node's servers hand them over, HTTP/1.1 and HTTP/2 alike. */
export function createCheckHandler(options: CheckOptions, drain: Drain): RequestHandler {
  const app = createApp({ ...options, surroundings, newRequestId: requestIds(), random: Math.random })
  const listener = getRequestListener(app.fetch, {
    errorHandler: (error) => (isRequestError(error) ? notFound() : unavailable()),
  })
  const answer: RequestHandler = (incoming, outgoing) => {
    if (drain.active) {
      drain.noticed()
      if (incoming.httpVersionMajor === 1) outgoing.setHeader('Connection', 'close')
    }
    void listener(incoming, outgoing)
  }
  return (incoming, outgoing) => {
    // The check's own Host says nothing (some proxies relay the client's), so an odd one must not count as a fault.
    const authority = incoming.httpVersionMajor === 1 ? 'host' : ':authority'
    incoming.headers[authority] = 'postern'
    if (drain.closing === null) answer(incoming, outgoing)
    else void drain.closing.then(() => answer(incoming, outgoing))
  }
}

/** A target that no URL can be made of: none of our endpoints is one. */
const isRequestError = (error: unknown): boolean => error instanceof Error && error.name === 'RequestError'

function surroundings(context: Context): Surroundings {
  const { incoming } = context.env as { incoming: Incoming }
  return {
    peer: peerOf(incoming),
    certificate: () => certificateOf(incoming),
    headers: new NodeHeaderLines(incoming.rawHeaders),
    target: incoming.url ?? '',
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
