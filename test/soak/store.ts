/** A Redis that is taken away and comes back: in order with all that it held, or killed and empty. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { portNear } from '../../scripts/free-port.ts'
import { findServer } from '../../scripts/servers.ts'
import { launch, type Running, until } from '../e2e/process.ts'
import { listens } from '../support/redis.ts'

export class RestartedRedis {
  readonly port: number
  readonly #path: string
  readonly #folder: string
  #running: Running | null = null

  static async start(folder: string): Promise<RestartedRedis> {
    const server = await findServer('redis-server')
    if ('missing' in server) throw new Error(server.missing)
    const redis = new RestartedRedis(server.path, folder, await portNear(0))
    await redis.up()
    return redis
  }

  private constructor(path: string, folder: string, port: number) {
    this.#path = path
    this.#folder = folder
    this.port = port
  }

  async up(): Promise<void> {
    const running = launch(
      this.#path,
      [
        ...['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder, '--save', ''],
        ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction'],
      ],
      { folder: this.#folder },
    )
    this.#running = running
    await until(() => listens(this.port), running)
  }

  /** @param empty killed, and all that it held is gone; otherwise it ends in order and keeps everything */
  async down(empty: boolean): Promise<void> {
    const running = this.#running
    this.#running = null
    if (running === null) return
    if (empty) process.kill(running.pid, 'SIGKILL')
    await running.stop()
    if (empty) await rm(join(this.#folder, 'appendonlydir'), { recursive: true, force: true })
  }
}
