/**
 * `npm run bench`: ratios of Postern against bare servers, alternating within one run. `--quick` only proves that it runs.
 * Where `taskset` is at hand all processes share one processor: else the subject that answers more slowly finds the load
 * generator asleep more often and pays, in its own system calls, for waking it.
 */

import { spawnSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { type LoadResult, load } from './load.ts'
import { median, quantile } from './statistics.ts'
import { type StoreFindings, type StoreRow, storeFindings } from './stores/rows.ts'
import { type Subject, startSubject } from './subject.ts'
import { startWorkerSubject } from './worker.ts'

pinToOneProcessor()

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } },
})
const plan = options.quick
  ? { warmUp: 1, rounds: 3, warm: 300, cold: 60, connections: 4 }
  : { warmUp: 3, rounds: 11, warm: 25_000, cold: 3_000, connections: 16 }
const storePlan = options.quick
  ? { warmUp: 1, rounds: 3, operations: 400, requests: 100, few: 100, many: 2_000 }
  : { warmUp: 3, rounds: 11, operations: 20_000, requests: 2_000, few: 1_000, many: 1_000_000 }

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const secret = randomBytes(32).toString('hex')
const environment = {
  BENCH_SECRET: secret,
  BENCH_PUBLIC_KEY: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  BENCH_HEADERS: JSON.stringify({
    'X-Postern-Status': '200',
    'Content-Length': '0',
    'Cache-Control': 'no-store',
    'X-Auth-User': 'ann',
    'X-Auth-Email': 'ann@acme.example',
    'X-Auth-Roles': 'read_only,user',
    'X-Auth-Permissions': 'reports:read,reports:write',
    'X-Auth-Tenant': 'acme',
    'X-Auth-Method': 'jwt:bench',
    'RateLimit-Policy': '"per-client";q=1000000;w=1',
    RateLimit: '"per-client";r=999999;t=1',
  }),
}

