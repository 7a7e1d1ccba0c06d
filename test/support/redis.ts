/** Real redis-servers for tests: one, or a cluster of three; each in a folder of its own, on loopback. */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createConnection, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createClient } from '@redis/client'
import { describe } from 'vitest'
import { portNear } from '../../scripts/free-port.ts'
import { findServer } from '../../scripts/servers.ts'

const run = promisify(execFile)

/** Describes what needs a real redis-server: skipped with its reason where none can be had, a failure in CI. */
export async function describeRedis(name: string, suite: () => void): Promise<void> {
  const server = await findServer('redis-server')
  if (!('missing' in server)) describe(name, suite)
  else if (process.env['CI'] === 'true') throw new Error(server.missing)
  else {
    console.warn(`skipped, ${name}: ${server.missing}`)
    describe.skip(name, suite)
  }
}

/** One redis-server. Its data lives in memory alone: what is restarted is empty. */
export class RedisServer {
  readonly port: number
  readonly #arguments: readonly string[]
  readonly #tls: boolean
  #folder = ''
  #process: ChildProcess | null = null

  private constructor(port: number, given: readonly string[], tls: boolean) {
    this.port = port
    this.#arguments = given
    this.#tls = tls
  }

  /**
   * @param options directives of redis.conf, as arguments
   * @param port 0: a free one
   */
  static async start(options: readonly string[] = [], port = 0): Promise<RedisServer> {
    const tls = options.includes('--tls-cert-file')
    const server = new RedisServer(port === 0 ? await portNear(0) : port, options, tls)
    server.#folder = await mkdtemp(join(tmpdir(), 'postern-redis-'))
    await server.start()
    return server
  }

  get url(): string {
    return `${this.#tls ? 'rediss' : 'redis'}://127.0.0.1:${this.port}`
  }

  get pid(): number {
    return this.#process?.pid ?? 0
  }

  /** Starts it again after `kill`, on the same port. */
  async start(): Promise<void> {
    const server = await findServer('redis-server')
    if ('missing' in server) throw new Error(server.missing)
    const listen = this.#tls
      ? ['--port', '0', '--tls-port', String(this.port)]
      : ['--port', String(this.port)]
    const common = ['--bind', '127.0.0.1', '--dir', this.#folder, '--save', '', '--appendonly', 'no']
    this.#process = spawn(server.path, [...listen, ...common, ...this.#arguments], { stdio: 'ignore' })
    await until(() => listens(this.port))
  }

  freeze(): void {
    process.kill(this.pid, 'SIGSTOP')
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT')
  }

  async kill(): Promise<void> {
    const child = this.#process
    this.#process = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  async stop(): Promise<void> {
    await this.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Runs one command over a connection of its own. */
  async command(...args: string[]): Promise<unknown> {
    const client = createClient({
      RESP: 2,
      url: this.url,
      disableClientInfo: true,
      maintNotifications: 'disabled',
    })
    client.on('error', () => {})
    await client.connect()
    try {
      return await client.sendCommand(args)
    } finally {
      client.destroy()
    }
  }

  /** How often each command came from clients or scripts since `CONFIG RESETSTAT`. */
  async calls(): Promise<Record<string, number>> {
    const text = String(await this.command('INFO', 'commandstats'))
    const lines = text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)
    return Object.fromEntries([...lines].map(([, name, count]) => [name, Number(count)]))
  }

  /** Starts counting anew. */
  async forget(): Promise<void> {
    await this.command('CONFIG', 'RESETSTAT')
  }
}

/** Three masters that share all slots. */
export class RedisCluster {
  readonly nodes: readonly RedisServer[]

  private constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes
  }

  static async start(): Promise<RedisCluster> {
    const ports = new Set<number>()
    while (ports.size < 3) {
      // A node takes port + 10000 for the others; both below those that the system gives away.
      const port = 12_000 + Math.floor(Math.random() * 10_000)
      if ((await portNear(port)) === port && (await portNear(port + 10_000)) === port + 10_000)
        ports.add(port)
    }
    const options = [
      '--cluster-enabled',
      'yes',
      '--cluster-node-timeout',
      '2000',
      '--cluster-require-full-coverage',
      'no',
    ]
    const nodes = await Promise.all([...ports].map((port) => RedisServer.start(options, port)))
    const cluster = new RedisCluster(nodes)
    try {
      await cluster.#join()
    } catch (problem) {
      await cluster.stop()
      throw problem
    }
    return cluster
  }

  get urls(): string[] {
    return this.nodes.map(({ url }) => url)
  }

  /** The node that holds a slot as it was at the start. */
  at(slot: number): RedisServer {
    const index = RANGES.findIndex(([from, to]) => from <= slot && slot <= to)
    return this.nodes[index] as RedisServer
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()))
  }

  async #join(): Promise<void> {
    const [first] = this.nodes
    for (const [index, node] of this.nodes.entries()) {
      const [from, to] = RANGES[index] as readonly [number, number]
      await node.command('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to))
      await node.command('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
    }
    // A greeting may get lost, and is then forgotten.
    await until(async () => {
      for (const node of this.nodes)
        if (first && node !== first) await node.command('CLUSTER', 'MEET', '127.0.0.1', String(first.port))
      return this.#whole()
    }, 'the cluster')
  }

  async #whole(): Promise<boolean> {
    const states = await Promise.all(this.nodes.map((node) => node.command('CLUSTER', 'INFO')))
    return states.every(
      (state) => /cluster_slots_ok:16384/.test(String(state)) && /cluster_state:ok/.test(String(state)),
    )
  }
}

const RANGES: readonly (readonly [number, number])[] = [
  [0, 5460],
  [5461, 10_922],
  [10_923, 16_383],
]

/** A wire to a server that a test may cut, or stop one way. */
export class Wire {
  readonly port: number
  readonly #ends = new Set<Socket>()
  readonly #server: ReturnType<typeof createServer>
  #mute = false

  private constructor(port: number, to: RedisServer) {
    this.port = port
    this.#server = createServer((near) => {
      const far = createConnection({ port: to.port, host: '127.0.0.1' })
      for (const end of [near, far]) {
        this.#ends.add(end)
        end.on('error', () => {})
        end.on('close', () => {
          this.#ends.delete(end)
          near.destroy()
          far.destroy()
        })
      }
      near.pipe(far)
      far.on('data', (chunk) => {
        if (!this.#mute) near.write(chunk)
      })
    })
  }

  static async to(server: RedisServer): Promise<Wire> {
    const wire = new Wire(await portNear(0), server)
    wire.#server.listen(wire.port, '127.0.0.1')
    await once(wire.#server, 'listening')
    return wire
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Questions still get there; answers get lost. */
  mute(): void {
    this.#mute = true
  }

  /** Cuts all connections; new ones are whole again. */
  cut(): void {
    this.#mute = false
    for (const end of this.#ends) end.destroy()
  }

  async close(): Promise<void> {
    this.#server.close()
    this.cut()
    if (this.#server.listening) await once(this.#server, 'close')
  }
}

/** A key and a certificate for `localhost` and 127.0.0.1 that certifies itself. */
export async function certificate(folder: string): Promise<{ readonly key: string; readonly cert: string }> {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ...['-keyout', key, '-out', cert],
  ])
  return { key, cert }
}

/** Waits until something holds, for twenty seconds at most. */
export async function until(holds: () => boolean | Promise<boolean>, what = 'a condition'): Promise<void> {
  const end = performance.now() + 20_000
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what} did not come to hold`)
    await delay(10)
  }
}

/** Whether somebody takes connections there, on loopback. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
