/** The service behind the proxy: tells of each request that arrives, by its nonce, and names it in its answer. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request that arrived: its target and its header lines, name and value in turn. */
export interface Arrival {
  readonly nonce: string
  readonly target: string
  readonly lines: readonly string[]
}

/** What every answer of the upstream carries, so that no answer can pass for that of another request. */
export const ECHO = 'x-soak-arrived'

export class Upstream {
  readonly port: number
  readonly #server: Server

  static async start(hear: (arrival: Arrival) => void): Promise<Upstream> {
    const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
      const { 'x-soak': nonce = '' } = request.headers
      hear({ nonce: String(nonce), target: request.url ?? '', lines: request.rawHeaders })
      request.resume()
      response.on('error', () => {})
      response.writeHead(200, { [ECHO]: String(nonce), 'Content-Length': 2 })
      response.end('ok')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new Upstream(server)
  }

  private constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }
}
