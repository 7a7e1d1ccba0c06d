import { type Connection, counted, open } from '../load.ts'

/** Requests in a row over one connection before the next door has its turn: what disturbs one disturbs the others. */
const TURN = 50

/** Microseconds of `count` requests at each port, over one connection to each. */
export async function inTurns(ports: readonly number[], count: number, request: string): Promise<number[][]> {
  const connections: Connection[] = await Promise.all(ports.map(open))
  const latencies: number[][] = ports.map(() => [])
  const turns = Math.ceil(count / TURN)
  for (let turn = 0; turn < turns; turn++) {
    const order = [...connections.keys()]
    if (turn % 2 === 1) order.reverse()
    for (const index of order)
      latencies[index]?.push(...(await inARow(connections[index] as Connection, request)))
  }
  for (const connection of connections) connection.close()
  for (const taken of latencies) counted('Traefik', turns * TURN, turns * TURN - taken.length)
  return latencies
}

/** @returns the time of each request that was allowed */
async function inARow(connection: Connection, request: string): Promise<number[]> {
  const taken: number[] = []
  for (let asked = 0; asked < TURN; asked++) {
    const sent = performance.now()
    if ((await connection.ask(request)) === 200) taken.push((performance.now() - sent) * 1000)
  }
  return taken
}
