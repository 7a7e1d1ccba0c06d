/** What a whole check costs by where its counters are kept. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { perCpuSecond } from '../cpu-load.ts'
import type { Figure } from '../figure.ts'
import { counted, load } from '../load.ts'
import type { Stand } from '../stand.ts'
import { alternate, median } from '../statistics.ts'
import { type Subject, startSubject } from '../subject.ts'
import { COMMANDS } from './charges.ts'
import { CHECKS, policyOf, SECRETS, SUBJECTS } from './deciding.ts'
import { LANES, rowOf, type StorePlan } from './plan.ts'
import type { Client, Redis } from './server.ts'

/** @param store what stands behind `store:` */
async function serve(stand: Stand, store: string): Promise<Subject> {
  const file = join(stand.folderOf('policy'), 'postern.yaml')
  writeFileSync(file, policyOf(store))
  return stand.keep(await startSubject(`Postern on ${store}`, '../src/cli/main.ts', ['serve', file], SECRETS))
}

const bareTrip = async (stand: Stand, environment: Readonly<Record<string, string>>): Promise<Subject> =>
  stand.keep(await startSubject('bare', './subjects/bare-trip.ts', [], environment))

const check = (index: number): string => CHECKS[index % SUBJECTS] as string

/** Whole checks: sqlite against memory, and what Redis adds. */
export async function httpRows(
  redis: Redis | null,
  client: Client | null,
  stand: Stand,
  plan: StorePlan,
): Promise<Figure[]> {
  const memory = await serve(stand, 'memory')
  const sqlite = await serve(stand, `{ sqlite: ${join(stand.folder, 'http.db')} }`)
  const asking = { requests: plan.requests * 4, connections: LANES }
  const loaded = (subject: Subject) => () => perCpuSecond(subject, asking, check)
  const [ours = [], other = []] = await alternate(plan, [loaded(sqlite), loaded(memory)])
  const row = rowOf(
    {
      what: 'sqlite: checks with three limits through HTTP, 64 in flight',
      against: 'memory',
      target: null,
      unit: 'per CPU-second',
    },
    ours,
    other,
  )
  if (redis === null || client === null) return [row]
  return [row, ...(await addedRows(memory, redis, client, stand, plan))]
}

/**
 * What a check takes longer with Redis than with memory, against what the script takes alone in a loop; and against what
 * it adds to a bare server, which has a second socket to wait for as well.
 */
async function addedRows(
  memory: Subject,
  redis: Redis,
  client: Client,
  stand: Stand,
  plan: StorePlan,
): Promise<Figure[]> {
  const shared = await serve(stand, `{ redis: { url: "${redis.url}" }, deadline: 350ms }`)
  const trip = { BENCH_REDIS: redis.url, BENCH_COMMANDS: JSON.stringify(COMMANDS) }
  const tripping = await bareTrip(stand, trip)
  const bare = await bareTrip(stand, {})
  const typical = (subject: Subject) => async () => {
    const { failures, latencies } = await load(subject.port, plan.requests, 1, check)
    counted(subject.name, plan.requests, failures)
    return median(latencies) * 1000
  }
  const alone = async () => {
    const latencies: number[] = []
    for (let index = 0; index < plan.requests; index++) {
      const sent = performance.now()
      await client.sendCommand(COMMANDS[index % SUBJECTS] as string[])
      latencies.push(performance.now() - sent)
    }
    return median(latencies) * 1000
  }
  const subjects = [shared, memory, tripping, bare].map(typical)
  const figures = await alternate(plan, [...subjects, alone])
  const [withRedis = [], without = [], bareWith = [], bareWithout = [], script = []] = figures
  const less = (these: readonly number[], those: readonly number[]) =>
    these.map((figure, round) => figure - (those[round] as number))
  const what = 'p50 that Redis adds to a check through HTTP, one connection'
  const [added, bareAdded] = [less(withRedis, without), less(bareWith, bareWithout)]
  return [
    rowOf({ what, against: 'bare `EVALSHA`, p50', target: { atMost: 1.15 }, unit: 'µs' }, added, script),
    rowOf(
      { what, against: 'p50 that it adds to bare `node:http`', target: null, unit: 'µs' },
      added,
      bareAdded,
    ),
  ]
}
