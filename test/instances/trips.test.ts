import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { EntryDraft } from '../../src/stores/contract.ts'
import { charge } from '../../src/stores/scripted/charge.ts'
import { changes, find } from '../../src/stores/scripted/read.ts'
import type { Script } from '../../src/stores/scripted/runner.ts'
import { describeRedis, RedisServer, until } from '../support/redis.ts'
import { bearer, check, ISSUER, newKey, token } from './credentials.ts'
import { Caller } from './crowd.ts'
import { Fleet } from './fleet.ts'
import { Flights } from './flights.ts'
import { openRedis } from './store.ts'

const policyOf = (url: string): string => `
listen: { check: 127.0.0.1:0, health: 127.0.0.1:0 }
proxies: { traefik: { peers: [127.0.0.1/32] } }
store: { redis: { url: "${url}" }, deadline: 350ms }
issuers:
  main:
    issuer: ${ISSUER}
    audience: [app]
    algorithms: [HS256]
    keys: { secret: "\${TOKEN_SECRET}" }
    claims: { tenant: tenant }
apiKeys: { peppers: { v1: "\${PEPPER}" } }
limits:
  client: { by: client, rate: 1000/second }
  principal: { by: principal, rate: 1000/second }
  tenant: { by: tenant, rate: 1000/second }
  scarce: { by: client, rate: 1/hour }
routes:
  three: { match: { path: /three/** }, credentials: ["jwt:main"], limits: [client, principal, tenant] }
  free: { match: { path: /free/** }, credentials: ["jwt:main", api-key] }
  scarce: { match: { path: /scarce/** }, credentials: ["jwt:main"], limits: [scarce] }
  key: { match: { path: /key/** }, credentials: [api-key], limits: [client] }
  keyed: { match: { path: /keyed/** }, credentials: [api-key], limits: [client, principal] }
`

const shaOf = ({ body }: Script): string => createHash('sha1').update(body).digest('hex')
const NAMES = new Map([charge, find, changes].map((script) => [shaOf(script), script.name]))

/** Hears every command that clients send to a server. */
class Monitor {
  readonly #socket: Socket
  #text = ''

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('utf8').on('data', (text: string) => {
      this.#text += text
    })
  }

  static async of(server: RedisServer): Promise<Monitor> {
    const socket = connect({ port: server.port, host: '127.0.0.1' })
    await once(socket, 'connect')
    const monitor = new Monitor(socket)
    socket.write('MONITOR\r\n')
    await until(() => monitor.#text.startsWith('+OK\r\n'), 'a monitor')
    return monitor
  }

  /** What clients have sent since the last call, scripts as `NAME KEYS`; commands inside of scripts are left out. */
  async heard(server: RedisServer): Promise<string[]> {
    const mark = `mark ${Math.random()}`
    await server.command('ECHO', mark)
    await until(() => this.#text.includes(mark), 'the mark')
    const lines = this.#text.split('\r\n')
    this.#text = ''
    return lines.flatMap((line) => {
      const [, command = '', words = ''] = /^\+[\d.]+ \[\d+ [\d.:]+\] "(\w+)"(.*)$/.exec(line) ?? []
      const name = command.toLowerCase()
      if (name === '' || name === 'echo') return []
      if (name !== 'evalsha') return [name]
      const [, sha = '', keys = ''] = /^ "([0-9a-f]{40})" "(\d+)"/.exec(words) ?? []
      return [`${NAMES.get(sha) ?? 'unknown'} ${keys}`]
    })
  }

  close(): void {
    this.#socket.destroy()
  }
}

await describeRedis('what a decision costs the store', () => {
  let server: RedisServer
  let flights: Flights
  let fleet: Fleet
  let monitor: Monitor
  let caller: Caller
  const keys = Array.from({ length: 12 }, () => newKey())

  beforeAll(async () => {
    server = await RedisServer.start()
    const store = await openRedis(server.url)
    const put = (entry: EntryDraft) => ({ put: entry, expected: 'any' as const })
    expect(
      await store.apply(
        keys.map(({ entry }) => put(entry)),
        null,
      ),
    ).toMatchObject({ ok: true })
    await store.close()
    flights = await Flights.to(server.port)
    fleet = await Fleet.start([policyOf(flights.url)])
    caller = await Caller.open(fleet.ports[0] as number)
    monitor = await Monitor.of(server)
  })
  afterAll(async () => {
    caller?.close()
    monitor?.close()
    await fleet?.stop()
    await flights?.close()
    await server?.stop()
  })

  /** Asks one request after the other. */
  async function ask(requests: readonly string[]): Promise<number[]> {
    const statuses: number[] = []
    for (const request of requests) statuses.push(await caller.ask(request))
    return statuses
  }

  /**
   * What the store was sent, and in how many trips. Every few seconds an instance looks at the feeds, whatever it is
   * asked: when that fell into the measurement, another one is made.
   */
  async function costOf(status: number, requests: () => readonly string[]) {
    for (let tries = 1; ; tries++) {
      await monitor.heard(server)
      const before = flights.count
      const asked = requests()
      expect(await ask(asked)).toEqual(asked.map(() => status))
      const trips = flights.count - before
      const commands = await monitor.heard(server)
      if (tries === 5 || !commands.includes('changes 12')) return { commands, trips }
    }
  }

  const ofJwt = (path: string, subject = 'ann') => check(path, [bearer(token(subject, { tenant: 'acme' }))])
  /** One that no instance has met. */
  const freshKey = () => `X-API-Key: ${keys.pop()?.key}`
  const times = (count: number, request: string) => Array.from({ length: count }, () => request)

  it('is one script in one trip for all limits and the epoch, once it is warm', async () => {
    const request = ofJwt('/three/x')
    await ask([request])
    const { commands, trips } = await costOf(200, () => times(20, request))
    // Three buckets and the epoch.
    expect(commands).toEqual(times(20, 'charge 4'))
    expect(trips).toBe(20)
  })

  it('is nothing where the route has no limit, for a token and for a key that was met before', async () => {
    const requests = [...times(10, ofJwt('/free/x')), ...times(10, check('/free/x', [freshKey()]))]
    await ask(requests)
    expect(await costOf(200, () => requests)).toEqual({ commands: [], trips: 0 })
  })

  it('is nothing while a client is known to be over its limit', async () => {
    const request = ofJwt('/scarce/x')
    expect(await ask([request, request])).toEqual([200, 429])
    expect(await costOf(429, () => times(10, request))).toEqual({ commands: [], trips: 0 })
  })

  it('is one trip for an API key that was not met before and the limits of its client together', async () => {
    const cost = await costOf(200, () => [check('/key/x', [freshKey()])])
    expect(cost).toEqual({ commands: ['find 12', 'charge 2'], trips: 1 })
  })

  it('is one trip more where the key itself is charged, since nobody knows whose it is before', async () => {
    let key = ''
    const request = () => check('/keyed/x', [key])
    const cold = await costOf(200, () => {
      key = freshKey()
      return [request()]
    })
    expect(cold).toEqual({ commands: ['find 12', 'charge 2', 'charge 2'], trips: 2 })
    expect(await costOf(200, () => [request()])).toEqual({ commands: ['charge 3'], trips: 1 })
  })
})
