/** What stores cost: rows in which the subjects do the same in alternating rounds. */
import { createHash, randomInt } from 'node:crypto'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Charge } from '../../src/core/model.ts'
import { nodeOutside } from '../../src/ports/node-outside.ts'
import { type GuardedStore, guarded } from '../../src/state/guard.ts'
import type { Store } from '../../src/stores/contract.ts'
import { STORES } from '../../src/stores/index.ts'
import { charge as chargeScript } from '../../src/stores/scripted/charge.ts'
import { perCpuSecond } from '../cpu-load.ts'
import { type Figure, figureOf, type Texts } from '../figure.ts'
import { load } from '../load.ts'
import type { Group } from '../plan.ts'
import { alternate, median, type Rounds } from '../statistics.ts'
import { type Subject, startSubject } from '../subject.ts'
import { CHECKS, policyOf, SECRETS, SUBJECTS, startDeciding } from './deciding.ts'
import { type Filled, fill } from './fill.ts'
import { type Client, Redis } from './server.ts'

/** How much is done in a round, and how many keys and buckets many are. */
interface StorePlan extends Rounds {
  readonly operations: number
  /** Requests through HTTP, one after the other. */
  readonly requests: number
  readonly few: number
  readonly many: number
}

const FULL: StorePlan = {
  warmUp: 2,
  rounds: 11,
  operations: 20_000,
  requests: 2_000,
  few: 1_000,
  many: 1_000_000,
}
const QUICK: StorePlan = { warmUp: 1, rounds: 3, operations: 300, requests: 60, few: 100, many: 1_000 }

const LANES = 64

/** Operations per second with so many in flight. */
async function rateOf(count: number, lanes: number, operation: (index: number) => unknown): Promise<number> {
  let next = 0
  const began = performance.now()
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let index = next++; index < count; index = next++) await operation(index)
    }),
  )
  return (count * 1000) / (performance.now() - began)
}

/** The figure of a group. */
const rowOf = (texts: Omit<Texts, 'group'>, ours: readonly number[], other: readonly number[]): Figure =>
  figureOf({ group: 'stores', ...texts }, ours, other)

/** Milliseconds: a busy machine is no reason to end the bench. */
const PATIENCE = 5000

/** A store as a service holds it. */
async function openStore(name: string, options: unknown): Promise<GuardedStore> {
  const type = STORES[name]
  if (type === undefined) throw new Error(`no store ${name}`)
  const outside = { ...nodeOutside(() => {}), resolvePath: (path: string) => path }
  const store: Store = await type.create(type.schema.parse(options), outside, PATIENCE)
  await store.open()
  const guard = { deadline: PATIENCE, ticks: () => performance.now(), random: Math.random, report: () => {} }
  return guarded(store, guard)
}

/** Three limits for one of the subjects, as a decision charges them. */
const threeOf = (subject: number): Charge[] =>
  ['client', 'principal', 'tenant'].map((limit) => ({
    key: `per-${limit}|x:27:https://issuer.bench.example:s${subject}`,
    interval: 3600,
    burst: 1_000_000,
    cost: 1,
  }))
const THREES = Array.from({ length: SUBJECTS }, (_, subject) => threeOf(subject))

async function paid(store: Store, charges: readonly Charge[]): Promise<void> {
  const { charged, cause } = await store.charge(charges)
  if (charged.some((one) => one?.ok !== true)) throw new Error(`not charged: ${cause}`)
}

const SHA = createHash('sha1').update(chargeScript.body).digest('hex')

const nameOf = (text: string): string =>
  `postern:b:${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`

/** The script as a decision sends it, for the client alone. */
const COMMANDS = THREES.map((charges) => [
  ...['EVALSHA', SHA, '4', ...charges.map(({ key }) => nameOf(key)), '{postern}:epoch:access', ''],
  ...charges.flatMap(({ interval, burst, cost }) => [String(interval), String(burst), String(cost)]),
])

