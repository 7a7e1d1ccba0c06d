/** An origin that answers byte for byte what a test says, and can hang up at any moment. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { type Line, Reader } from '../../e2e/wire.ts'

/** One request at the origin. */
export interface Visit {
  readonly method: string
  readonly target: string
  readonly lines: readonly Line[]
  readonly socket: Socket
  readonly reader: Reader
  /** Settles when the other side is gone. */
  readonly gone: Promise<unknown>
}

export interface ScriptedOrigin {
  readonly port: number
  /** Targets that were asked for, oldest first. */
  readonly visits: readonly string[]
  /** What happens at a path from now on; may go on for as long as it likes. */
  on(path: string, act: (visit: Visit) => unknown): void
  stop(): Promise<void>
}

export async function startOrigin(): Promise<ScriptedOrigin> {
  const acts = new Map<string, (visit: Visit) => unknown>()
  const visits: string[] = []
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: false }, async (socket) => {
    open.add(socket)
    const gone = once(socket, 'close').catch(() => {})
    socket.on('close', () => open.delete(socket)).on('error', () => {})
    const reader = new Reader(socket)
    for (let head = await reader.head(); head !== null; head = await reader.head()) {
      const [method = '', target = ''] = head.start.split(' ')
      visits.push(target)
      const act = acts.get(target.split('?')[0] ?? '')
      if (act === undefined) throw new Error(`the origin has nothing at ${target}`)
      await act({ method, target, lines: head.lines, socket, reader, gone })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the origin has no port')
  return {
    port: address.port,
    visits,
    on: (path, act) => void acts.set(path, act),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of open) socket.destroy()
      }),
  }
}
