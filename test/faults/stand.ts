/** `postern serve` as a process of its own, in front of a store that a test may break. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parse } from 'yaml'
import { answerText } from '../../scripts/outcomes.ts'
import { policySchema } from '../../src/policy/schema.ts'
import { nodeOutside } from '../../src/ports/node-outside.ts'
import { secretsIn } from '../../src/schema/secret.ts'
import type { EntryDraft, Store } from '../../src/stores/contract.ts'
import { STORES } from '../../src/stores/index.ts'
import { checkOf } from '../http/support.ts'
import { bytesOf, portOf, Wire } from '../node/support.ts'
import { type Line, SECRETS } from './credentials.ts'

export const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')

/** What stands in each limit of the policy. It refills by one unit in 288 seconds, which no test lasts. */
export const BURST = 300

/** @param store what stands behind `store:` @param issuers more entries of the section `issuers` */
const policyOf = (store: string, issuers: string, routes: string) => `
listen: { check: 127.0.0.1:0, health: 127.0.0.1:0 }
proxies: { traefik: { peers: [127.0.0.1/32] } }
store: ${store}
apiKeys: { prefix: ak, peppers: { v1: "\${PEPPER}" } }
issuers:
  static: { issuer: https://static.example, audience: app, algorithms: [HS256], keys: { secret: "\${SECRET}" } }
${issuers}
limits:
  local: { by: client, rate: ${BURST}/day }
  deny: { by: client, rate: ${BURST}/day, onOutage: deny }
  allow: { by: client, rate: ${BURST}/day, onOutage: allow }
routes:
  free: { match: { path: /free/** }, credentials: [anonymous] }
  local: { match: { path: /local/** }, credentials: [anonymous], limits: [local] }
  deny: { match: { path: /deny/** }, credentials: [anonymous], limits: [deny] }
  allow: { match: { path: /allow/** }, credentials: [anonymous], limits: [allow] }
  key: { match: { path: /key/** }, credentials: [api-key] }
  token: { match: { path: /token/** }, credentials: ["jwt:static"] }
${routes}`

/** What a record says of a decision, as far as faults change it. */
interface DecisionRecord {
  /** Its id; a denial carries it as `instance`. */
  readonly request: string
  readonly path: string
  readonly reason: string | null
  readonly degraded: readonly string[]
  readonly limits: readonly { readonly name: string; readonly remaining: number }[]
  readonly cause?: string
}

/** One check and what became of it. */
export interface Answered {
  /** In the form of the table: see `answerText`. */
  readonly text: string
  readonly record: DecisionRecord
  /** Milliseconds, as the client waited. */
  readonly waited: number
}

export interface StandOptions {
  readonly store: string
  readonly issuers?: string
  readonly routes?: string
  readonly environment?: Readonly<Record<string, string>>
  /** The user that the process runs as; null: the test's own. */
  readonly user?: number | null
}

/** A running service. */
export class Stand {
  /** Events of the process's own log, oldest first. */
  readonly events: { readonly event: string; readonly [detail: string]: unknown }[] = []
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #awaited = new Map<string, (record: DecisionRecord) => void>()
  /** Records of decisions that were given up, by id. */
  readonly #nameless = new Map<string, DecisionRecord>()
  #listen: Readonly<Record<string, string>> = {}
  #asked = 0
  #errors = ''