/** Starts this program once more on one processor, and ends with it; returns where that cannot be done. */
function pinToOneProcessor(): void {
  if (process.env['BENCH_PINNED'] !== undefined || process.platform !== 'linux') return
  const args = ['-c', '0', process.execPath, ...process.argv.slice(1)]
  const { status, error } = spawnSync('taskset', args, {
    stdio: 'inherit',
    env: { ...process.env, BENCH_PINNED: '1' },
  })
  if (error === undefined && status !== null) process.exit(status)
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
let minted = 0

function token(key: KeyObject): string {
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    iss: 'https://issuer.bench.example',
    aud: 'bench',
    sub: 'ann',
    jti: `bench-${minted++}`,
    iat: now,
    exp: now + 3600,
    email: 'ann@acme.example',
    tenant: 'acme',
    roles: ['user'],
  }
  const signed = `${base64url({ alg: 'RS256', typ: 'JWT' })}.${base64url(claims)}`
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`
}

/** The bytes of a check as Traefik sends it. */
const check = (bearer: string): string =>
  [
    'GET /check/traefik HTTP/1.1',
    'Host: 127.0.0.1:8081',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36',
    'Accept: application/json, text/plain, */*',
    'Accept-Encoding: gzip, deflate, br, zstd',
    'Accept-Language: en-GB,en;q=0.9',
    `Authorization: Bearer ${bearer}`,
    'X-Forwarded-For: 203.0.113.9',
    'X-Forwarded-Host: app.example.com',
    'X-Forwarded-Method: GET',
    'X-Forwarded-Port: 443',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Uri: /app/reports/2026?page=2',
    `X-Postern-Secret: ${secret}`,
    'X-Real-Ip: 203.0.113.9',
    '\r\n',
  ].join('\r\n')

interface Measurement {
  /** Requests per second of processor time. */
  readonly perCpuSecond: number
  readonly result: LoadResult
}

async function measure(
  subject: Subject,
  count: number,
  requestAt: (index: number) => string,
): Promise<Measurement> {
  const before = await subject.cpu()
  const result = await load(subject.port, count, plan.connections, requestAt)
  if (result.failures > 0)
    throw new Error(`${subject.name}: ${result.failures} of ${count} answers were not 200`)
  return { perCpuSecond: count / ((await subject.cpu()) - before), result }
}

interface Row {
  readonly what: string
  readonly against: string
  /** Median ratio of requests per CPU-second, with the quartiles of the rounds. */
  readonly ratio: number
  readonly spread: readonly [number, number]
  readonly posternPerCpuSecond: number
  readonly otherPerCpuSecond: number
  readonly p50: readonly [number, number]
  readonly p99: readonly [number, number]
  readonly rounds: number
}

/** Rounds in which both subjects get the same requests, the order changing from round to round. */
async function compare(
  what: string,
  postern: Subject,
  other: Subject,
  count: number,
  requestsOf: (round: number) => (index: number) => string,
): Promise<Row> {
  const ratios: number[] = []
  const runs: [Measurement[], Measurement[]] = [[], []]
  for (let round = -plan.warmUp; round < plan.rounds; round++) {
    const requestAt = requestsOf(round)
    const order = Math.abs(round) % 2 === 0 ? [0, 1] : [1, 0]
    const found: Measurement[] = []
    for (const side of order) found[side] = await measure(side === 0 ? postern : other, count, requestAt)
    // The first rounds are for the compilers of both.
    if (round < 0) continue
    const [ours, theirs] = found as [Measurement, Measurement]
    ratios.push(ours.perCpuSecond / theirs.perCpuSecond)
    runs[0].push(ours)
    runs[1].push(theirs)
  }
  const latency = (share: number): readonly [number, number] => [
    quantile(
      runs[0].flatMap(({ result }) => result.latencies),
      share,
    ),
    quantile(
      runs[1].flatMap(({ result }) => result.latencies),
      share,
    ),
  ]
  return {
    what,
    against: other.name,
    ratio: median(ratios),
    spread: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    posternPerCpuSecond: median(runs[0].map(({ perCpuSecond }) => perCpuSecond)),
    otherPerCpuSecond: median(runs[1].map(({ perCpuSecond }) => perCpuSecond)),
    p50: latency(0.5),
    p99: latency(0.99),
    rounds: plan.rounds,
  }
}

const policy = new URL('./policy.yaml', import.meta.url).pathname
const postern = await startSubject('Postern', '../src/cli/main.ts', ['serve', policy], environment)
const hono = await startSubject('bare Hono', './subjects/bare-hono.ts', [], environment)
const verify = await startSubject('bare jwtVerify', './subjects/bare-verify.ts', [], environment)

const rows: Row[] = []
const known = check(token(privateKey))
rows.push(await compare('warm JWT decision', postern, hono, plan.warm, () => () => known))
rows.push(
  await compare('never-seen RS256 token', postern, verify, plan.cold, () => {
    const requests = Array.from({ length: plan.cold }, () => check(token(privateKey)))
    return (index) => requests[index] as string
  }),
)
if (process.platform === 'linux') {
  const worker = await startWorkerSubject('Worker', 'src/worker.ts', policy, environment)
  const bare = await startWorkerSubject('bare Worker', 'bench/subjects/bare-worker.ts', policy, environment)
  const node = { ...postern, name: 'Postern on Node' }
  for (const [what, ours, other] of [
    ['warm JWT decision in workerd', worker, node],
    ['warm JWT decision in workerd', worker, bare],
    ['bare Worker', bare, node],
  ] as const)
    rows.push(await compare(what, ours, other, plan.warm, () => () => known))
  await Promise.all([worker.stop(), bare.stop()])
} else console.log('Without the rows about Workers: the processor time of workerd is read from /proc.')
await Promise.all([postern, hono, verify].map((subject) => subject.stop()))

const number = (value: number): string => Math.round(value).toLocaleString('en-GB')
const pair = ([ours, theirs]: readonly [number, number]): string =>
  `${ours.toFixed(2)} / ${theirs.toFixed(2)}`
console.log(`
| what | against | ratio (quartiles) | Postern, per CPU-second | other, per CPU-second | p50 ms, ours / other | p99 ms, ours / other |
|---|---|---|---|---|---|---|`)
for (const row of rows) {
  const [low, high] = row.spread
  console.log(
    `| ${row.what} | ${row.against} | **${row.ratio.toFixed(2)}** (${low.toFixed(2)} to ${high.toFixed(2)}) | ${number(row.posternPerCpuSecond)} | ${number(row.otherPerCpuSecond)} | ${pair(row.p50)} | ${pair(row.p99)} |`,
  )
}
console.log('\n| what | against | target | ratio (quartiles) | ours / other |\n|---|---|---|---|---|')
const stores = await storeFindings(storePlan, printStoreRow)
printRest(stores)
const machine = {
  node: process.version,
  processor: cpus()[0]?.model ?? 'unknown',
  processors: cpus().length,
  pinned: process.env['BENCH_PINNED'] !== undefined,
}
console.log(
  `\n${plan.rounds} alternating rounds, Node ${machine.node}, ${machine.processors} x ${machine.processor}${machine.pinned ? ', all processes on one' : ''}`,
)
if (options.json !== undefined)
  writeFileSync(options.json, `${JSON.stringify({ machine, rows, stores }, null, 2)}\n`)

function printStoreRow({ what, against, target, ratio, spread, ours, other, unit }: StoreRow): void {
  const [low, high] = spread.map((value) => value.toFixed(2))
  const figures = unit === 'µs' ? pair([ours, other]) : `${number(ours)} / ${number(other)}`
  console.log(
    `| ${what} | ${against} | ${target} | **${ratio.toFixed(2)}** (${low} to ${high}) | ${figures} ${unit} |`,
  )
}

function printRest({ weights, missing }: StoreFindings): void {
  if (missing !== null) console.log(`\nWithout the rows about Redis: ${missing}`)
  console.log('\n| store, keys and buckets | bytes for each key | for each bucket |\n|---|---|---|')
  for (const { store, perKey, perBucket } of weights)
    console.log(`| ${store} | ${number(perKey)} | ${number(perBucket)} |`)
}
