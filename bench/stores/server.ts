import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from '@redis/client'
import { portNear } from '../../scripts/free-port.ts'
import { findServer } from '../../scripts/servers.ts'
import { charge } from '../../src/stores/scripted/charge.ts'

/** A client as the store has one, for what is measured without the store. */
export type Client = Awaited<ReturnType<typeof connected>>

/** A redis-server of our own, in memory alone. */
export class Redis {
  readonly url: string
  readonly #child: ChildProcess

  private constructor(url: string, child: ChildProcess) {
    this.url = url
    this.#child = child
  }

  /** @returns why there is none, where none can be had */
  static async start(): Promise<Redis | { readonly missing: string }> {
    const server = await findServer('redis-server')
    if ('missing' in server) return server
    const port = await portNear(0)
    const listen = ['--port', String(port), '--bind', '127.0.0.1', '--dir', tmpdir()]
    const child = spawn(server.path, [...listen, '--save', '', '--appendonly', 'no'], { stdio: 'ignore' })
    // Whatever ends the bench, the server does not outlive it.
    process.once('exit', () => child.kill('SIGKILL'))
    while (!(await listens(port))) await delay(10)
    return new Redis(`redis://127.0.0.1:${port}`, child)
  }

  client(): Promise<Client> {
    return connected(this.url)
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }
}

/** The same options as src/stores/redis/link.ts; the server knows the script. */
async function connected(url: string) {
  const client = createClient({
    RESP: 2,
    url,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
  })
  await client.connect()
  await client.sendCommand(['SCRIPT', 'LOAD', charge.body])
  return client
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' })
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