async function decisionRow(redis: Redis, client: Client, plan: StorePlan): Promise<Figure> {
  const deciding = await startDeciding(`{ redis: { url: "${redis.url}" }, deadline: 350ms }`)
  const [ours = [], other = []] = await alternate(plan, [
    () => rateOf(plan.operations, LANES, (index) => deciding.decide(index % SUBJECTS)),
    () =>
      rateOf(plan.operations, LANES, (index) => client.sendCommand(COMMANDS[index % SUBJECTS] as string[])),
  ])
  await deciding.stop()
  return rowOf(
    {
      what: 'decision with three Redis limits, 64 in flight',
      against: 'bare `EVALSHA` of the same script',
      target: { atLeast: 0.8 },
      unit: 'per second',
    },
    ours,
    other,
  )
}

async function embeddedRows(folder: string, plan: StorePlan): Promise<Figure[]> {
  const file = join(folder, 'bench.db')
  const [sqlite, memory] = [await openStore('sqlite', file), await openStore('memory', {})]
  const charging = (store: Store) => () =>
    rateOf(plan.operations, LANES, (index) => paid(store, THREES[index % SUBJECTS] as Charge[]))
  const [ours = [], other = []] = await alternate(plan, [charging(sqlite), charging(memory)])
  await sqlite.close()
  await memory.close()
  const charge = rowOf(
    {
      what: 'sqlite: a charge of three limits, 64 in flight',
      against: 'memory',
      target: null,
      unit: 'per second',
    },
    ours,
    other,
  )
  const decisions = [await startDeciding(`{ sqlite: ${file} }`), await startDeciding('memory')]
  const [decided = [], inMemory = []] = await alternate(
    plan,
    decisions.map(
      (deciding) => () => rateOf(plan.operations, LANES, (index) => deciding.decide(index % SUBJECTS)),
    ),
  )
  await Promise.all(decisions.map((deciding) => deciding.stop()))
  const decision = rowOf(
    {
      what: 'sqlite: a decision with three limits, 64 in flight',
      against: 'memory',
      target: { atLeast: 0.5 },
      unit: 'per second',
    },
    decided,
    inMemory,
  )
  return [charge, decision]
}

/** Starts subjects, and ends all of them. */
class Starter {
  readonly #folder: string
  readonly #started: Subject[] = []

  constructor(folder: string) {
    this.#folder = folder
  }

  async postern(name: string, store: string): Promise<Subject> {
    const file = join(this.#folder, `${name}.yaml`)
    writeFileSync(file, policyOf(store))
    const title = `Postern on ${name}`
    return this.#keep(await startSubject(title, '../src/cli/main.ts', ['serve', file], SECRETS))
  }

  async bare(name: string, environment: Readonly<Record<string, string>>): Promise<Subject> {
    return this.#keep(await startSubject(name, './subjects/bare-trip.ts', [], environment))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#started.map((subject) => subject.stop()))
  }

  #keep(subject: Subject): Subject {
    this.#started.push(subject)
    return subject
  }
}

const check = (index: number): string => CHECKS[index % SUBJECTS] as string

async function httpRows(
  redis: Redis | null,
  client: Client | null,
  folder: string,
  plan: StorePlan,
): Promise<Figure[]> {
  const start = new Starter(folder)
  try {
    const memory = await start.postern('memory', 'memory')
    const sqlite = await start.postern('sqlite', `{ sqlite: ${join(folder, 'http.db')} }`)
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
    return [row, ...(await addedRows(memory, redis, client, start, plan))]
  } finally {
    await start.stop()
  }
}

/**
 * What a check takes longer with Redis than with memory, against what the script takes alone in a loop; and against what
 * it adds to a bare server, which has a second socket to wait for as well.
 */
