/** What a check costs on Node: warm against servers that decide nothing, cold against one that only verifies. */
import { perCpuSecond } from './cpu-load.ts'
import { type Algorithm, checkBytes, Issuer } from './credentials.ts'
import { figureOf } from './figure.ts'
import type { Group, Plan, Print } from './plan.ts'
import { Stand } from './stand.ts'
import { alternate, perRound, type Rounds } from './statistics.ts'

const GROUP = 'node'
const UNIT = 'per CPU-second'

interface NodePlan extends Rounds {
  /** How often every subject is started: one process of a program is a sixth faster than the next. */
  readonly starts: number
  readonly warm: number
  readonly cold: number
  readonly connections: number
}

const FULL: NodePlan = { starts: 3, warmUp: 3, rounds: 5, warm: 25_000, cold: 3_000, connections: 16 }
const QUICK: NodePlan = { starts: 1, warmUp: 1, rounds: 3, warm: 200, cold: 40, connections: 4 }

/** One part after the other, so that at most four subjects live at a time. */
export const nodeFigures: Group = async (plan, print) => {
  for (const part of [warm, cold]) await Stand.during((stand) => part(stand, plan, print))
}

type Part = (stand: Stand, plan: Plan, print: Print) => Promise<void>

/** One in a hundred decisions that allow is recorded; every denial is. */
const SAMPLED = 'record: { allowed: 0.01 }\n'

const warm: Part = async (stand, { quick }, print) => {
  const plan = quick ? QUICK : FULL
  const issuer = new Issuer('RS256')
  const known = checkBytes(issuer.token())
  const asking = { requests: plan.warm, connections: plan.connections }
  const [ours = [], sampled = [], hono = [], node = []] = await startedAnew(stand, plan, async () =>
    [
      await stand.postern('Postern', issuer),
      await stand.postern('Postern, records sampled', issuer, { sections: SAMPLED }),
      await stand.bare('bare Hono', 'bare-hono', issuer),
      await stand.bare('bare node:http', 'bare-node', issuer),
    ].map((subject) => () => perCpuSecond(subject, asking, () => known)),
  )
  const rows = [
    { what: 'warm JWT decision', against: 'bare Hono', atLeast: 0.9, sides: [ours, hono] },
    { what: 'warm JWT decision, records sampled', against: 'bare Hono', atLeast: 1, sides: [sampled, hono] },
    { what: 'warm JWT decision', against: 'bare `node:http`', atLeast: 0.65, sides: [ours, node] },
  ] as const
  for (const { what, against, atLeast, sides } of rows)
    print(figureOf({ group: GROUP, what, against, target: { atLeast }, unit: UNIT }, ...sides))
}

const ALGORITHMS: readonly Algorithm[] = ['RS256', 'ES256', 'EdDSA']

const cold: Part = async (stand, { quick }, print) => {
  const plan = quick ? QUICK : FULL
  for (const algorithm of ALGORITHMS) {
    const issuer = new Issuer(algorithm)
    const asking = { requests: plan.cold, connections: plan.connections }
    const [ours = [], other = []] = await startedAnew(stand, plan, async () => {
      // Both sides of a round get the same tokens, which neither has seen.
      const checksOf = perRound(() => Array.from({ length: plan.cold }, () => checkBytes(issuer.token())))
      return [
        await stand.postern('Postern', issuer),
        await stand.bare('bare jwtVerify', 'bare-verify', issuer),
      ].map((subject) => (round: number) => {
        const checks = checksOf(round)
        return perCpuSecond(subject, asking, (index) => checks[index] as string)
      })
    })
    const what = `never-seen ${algorithm} token`
    const target = { atLeast: 0.9 }
    print(
      figureOf(
        { group: GROUP, what, against: 'bare `jwtVerify` behind Hono', target, unit: UNIT },
        ours,
        other,
      ),
    )
  }
}

/** Rounds with subjects that are started anew now and then. @returns figures of each, by round */
async function startedAnew(
  stand: Stand,
  plan: NodePlan,
  start: () => Promise<((round: number) => Promise<number>)[]>,
): Promise<number[][]> {
  const figures: number[][] = []
  for (let time = 0; time < plan.starts; time++) {
    const found = await alternate(plan, await start())
    await stand.stop()
    for (const [index, one] of found.entries()) figures[index] = [...(figures[index] ?? []), ...one]
  }
  return figures
}
