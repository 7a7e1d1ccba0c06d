import { type Connection, open } from '../load.ts'

/** Requests in a row over one connection before the next door has its turn: what disturbs one disturbs the others. */
const TURN = 50

/** Microseconds of `count` requests at each port, over one connection to each. */
export async function inTurns(ports: readonly number[], count: number, request: string): Promise<number[][]> {
  const connections: Connection[] = await Promise.all(ports.map(open))
  const latencies: number[][] = ports.map(() => [])
  for (let turn = 0; turn * TURN < count; turn++) {
    const order = [...connections.keys()]
    if (turn % 2 === 1) order.reverse()
    for (const index of order)
      latencies[index]?.push(...(await inARow(connections[index] as Connection, request)))
  }
  for (const connection of connections) connection.close()
  return latencies
}

async function inARow(connection: Connection, request: string): Promise<number[]> {
  const taken: number[] = []
  for (let asked = 0; asked < TURN; asked++) {
    const sent = performance.now()
    const status = await connection.ask(request)
    taken.push((performance.now() - sent) * 1000)
    if (status !== 200) throw new Error(`an answer through Traefik was ${status}`)
  }
  return taken
}
