import type { Server } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { createHealth, type HealthSources } from '../http/health.ts'
import { type Endpoint, ListenError, listen } from './endpoint.ts'
import { createPlainServer } from './listeners.ts'
import type { ProcessLog } from './log.ts'

const USUAL: Endpoint = { host: '127.0.0.1', port: 8082 }

/** The listener for whoever watches over the process. */
export class HealthListener {
  readonly #server: Server
  readonly address: string

  /**
   * @param endpoint null for the usual one, or a free port when that is taken
   * @throws {ListenError} when it cannot be opened
   */
  static async open(
    endpoint: Endpoint | null,
    sources: HealthSources,
    log: ProcessLog,
  ): Promise<HealthListener> {
    const app = createHealth(sources)
    const open = async (at: Endpoint): Promise<HealthListener> => {
      const server = createPlainServer(getRequestListener(app.fetch))
      return new HealthListener(server, await listen(server, 'health', at))
    }
    if (endpoint !== null) return open(endpoint)
    try {
      return await open(USUAL)
    } catch (cause) {
      if (!(cause instanceof ListenError)) throw cause
      const moved = await open({ ...USUAL, port: 0 })
      log.warn('health_moved', { problem: cause.message, listen: moved.address })
      return moved
    }
  }

  private constructor(server: Server, address: string) {
    this.#server = server
    this.address = address
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}
