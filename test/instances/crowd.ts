/** Many clients on kept connections, over raw sockets: the load generator must cost less than what it asks. */
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** One connection; one request at a time. */
export class Caller {
  readonly #socket: Socket
  #held = ''
  #answer: ((status: number) => void) | null = null
  #gone = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => this.#read(chunk))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#gone = true
      this.#settle(0)
    })
  }

  /** Never rejects: a connection that cannot be made is one that is gone. */
  static open(port: number): Promise<Caller> {
    return new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      const caller = new Caller(socket)
      socket.once('connect', () => resolve(caller)).once('close', () => resolve(caller))
    })
  }

  get gone(): boolean {
    return this.#gone
  }

  /** The status of the answer; 0 when the connection went instead. */
  ask(request: string): Promise<number> {
    if (this.#gone) return Promise.resolve(0)
    return new Promise((resolve) => {
      this.#answer = resolve
      this.#socket.write(request, 'latin1')
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(chunk: string): void {
    this.#held += chunk
    const end = this.#held.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#held)?.[1] ?? 0)
    if (this.#held.length < end + 4 + length) return
    const status = Number(this.#held.slice(9, 12))
    this.#held = ''
    this.#settle(status)
  }

  #settle(status: number): void {
    const answer = this.#answer
    this.#answer = null
    answer?.(status)
  }
}

/** What became of the requests of one principal. */
export interface Outcome {
  admitted: number
  denied: number
  /** Neither 200 nor 429: the store did not answer in time, or the instance went. */
  lost: number
}

export const nothing = (): Outcome => ({ admitted: 0, denied: 0, lost: 0 })

/** @param status of an answer; 0 when there was none */
export function note(outcome: Outcome, status: number): void {
  if (status === 200) outcome.admitted++
  else if (status === 429) outcome.denied++
  else outcome.lost++
}

/**
 * Callers that ask one request after the other until `next` has none left, each starting at another instance and going
 * on at the next one when its own is gone.
 * @param next the request to send and who hears of its status; null: no more
 */
export async function crowd(
  ports: readonly number[],
  callers: number,
  next: (caller: number) => Promise<Order | null> | Order | null,
): Promise<void> {
  await Promise.all(
    Array.from({ length: callers }, async (_, index) => {
      let turn = index
      let caller = await Caller.open(ports[turn % ports.length] as number)
      for (let order = await next(index); order !== null; order = await next(index)) {
        if (caller.gone) caller = await Caller.open(ports[++turn % ports.length] as number)
        order.heard(await caller.ask(order.request))
      }
      caller.close()
    }),
  )
}

export interface Order {
  readonly request: string
  heard(status: number): void
}

/**
 * Turns for callers that together ask so often: each waits for its own, and asks at once where an answer made it late.
 * @param rate requests per second of all of them
 */
export function pace(callers: number, rate: number): (caller: number) => Promise<void> {
  const began = performance.now()
  const turns = new Uint32Array(callers)
  return async (caller) => {
    const turn = turns[caller] as number
    turns[caller] = turn + 1
    const wait = began + ((turn * callers + caller) * 1000) / rate - performance.now()
    if (wait > 0) await delay(wait)
  }
}
