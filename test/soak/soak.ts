/** The soak: Traefik, Postern, Redis, issuers and an upstream, all real, and clients that do their best and their worst. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { portNear } from '../../scripts/free-port.ts'
import { issueCertificates } from '../e2e/certificate.ts'
import { until } from '../e2e/process.ts'
import { startProxy } from '../e2e/proxies.ts'
import { exchange, requestBytes } from '../e2e/wire.ts'
import type { Figures } from './buckets.ts'
import { guessing, leaving, multiplexed, type Surroundings, slow, steady } from './clients.ts'
import { Court, type Violation } from './court.ts'
import { badKeys, badTokens } from './hostile.ts'
import { Issuers } from './issuers.ts'
import { Operator } from './operator.ts'
import { People } from './people.ts'
import { BALANCER, policyText } from './policy.ts'
import { Service } from './service.ts'
import { RestartedRedis } from './store.ts'
import { importedKey, publicPem } from './tokens.ts'
import { Traffic } from './traffic.ts'
import { Upstream } from './upstream.ts'
import { type Verdict, Vitals } from './vitals.ts'
import { type Outage, World } from './world.ts'

export interface SoakOptions {
  readonly minutes: number
  readonly seed: number
  readonly workers: number
  /** Milliseconds between two restarts of the store. */
  readonly period: number
  /** The repository whose Postern is put on trial. */
  readonly root: string
  /** What takes the place of what in Traefik's configuration; for trials. */
  readonly recipe?: { readonly find: string; readonly put: string }
  /** Ends the run at the first violation. */
  readonly impatient?: boolean
  /** Hears now and then how it goes. */
  readonly tell?: (line: string) => void
}

export interface SoakReport {
  readonly options: Omit<SoakOptions, 'tell' | 'recipe'>
  readonly seconds: number
  readonly violations: readonly Violation[]
  readonly found: number
  readonly answers: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly reasons: Readonly<Record<string, number>>
  readonly deeds: Readonly<Record<string, number>>
  readonly arrived: number
  readonly records: number
  /** Decisions without a store that was there; decisions out of time. */
  readonly slow: number
  readonly late: number
  readonly buckets: Figures
  readonly outages: readonly Outage[]
  /** Seconds for which the store was there and not worked with. */
  readonly excused: number
  readonly vitals: readonly Verdict[]
  readonly exit: number | null
}

const STEADY = 24
const GUESSING = 2
const MULTIPLEXED = 2
const LEAVING = 2
const SLOW = 8

