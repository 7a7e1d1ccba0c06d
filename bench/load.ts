import { connect, type Socket } from 'node:net'

/** What a stretch of load found. */
export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  /** Milliseconds of every request, in no order. */
  readonly latencies: readonly number[]
  /** Answers that were not 2xx. */
  readonly failures: number
}

/**
 * Sends requests over kept connections, one at a time on each, until `count` are answered.
 * @param requestAt the bytes of the n-th request; the same function serves every subject of a round
 */
export async function load(
  port: number,
  count: number,
  connections: number,
  requestAt: (index: number) => string,
): Promise<LoadResult> {
  let next = 0
  let failures = 0
  const latencies: number[] = []
  const began = performance.now()
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const connection = await open(port)
      for (let index = next++; index < count; index = next++) {
        const sent = performance.now()
        const status = await connection.ask(requestAt(index))
        latencies.push(performance.now() - sent)
        if (status < 200 || status > 299) failures++
      }
      connection.close()
    }),
  )
  return { requests: count, seconds: (performance.now() - began) / 1000, latencies, failures }
}

/** On a machine that does other things as well a decision may come too late, which is 503. */
const TOLERATED = 0.05

/**
 * How many answers count: those that were 2xx.
 * @throws when too few were: a subject that denies is fast and proves nothing
 */
export function counted(name: string, requests: number, failures: number): number {
  if (failures > requests * TOLERATED)
    throw new Error(`${name}: ${failures} of ${requests} answers were not 2xx`)
  return requests - failures
}

/** A kept connection that has one request under way at a time. */
export interface Connection {
  /** @returns the status */
  ask(request: string): Promise<number>
  close(): void
}

export function open(port: number): Promise<Connection> {
  return new Promise((resolve, reject) => {
    let answer: ((status: number) => void) | null = null
    let refuse: (cause: unknown) => void = reject
    let held = ''
    const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true }, () =>
      resolve({
        ask: (request) =>
          new Promise((settle, fail) => {
            answer = settle
            refuse = fail
            socket.write(request)
          }),
        close: () => socket.destroy(),
      }),
    )
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      held += chunk
      const end = held.indexOf('\r\n\r\n')
      if (end < 0) return
      const length = /\r\ncontent-length: (\d+)/i.exec(held)?.[1]
      // The subjects answer with an empty body, said by length or as one last chunk.
      const body = length === undefined ? '0\r\n\r\n'.length : Number(length)
      if (held.length < end + 4 + body) return
      const status = Number(held.slice(9, 12))
      held = ''
      answer?.(status)
    })
    socket.on('error', (cause) => refuse(cause))
    socket.on('close', () => refuse(new Error('the subject closed the connection')))
  })
}
