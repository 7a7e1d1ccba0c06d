/** The service behind the proxies: records every request byte for byte and answers 200. */
import { createHash } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { header, type Message, Reader } from './wire.ts'

/** A request as the upstream received it. */
export interface Received extends Message {
  readonly method: string
  /** The request target, byte for byte. */
  readonly target: string
}

export interface Upstream {
  readonly port: number
  /** Everything received since the start, oldest first. */
  readonly received: readonly Received[]
  stop(): Promise<void>
}

export async function startUpstream(): Promise<Upstream> {
  const received: Received[] = []
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.setNoDelay(true)
    serve(socket, received).catch(() => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the upstream has no port')
  return {
    port: address.port,
    received,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of open) socket.destroy()
      }),
  }
}

async function serve(socket: Socket, received: Received[]): Promise<void> {
  const reader = new Reader(socket)
  for (;;) {
    const head = await reader.head()
    if (head === null) return
    if (/^100-continue$/i.test(header(head.lines, 'expect') ?? ''))
      socket.write('HTTP/1.1 100 Continue\r\n\r\n')
    const { body, trailers } = await reader.body(head.lines, false)
    const method = head.start.slice(0, head.start.indexOf(' '))
    // Up to the last space: a proxy that lets one through must be seen to.
    const target = head.start.slice(method.length + 1, head.start.lastIndexOf(' '))
    received.push({ ...head, body, trailers, method, target })
    const upgrade = header(head.lines, 'upgrade')
    if (upgrade !== null && /upgrade/i.test(header(head.lines, 'connection') ?? '')) {
      // It agrees to whatever protocol is asked of it, so that only the proxy can keep one away.
      socket.write(switching(upgrade, header(head.lines, 'sec-websocket-key') ?? ''))
      for (let byte = await reader.take(1); byte !== ''; byte = await reader.take(1))
        socket.write(byte, 'latin1')
      return
    }
    const answer = method === 'HEAD' ? '' : 'upstream'
    socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\n${answer}`)
  }
}

/** The head that agrees to another protocol. */
export function switching(protocol: string, key: string): string {
  // The fixed GUID of RFC 6455 section 1.3.
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  return (
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${protocol}\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Accept: ${accept}\r\n\r\n`
  )
}
