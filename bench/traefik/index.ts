/** What a check costs a user: through real Traefik, against a static handler in Postern's place and against no check. */
import { findServer } from '../../scripts/servers.ts'
import { Issuer, requestBytes } from '../credentials.ts'
import { figureOf } from '../figure.ts'
import { counted, load } from '../load.ts'
import type { Group, Print } from '../plan.ts'
import { Stand } from '../stand.ts'
import { alternate, quantile } from '../statistics.ts'
import { openDoors, type Ports } from './open.ts'
import { inTurns } from './turns.ts'

const FULL = { warmUp: 2, rounds: 11, alone: 3_000, together: 4_000 }
const QUICK = { warmUp: 1, rounds: 3, alone: 50, together: 100 }

const GROUP = 'traefik'
/** Connections of clients at a time. */
const TOGETHER = 32

export const traefikFigures: Group = async ({ quick, note }, print) => {
  const traefik = await findServer('traefik')
  if ('missing' in traefik) return note(`Without the rows through Traefik: ${traefik.missing}.`)
  await Stand.during(async (stand) => {
    const plan = quick ? QUICK : FULL
    const issuer = new Issuer('RS256')
    const doors = await openDoors(stand, traefik.path, issuer)
    const known = requestBytes(issuer.token())
    await added(doors, plan, known, print)
    const rate = (port: number) => async () => {
      const { failures, seconds } = await load(port, plan.together, TOGETHER, () => known)
      return counted('Traefik', plan.together, failures) / seconds
    }
    const [https = [], http = []] = await alternate(plan, [rate(doors.https), rate(doors.http)])
    const what = `checks through Traefik over https, ${TOGETHER} connections`
    const texts = { group: GROUP, what, against: 'over http', unit: 'per second' }
    print(figureOf({ ...texts, target: { atLeast: 1.25 } }, https, http))
  })
}

/** Which share of requests waits no longer, and how much longer a check may make it than a static answer does. */
const QUANTILES = [
  { name: 'p50', share: 0.5, target: { atMost: 1.15 } },
  { name: 'p99', share: 0.99, target: { atMost: 1.3 } },
]
const SCHEMES = [
  { name: 'http', ours: 'http', still: 'stillHttp' },
  { name: 'https', ours: 'https', still: 'stillHttps' },
] as const

/** What checks add to the time of a request over one connection, each scheme by itself. */
async function added(doors: Ports, plan: typeof FULL, request: string, print: Print): Promise<void> {
  for (const { name, ours, still } of SCHEMES) {
    // Latencies of each round: without a check, with a static answer, with Postern's.
    const rounds: number[][][] = []
    for (let round = -plan.warmUp; round < plan.rounds; round++) {
      const found = await inTurns([doors.none, doors[still], doors[ours]], plan.alone, request)
      if (round >= 0) rounds.push(found)
    }
    for (const { name: quantileName, share, target } of QUANTILES) {
      const addedBy = (door: 1 | 2): number[] =>
        rounds.map(
          ([none = [], ...checked]) => quantile(checked[door - 1] ?? [], share) - quantile(none, share),
        )
      const what = `${quantileName} that a check over ${name} adds, one connection`
      const texts = { group: GROUP, what, against: 'what a static 200 adds there', target, unit: 'µs' }
      print(figureOf(texts, addedBy(2), addedBy(1)))
    }
  }
}
