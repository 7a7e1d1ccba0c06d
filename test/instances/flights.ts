/** A wire to a server that counts how often somebody asks and waits: round trips, however many commands are in each. */
import { once } from 'node:events'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { portNear } from '../../scripts/free-port.ts'

export class Flights {
  readonly port: number
  readonly #server: Server
  readonly #ends = new Set<Socket>()
  #count = 0

  private constructor(port: number, server: Server) {
    this.port = port
    this.#server = server
  }

  static async to(port: number): Promise<Flights> {
    const server = createServer()
    const flights = new Flights(await portNear(0), server)
    server.on('connection', (near) => flights.#carry(near, createConnection({ port, host: '127.0.0.1' })))
    server.listen(flights.port, '127.0.0.1')
    await once(server, 'listening')
    return flights
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Times that something was asked after everything before had been answered, on any connection. */
  get count(): number {
    return this.#count
  }

  async close(): Promise<void> {
    this.#server.close()
    for (const end of this.#ends) end.destroy()
    if (this.#server.listening) await once(this.#server, 'close')
  }

  #carry(near: Socket, far: Socket): void {
    let asking = false
    near.on('data', (chunk) => {
      if (!asking) this.#count++
      asking = true
      far.write(chunk)
    })
    far.on('data', (chunk) => {
      asking = false
      near.write(chunk)
    })
    for (const end of [near, far]) {
      end.setNoDelay(true)
      this.#ends.add(end)
      end.on('error', () => {})
      end.on('close', () => {
        this.#ends.delete(end)
        near.destroy()
        far.destroy()
      })
    }
  }
}
