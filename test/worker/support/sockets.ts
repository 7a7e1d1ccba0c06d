/** A real WebSocket origin, and clients of it. */
import { createServer, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { edge } from './gateway.ts'

/** How a connection ended, on one side. */
export interface Ending {
  readonly code: number
  readonly reason: string
}

/** One end of a connection, and what it has heard. */
export interface End {
  readonly socket: WebSocket
  readonly heard: readonly { readonly data: Buffer; readonly binary: boolean }[]
  readonly ended: Promise<Ending>
}

export interface SocketOrigin {
  readonly port: number
  /** Requests of any kind, oldest first. */
  readonly requests: readonly IncomingMessage[]
  /** Connections, oldest first. */
  readonly ends: readonly End[]
  stop(): Promise<void>
}

/** Answers `/plain` paths with 403, hangs up at `/reset`, is silent at `/silent`; every other path is a WebSocket. Picks the last subprotocol. */
export async function startSocketOrigin(): Promise<SocketOrigin> {
  const requests: IncomingMessage[] = []
  const ends: End[] = []
  const open = new Set<Socket>()
  const server = createServer((request, response) => {
    requests.push(request)
    response.writeHead(403, { 'X-From': 'origin' }).end('no')
  })
  server.on('connection', (socket) => void open.add(socket.on('close', () => open.delete(socket))))
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: true,
    maxPayload: 64 << 20,
    handleProtocols: (offered) => [...offered].at(-1) ?? false,
  })
  sockets.on('headers', (lines) => lines.push('X-Auth-User: echo', 'X-From: origin'))
  server.on('upgrade', (request, socket, head) => {
    requests.push(request)
    if (request.url?.endsWith('/plain')) {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nX-From: origin\r\n\r\nno')
      return
    }
    if (request.url?.endsWith('/silent')) return
    if (request.url?.endsWith('/reset')) {
      socket.destroy()
      return
    }
    sockets.handleUpgrade(request, socket, head, (connection) => void ends.push(endOf(connection)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    requests,
    ends,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of open) socket.destroy()
      }),
  }
}

function endOf(socket: WebSocket): End {
  const heard: { data: Buffer; binary: boolean }[] = []
  socket.on('message', (data: Buffer, binary) => void heard.push({ data, binary }))
  socket.on('error', () => {})
  const ended = new Promise<Ending>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  )
  return { socket, heard, ended }
}

/** What became of a handshake. */
export type Handshake =
  | { readonly ok: true; readonly end: End; readonly headers: IncomingMessage['headers'] }
  | {
      readonly ok: false
      readonly status: number
      readonly headers: IncomingMessage['headers']
      readonly body: string
    }

export interface Opening {
  readonly client?: string
  readonly protocols?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  readonly deflate?: boolean
}

/** A client that opens a connection through the gateway. */
export function open(url: string, path: string, opening: Opening = {}): Promise<Handshake> {
  const { client, protocols = [], headers = {}, deflate = false } = opening
  const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, [...protocols], {
    headers: { ...Object.fromEntries([edge(client)]), ...headers },
    perMessageDeflate: deflate,
    maxPayload: 64 << 20,
  })
  const end = endOf(socket)
  return new Promise((resolve, reject) => {
    let answered: IncomingMessage['headers'] = {}
    socket.on('upgrade', (response) => {
      answered = response.headers
    })
    socket.on('open', () => resolve({ ok: true, end, headers: answered }))
    socket.on('error', reject)
    socket.on('unexpected-response', (_, response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text) => {
        body += text
      })
      response.on('end', () =>
        resolve({ ok: false, status: response.statusCode ?? 0, headers: response.headers, body }),
      )
    })
  })
}

/** The same, where it has to succeed. */
export async function opened(url: string, path: string, opening: Opening = {}): Promise<End> {
  const handshake = await open(url, path, opening)
  if (handshake.ok) return handshake.end
  throw new Error(`the handshake was answered with ${handshake.status}: ${handshake.body}`)
}
