import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { KeyPair } from './certificate.ts'
import { CheckMessage } from './check-message.ts'

export type Incoming = IncomingMessage | Http2ServerRequest
export type Outgoing = ServerResponse | Http2ServerResponse
export type RequestHandler = (incoming: Incoming, outgoing: Outgoing) => void

/** Longer than any proxy keeps an idle connection: it must be the proxy that closes first, or a check gets lost. */
const KEEP_ALIVE = 125_000

/** A check has no body, so its header is all there is to wait for. */
const BOUNDS = {
  maxHeaderSize: 65_536,
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  connectionsCheckingInterval: 5_000,
  keepAliveTimeout: KEEP_ALIVE,
  // The check's own Host says nothing, so its absence is no fault either.
  requireHostHeader: false,
  optimizeEmptyRequests: true,
  noDelay: true,
}

/** More than a header of the largest size can have over h2, where each line counts for 32 bytes beside its own. */
const MOST_PAIRS = 2048

export const MIN_TLS = 'TLSv1.2'

const MAX_CONNECTIONS = 10_000

/** HTTP/1.1 without TLS. */
export function createPlainServer(handle: RequestHandler): Server {
  const server = createServer({ ...BOUNDS, IncomingMessage: CheckMessage })
  harden(server, handle)
  return server
}

/** TLS with HTTP/2 and HTTP/1.1, by ALPN: Traefik multiplexes checks over h2, and keeps two connections otherwise. */
export function createTlsServer(handle: RequestHandler, pair: KeyPair): Http2SecureServer {
  const server = createSecureServer({
    ...BOUNDS,
    ...pair,
    allowHTTP1: true,
    Http1IncomingMessage: CheckMessage,
    // Asked for, and judged by its digest alone: whose certificate has to be which is what the policy says.
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: MIN_TLS,
    handshakeTimeout: 10_000,
    // A stream with more lines is reset, which a proxy takes for a failure of ours; usually that is 128.
    maxHeaderListPairs: MOST_PAIRS,
    settings: { maxConcurrentStreams: 1000, maxHeaderListSize: BOUNDS.maxHeaderSize },
    // Otherwise a line with a blank before or behind its value vanishes, as if the client had not presented it.
    strictFieldWhitespaceValidation: false,
  })
  server.setTimeout(KEEP_ALIVE)
  harden(server, handle)
  return server
}

/**
 * Sees to it that whatever arrives gets a plain answer or none: no upgrade (without a listener for it Node treats the
 * request as any other), no tunnel, no 1xx (a proxy may take one for the answer, and a 101 reaches the client).
 */
function harden(server: Server | Http2SecureServer, handle: RequestHandler): void {
  server.maxConnections = MAX_CONNECTIONS
  // Else all lines behind the thousandth vanish without a word, and one of them may be a repeated one. Over TLS it holds
  // for HTTP/1.1, though the types do not know of it.
  Object.assign(server, { maxHeadersCount: 0 })
  server.on('request', handle)
  const withoutBody: RequestHandler = (incoming, outgoing) => {
    // The body that we did not ask for may come or not; nothing after it on this connection can be told apart.
    if (incoming.httpVersionMajor === 1 && announcesBody(incoming)) outgoing.setHeader('Connection', 'close')
    handle(incoming, outgoing)
  }
  server.on('checkContinue', withoutBody)
  server.on('checkExpectation', withoutBody)
  server.on('connect', (_incoming: Incoming, target: Socket | Http2ServerResponse) => {
    if ('setHeader' in target) {
      target.writeHead(404, { 'x-postern-status': '404' })
      target.end()
    } else end(target, 404)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const begun = (socket as { _httpMessage?: ServerResponse })._httpMessage?.headersSent === true
    if (begun || error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
    else end(socket, STATUS[error.code ?? ''] ?? 400)
  })
}

const announcesBody = ({ headers }: Incoming): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0

const STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** The last words on a connection that carries nothing we could answer as a check. */
function end(socket: Socket, status: number): void {
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `X-Postern-Status: ${status}`,
    'Cache-Control: no-store',
    'Content-Length: 0',
    'Connection: close',
  ]
  socket.on('error', () => socket.destroy())
  socket.end(`${lines.join('\r\n')}\r\n\r\n`, () => socket.destroy())
}