export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { minutes, seed, workers, period, root, impatient = false, tell = () => {} } = options
  const folder = await mkdtemp(join(tmpdir(), 'postern-soak-'))
  const stops: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })]
  try {
    const world = new World(workers)
    const court = new Court(world)
    const issuers = await Issuers.start()
    stops.push(() => issuers.stop())
    await mkdir(join(folder, 'redis'))
    const redis = await RestartedRedis.start(join(folder, 'redis'))
    stops.push(() => redis.down(false))
    const upstream = await Upstream.start((arrival) => court.arrival(arrival))
    stops.push(() => upstream.stop())

    const certificates = issueCertificates()
    await mkdir(join(folder, 'postern'))
    await writeFile(join(folder, 'postern', 'certificate.pem'), certificates.certificate)
    await writeFile(join(folder, 'postern', 'key.pem'), certificates.key)
    const random = (): string => randomBytes(32).toString('hex')
    const [secret, adminToken] = [random(), randomBytes(32).toString('base64url')]
    const keys = { bot: importedKey(), near: importedKey(), old: importedKey() }
    const tlsPort = await portNear(0)
    const surroundings = {
      redis: `redis://127.0.0.1:${redis.port}`,
      issuers: issuers.url,
      nobody: await portNear(0),
      tlsPort,
      pem: publicPem(issuers.pem),
      adminDigest: `sha256:${createHash('sha256').update(adminToken).digest('hex')}`,
      keys: { bot: keys.bot.digest, near: keys.near.digest, old: keys.old.digest },
      workers,
    }
    let operator: Operator | null = null
    const service = await Service.start({
      ...{ root, workers, folder: join(folder, 'postern'), policy: policyText('A', surroundings) },
      environment: {
        ...{ POSTERN_SECRET: secret, NOTICE_SECRET: random(), PEPPER: random(), OLD_PEPPER: random() },
        JWT_SECRET: String(issuers.shared.key),
      },
      onRecord: (line) => court.record(line),
      onError: (line) => {
        if (operator?.heard(line) === false)
          court.complain('an unexpected line of standard error', line.slice(0, 1000))
        if (/eyJ|ak_[0-9A-Za-z]{20}/.test(line))
          court.complain('a credential stands in the log', line.slice(0, 80))
      },
    })
    stops.push(() => service.stop())
    await mkdir(join(folder, 'traefik'))
    const proxy = await startProxy('traefik over https', {
      ...{ postern: tlsPort, upstream: upstream.port, secret, fewWebSockets: false, balancer: BALANCER },
      ...{ folder: join(folder, 'traefik'), ca: certificates.ca },
    })
    stops.push(() => proxy.running.stop())
    if (options.recipe !== undefined) {
      const file = join(folder, 'traefik', 'dynamic.yml')
      const { find, put } = options.recipe
      await writeFile(
        file,
        (await readFile(file, 'utf8')).replace(find, () => put),
      )
    }
    // No case of the court: it is over before the run begins.
    const ask = () => exchange(proxy.port, requestBytes('/nowhere/begin'))
    await until(async () => (await ask())?.status === 403, proxy.running)

    const people = new People(issuers, { bot: keys.bot.key, near: keys.near.key, old: keys.old.key })
    const began = Date.now()
    const end = began + minutes * 60_000
    const over = (): boolean =>
      Date.now() >= end || service.ended || (impatient && court.found > 0) || court.found >= 1000
    operator = new Operator({
      ...{ seed, service, redis, issuers, people, world, adminToken, period, over, buckets: court.buckets },
      policy: (version) => policyText(version, surroundings),
      complain: (reason, detail) => court.complain(reason, detail),
    })
    const traffic = new Traffic({
      ...{
        people,
        tokens: badTokens(issuers, 600),
        keys: badKeys(keys.bot.key, 400),
        banned: operator.banned,
      },
    })
    const vitals = new Vitals(service)
    const clients: Surroundings = { port: proxy.port, seed, traffic, court, over }
    const many = (count: number, client: (index: number, surroundings: Surroundings) => Promise<void>) =>
      Array.from({ length: count }, (_, index) => client(index, clients))
    const all = Promise.all([
      operator.work(),
      ...many(STEADY, steady),
      ...many(GUESSING, guessing),
      ...many(MULTIPLEXED, multiplexed),
      ...many(LEAVING, leaving),
      ...many(SLOW, slow),
    ])
    const watching = watch(vitals, court, over, Math.min(10_000, (minutes * 60_000) / 40), tell)
    await Promise.race([all, hopeless(service, end)])
    await watching
    const seconds = (Date.now() - began) / 1000
    await settled(court)
    vitals.read()
    for (const one of vitals.uncaught) court.complain('something that nobody caught', one)
    if (service.ended) court.complain('the service has ended', 'before it was asked to')
    if (vitals.begun > (workers === 1 ? 1 : workers + 1))
      court.complain('a worker has died', `${vitals.begun} processes in all`)
    court.close()
    const verdicts = vitals.verdicts()
    if (!impatient)
      for (const { pid, faults } of verdicts)
        for (const fault of faults) court.complain('not flat', `process ${pid}: ${fault}`)
    const answered = [...court.answers.values()].reduce((sum, all) => sum + sumOf(all), 0)
    // A machine may be slower than a deadline now and then; what is so all the time is no matter of the machine.
    if (court.slow + court.late > answered / 10)
      court.complain('too many decisions out of time', `${court.slow} without the store, ${court.late} late`)
    const excused = world.excused(Date.now()) / 1000
    if (excused > seconds / 4)
      court.complain('a store that was there was not worked with', `for ${excused.toFixed(0)} s in all`)
    const exit = await service.stop()
    if (exit !== 0) court.complain('the service did not end in order', `exit code ${exit}`)
    const { tell: _, recipe: __, ...given } = options
    return {
      ...{ options: given, seconds, violations: court.violations, found: court.found },
      answers: Object.fromEntries([...court.answers].map(([kind, all]) => [kind, Object.fromEntries(all)])),
      reasons: Object.fromEntries(court.reasons),
      deeds: operator.deeds,
      ...{ arrived: court.arrived, records: court.records, slow: court.slow, late: court.late },
      ...{ buckets: court.buckets.figures(), outages: world.outages, excused, vitals: verdicts, exit },
    }
  } finally {
    for (const each of stops.reverse()) await each()
  }
}

const sumOf = (all: ReadonlyMap<string, number>): number =>
  [...all.values()].reduce((sum, one) => sum + one, 0)

/** A violation in one line. */
export const worded = ({ at, reason, kind, request, answer }: Violation): string =>
  `after ${at.toFixed(1)} s, ${kind || 'the service'}: ${reason}\n  ${request}\n  ${answer}`

/** Samples and sweeps until the run is over. */
async function watch(
  vitals: Vitals,
  court: Court,
  over: () => boolean,
  interval: number,
  tell: (line: string) => void,
): Promise<void> {
  let told = Date.now()
  let before = 0
  let heard = 0
  while (!over()) {
    vitals.sample()
    court.sweep()
    if (Date.now() - told > 15_000) {
      const answered = [...court.answers.values()].reduce((sum, all) => sum + sumOf(all), 0)
      const rate = ((answered - before) * 1000) / (Date.now() - told)
      tell(`${answered} requests, ${rate.toFixed(0)} a second, ${court.open} open, ${court.found} violations`)
      told = Date.now()
      before = answered
    }
    for (; heard < court.violations.length; heard++) tell(worded(court.violations[heard] as Violation))
    await delay(interval)
  }
}

/** Clients that wait for a service which no longer answers are not waited for. */
async function hopeless(service: Service, end: number): Promise<void> {
  while (Date.now() < end + 45_000 && !service.ended) await delay(500)
  await delay(1000)
}

/** Until every record has come, or nobody would still wait. */
async function settled(court: Court): Promise<void> {
  const end = Date.now() + 6000
  while (court.open > 0 && Date.now() < end) await delay(50)
}
