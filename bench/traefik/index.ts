/** What a check costs a user: through real Traefik, against a static handler in Postern's place and against no check. */
import { findServer } from '../../scripts/servers.ts'
import { Issuer, requestBytes } from '../credentials.ts'
import { figureOf } from '../figure.ts'
import { type Connection, load, open } from '../load.ts'
import type { Group } from '../plan.ts'
import { Stand } from '../stand.ts'
import { alternate, quantile } from '../statistics.ts'
import { openDoors } from './open.ts'

const FULL = { warmUp: 2, rounds: 11, alone: 3_000, together: 4_000 }
const QUICK = { warmUp: 1, rounds: 3, alone: 60, together: 100 }

const GROUP = 'traefik'
/** Requests in a row over one connection before the next door has its turn: what disturbs one disturbs the others. */
const TURN = 50
const TOGETHER = 32

export const traefikFigures: Group = async ({ quick, note }, print) => {
  const traefik = await findServer('traefik')
  if ('missing' in traefik) return note(`Without the rows through Traefik: ${traefik.missing}.`)
  await Stand.during(async (stand) => {
    const plan = quick ? QUICK : FULL
    const issuer = new Issuer('RS256')
    const doors = await openDoors(stand, traefik.path, issuer)
    const known = requestBytes(issuer.token())

    const { none, still, http, https } = doors
    const p50: number[][] = [[], []]
    const p99: number[][] = [[], []]
    for (let round = -plan.warmUp; round < plan.rounds; round++) {
      const [without, other, ours] = (await inTurns([none, still, http], plan.alone, known)) as [
        number[],
        number[],
        number[],
      ]
      if (round < 0) continue
      for (const [side, latencies] of [ours, other].entries()) {
        p50[side]?.push(quantile(latencies, 0.5) - quantile(without, 0.5))
        p99[side]?.push(quantile(latencies, 0.99) - quantile(without, 0.99))
      }
    }
    const added = { group: GROUP, against: 'what a static 200 adds there', unit: 'µs' }
    const one = 'adds to a request through Traefik, one connection'
    const [oursP50 = [], otherP50 = []] = p50
    const [oursP99 = [], otherP99 = []] = p99
    print(
      figureOf({ ...added, what: `p50 that a check ${one}`, target: { atMost: 1.15 } }, oursP50, otherP50),
    )
    print(figureOf({ ...added, what: `p99 that a check ${one}`, target: { atMost: 1.3 } }, oursP99, otherP99))

    const rate = (port: number) => async () => {
      const { failures, seconds } = await load(port, plan.together, TOGETHER, () => known)
      if (failures > 0)
        throw new Error(`${failures} of ${plan.together} answers through Traefik were not 2xx`)
      return plan.together / seconds
    }
    const [overTls = [], plain = []] = await alternate(plan, [rate(https), rate(http)])
    const texts = { group: GROUP, against: 'http', unit: 'per second' }
    const what = `checks through Traefik over TLS with h2, ${TOGETHER} connections`
    print(figureOf({ ...texts, what, target: { atLeast: 1.25 } }, overTls, plain))
  })
}

/** Microseconds of `count` requests at each door, over one connection to each. */
async function inTurns(doors: readonly number[], count: number, request: string): Promise<number[][]> {
  const connections: Connection[] = await Promise.all(doors.map(open))
  const latencies: number[][] = doors.map(() => [])
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
