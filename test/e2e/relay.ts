/** Stands between a proxy and Postern: counts connections, and can let checks hang. */
import { connect, createServer, type Socket } from 'node:net'

export interface Relay {
  readonly port: number
  /** Connections opened so far. */
  connections(): number
  /** From now on keeps to itself what the proxy sends. */
  hang(): void
  stop(): Promise<unknown>
}

export async function startRelay(target: number): Promise<Relay> {
  const open = new Set<Socket>()
  let count = 0
  let hanging = false
  const server = createServer((from) => {
    count++
    const to = connect(target, '127.0.0.1')
    for (const socket of [from, to]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        from.destroy()
        to.destroy()
      })
    }
    from.on('data', (bytes) => hanging || to.write(bytes))
    to.pipe(from)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    port,
    connections: () => count,
    hang: () => {
      hanging = true
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve)
        for (const socket of open) socket.destroy()
      }),
  }
}