async function addedRows(
  memory: Subject,
  redis: Redis,
  client: Client,
  start: Starter,
  plan: StorePlan,
): Promise<Figure[]> {
  const shared = await start.postern('redis', `{ redis: { url: "${redis.url}" }, deadline: 350ms }`)
  const trip = { BENCH_REDIS: redis.url, BENCH_COMMANDS: JSON.stringify(COMMANDS) }
  const bareTrip = await start.bare('bare with EVALSHA', trip)
  const bare = await start.bare('bare', {})
  const typical = (subject: Subject) => async () => {
    const { failures, latencies } = await load(subject.port, plan.requests, 1, check)
    if (failures > 0) throw new Error(`${subject.name}: ${failures} answers were not 200`)
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
  const subjects = [shared, memory, bareTrip, bare].map(typical)
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

/** Look-up and charge among many keys and buckets against the same among few. */
async function growthRows(name: string, few: Filled, many: Filled, plan: StorePlan): Promise<Figure[]> {
  const lookUp = async ({ store, digestAt, size }: Filled) => {
    if ((await store.find('key', [digestAt(randomInt(size))])) === null) throw new Error('no such key')
  }
  const charging = ({ store, bucketAt, size }: Filled) => paid(store, [bucketAt(randomInt(size))])
  const rows: Figure[] = []
  for (const [what, operation] of [
    ['look-up of a key', lookUp],
    ['charge of a bucket', charging],
  ] as const) {
    for (const lanes of [1, LANES]) {
      const measured = (filled: Filled) => async () =>
        1e6 / (await rateOf(plan.operations / 8, lanes, () => operation(filled)))
      const [most = [], least = []] = await alternate(plan, [measured(many), measured(few)])
      const texts = {
        what: `${name}: ${what} among ${many.size.toLocaleString('en-GB')}, ${lanes} in flight`,
        against: `among ${few.size.toLocaleString('en-GB')}`,
        target: { atMost: 1.2 },
        unit: 'µs',
      }
      rows.push(rowOf(texts, most, least))
    }
  }
  return rows
}

/** Bytes for each key and each bucket. */
interface Weight {
  readonly store: string
  readonly perKey: number
  readonly perBucket: number
}

/** What stores cost; without a Redis at hand, only what is embedded. */
export const storeFigures: Group = async ({ quick, note }, print) => {
  const plan = quick ? QUICK : FULL
  const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'))
  const servers: Redis[] = []
  const keep: Keep = (more) => more.forEach(print)
  try {
    const redis = await Redis.start()
    if ('missing' in redis) note(`Without the rows about Redis: ${redis.missing}.`)
    const client = 'missing' in redis ? null : await redis.client()
    const server = 'missing' in redis ? null : redis
    if (server !== null) servers.push(server)
    if (server !== null && client !== null) keep([await decisionRow(server, client, plan)])
    keep(await embeddedRows(folder, plan))
    keep(await httpRows(server, client, folder, plan))
    client?.destroy()
    const weights = server === null ? [] : await grownRedis(servers, plan, keep)
    weights.push(...(await grownSqlite(folder, plan, keep)))
    for (const { store, perKey, perBucket } of weights)
      note(`${store}: ${Math.round(perKey)} bytes for each key, ${Math.round(perBucket)} for each bucket.`)
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
    rmSync(folder, { recursive: true, force: true })
  }
}

type Keep = (rows: readonly Figure[]) => void

async function grownRedis(servers: Redis[], plan: StorePlan, keep: Keep): Promise<Weight[]> {
  const filled: Filled[] = []
  for (const size of [plan.few, plan.many]) {
    const redis = await Redis.start()
    if ('missing' in redis) throw new Error(redis.missing)
    servers.push(redis)
    const asking = await redis.client()
    const used = async (): Promise<number> =>
      Number(/^used_memory:(\d+)/m.exec(String(await asking.sendCommand(['INFO', 'memory'])))?.[1])
    filled.push(await fill(await openStore('redis', { url: redis.url }), size, used))
    asking.destroy()
  }
  return grown('redis', filled, plan, keep)
}

async function grownSqlite(folder: string, plan: StorePlan, keep: Keep): Promise<Weight[]> {
  const filled: Filled[] = []
  for (const size of [plan.few, plan.many]) {
    const file = join(folder, `${size}.db`)
    filled.push(await fill(await openStore('sqlite', file), size, async () => sizeOf(file)))
  }
  return grown('sqlite', filled, plan, keep)
}

async function grown(
  name: string,
  filled: readonly Filled[],
  plan: StorePlan,
  keep: Keep,
): Promise<Weight[]> {
  const [few, many] = filled as [Filled, Filled]
  keep(await growthRows(name, few, many, plan))
  await Promise.all(filled.map(({ store }) => store.close()))
  return filled.map(({ size, weight }) => ({ store: `${name}, ${size.toLocaleString('en-GB')}`, ...weight }))
}

/** Bytes of a SQLite file, with what stands in its write-ahead log. */
const sizeOf = (file: string): number =>
  [file, `${file}-wal`].reduce((sum, each) => sum + (statSync(each, { throwIfNoEntry: false })?.size ?? 0), 0)