  static async start(options: StandOptions): Promise<Stand> {
    const folder = await mkdtemp(join(tmpdir(), 'postern-faults-'))
    const { store, issuers = '', routes = '', environment = {}, user = null } = options
    await writeFile(join(folder, 'postern.yaml'), policyOf(store, issuers, routes))
    if (user !== null) await chown(folder, user, user)
    const stand = new Stand(folder, { ...SECRETS, ...environment }, user)
    await holds(() => stand.#listen['check'] !== undefined || stand.ended(), 'the service is up', 30_000)
    if (!stand.ended()) return stand
    const code = await stand.stop()
    throw new Error(`postern serve has ended with ${code}: ${stand.#errors}`)
  }

  private constructor(folder: string, environment: Readonly<Record<string, string>>, user: number | null) {
    this.#folder = folder
    this.#child = spawn(process.execPath, [MAIN, 'serve'], {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(user === null ? {} : { uid: user, gid: user }),
    })
    linesOf(this.#child.stdout, (line) => {
      const said = JSON.parse(line)
      if (said.event === 'ready') this.#listen = said.listen
      else {
        if (said.path === null) this.#nameless.set(said.request, said)
        for (const name of [said.path, said.request]) this.#awaited.get(name)?.(said)
      }
    })
    linesOf(this.#child.stderr, (line) => {
      this.#errors += `${line}\n`
      if (line.startsWith('{')) this.events.push(JSON.parse(line))
    })
  }

  /** Everything that the process has said to the operator. */
  get errors(): string {
    return this.#errors
  }

  ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** One check, on a connection of its own. @param client the address that it comes from */
  async ask(route: string, credential: Line | null = null, client = '198.51.100.7'): Promise<Answered> {
    const path = `/${route}/${this.#asked++}`
    const record = this.#record(path)
    const lines = checkOf('traefik', path).map(
      ([name, value]): Line => [name, name === 'X-Forwarded-For' ? client : value],
    )
    const wire = await Wire.open(portOf(this.#listen['check']))
    try {
      const began = performance.now()
      wire.send(bytesOf(credential === null ? lines : [...lines, credential]))
      const answer = await inTime(wire.answer(), `an answer to ${path}`)
      if (answer === null) throw new Error(`no answer to ${path}`)
      const waited = performance.now() - began
      // A decision that was given up says nothing of the request but its id.
      const [, id = path] = /urn:uuid:([0-9a-f-]{36})/.exec(answer.body) ?? []
      const written = await inTime(
        Promise.race([record, ...(id === path ? [] : [this.#record(id)])]),
        `the record of ${path}`,
      )
      return { text: answerText({ status: answer.status, ...written }), record: written, waited }
    } finally {
      wire.close()
      this.#awaited.delete(path)
    }
  }

  /** The record of the decision with that path or id, which may have come before. */
  #record(name: string): Promise<DecisionRecord> {
    const known = this.#nameless.get(name)
    return known === undefined
      ? new Promise((resolve) => this.#awaited.set(name, resolve))
      : Promise.resolve(known)
  }

  /** That many checks without a limit, one after the other on one connection. @returns how many of them pass */
  async others(count: number): Promise<number> {
    const wire = await Wire.open(portOf(this.#listen['check']))
    let passed = 0
    try {
      for (let index = 0; index < count; index++) {
        wire.send(bytesOf(checkOf('traefik', '/free/other')))
        if ((await wire.answer())?.status === 200) passed++
      }
    } finally {
      wire.close()
    }
    return passed
  }

  /** One figure of /metrics; null when it is not there. @param sample with its labels, as it stands there */
  async metric(sample: string): Promise<number | null> {
    const text = await (await fetch(`http://${this.#listen['health']}/metrics`)).text()
    const line = text.split('\n').find((each) => each.startsWith(`${sample} `))
    return line === undefined ? null : Number(line.slice(sample.length))
  }

  /** Whether the process takes checks, as it says of itself. */
  async ready(): Promise<boolean> {
    return (await fetch(`http://${this.#listen['health']}/readyz`)).ok
  }

  /** Lets it end in order; kills it when it does not within five seconds. @returns its exit code */
  async stop(): Promise<number | null> {
    if (!this.ended()) {
      const gone = once(this.#child, 'exit')
      this.#child.kill('SIGTERM')
      const force = setTimeout(() => this.#child.kill('SIGKILL'), 5000)
      await gone
      clearTimeout(force)
    }
    await rm(this.#folder, { recursive: true, force: true })
    return this.#child.exitCode
  }
}

/** Opens a store beside the service, as the admin API of another instance would. @param chosen as in `store:` */
export async function storeBeside(chosen: string): Promise<Store> {
  const choice = policySchema.shape.store.unwrap().parse(parse(chosen))
  for (const { secret } of secretsIn(choice.options))
    if ('env' in secret.source) secret.resolve(SECRETS[secret.source.env as keyof typeof SECRETS] ?? '')
  const type = STORES[choice.name]
  if (type === undefined) throw new Error(`no store ${choice.name}`)
  const outside = { ...nodeOutside(() => {}), resolvePath: (path: string) => path }
  const store = await type.create(choice.options, outside, 2000)
  await store.open()
  return store
}

/** Writes entries into the store that a policy would choose. */
export async function seed(chosen: string, entries: readonly EntryDraft[]): Promise<void> {
  const store = await storeBeside(chosen)
  try {
    const applied = await store.apply(
      entries.map((put) => ({ put, expected: 'any' })),
      null,
    )
    if (!applied.ok) throw new Error(`not applied: ${applied.why}`)
  } finally {
    await store.close()
  }
}

/** What is promised, unless it takes so long that nobody would still wait for it. */
async function inTime<T>(promise: Promise<T>, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`${what} did not come`)), 10_000)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Waits until something holds. @param bound milliseconds, generous */
export async function holds(
  condition: () => boolean | Promise<boolean>,
  what: string,
  bound = 15_000,
): Promise<void> {
  const end = performance.now() + bound
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`within ${bound} ms it did not come true that ${what}`)
    await delay(200)
  }
}

/** Random client addresses of the documentation networks do not collide within one test. */
export const someClient = (): string => {
  const [a, b] = randomBytes(2)
  return `10.${a}.${b}.7`
}

function linesOf(stream: NodeJS.ReadableStream | null, hear: (line: string) => void): void {
  let rest = ''
  stream?.setEncoding('utf8')
  stream?.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    lines.filter((line) => line !== '').forEach(hear)
  })
}
