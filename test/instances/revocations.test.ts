import { createHash, randomBytes } from 'node:crypto'
import { createClient } from '@redis/client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { equalText } from '../../src/ports/equal-text.ts'
import { hmacSha256 } from '../../src/ports/node-crypto.ts'
import { Seal } from '../../src/state/messages/seal.ts'
import { describeRedis, RedisServer, until } from '../support/redis.ts'
import { bearer, check, ISSUER, newKey, revoked, SECRETS, token } from './credentials.ts'
import { Caller } from './crowd.ts'
import { Fleet } from './fleet.ts'
import { openRedis } from './store.ts'

const ADMIN = randomBytes(32).toString('base64url')

const policyOf = (url: string): string => `
listen: { check: 127.0.0.1:0, health: 127.0.0.1:0, admin: 127.0.0.1:0 }
proxies: { traefik: { peers: [127.0.0.1/32] } }
store:
  redis: { url: "${url}" }
  deadline: 350ms
  instances: 3
  messages: { keys: { v1: "\${NOTICE_SECRET}" } }
admin: { tokens: { ops: { digest: "sha256:${createHash('sha256').update(ADMIN).digest('hex')}", role: writer } } }
issuers:
  main: { issuer: ${ISSUER}, audience: [app], algorithms: [HS256], keys: { secret: "\${TOKEN_SECRET}" } }
apiKeys: { peppers: { v1: "\${PEPPER}" } }
limits:
  client: { by: client, rate: 1000/second }
routes:
  charged: { match: { path: /charged/** }, credentials: ["jwt:main", api-key], limits: [client] }
  free: { match: { path: /free/** }, credentials: ["jwt:main", api-key] }
`

const droppedBy = (cause: string): string => `postern_notices_total{result="dropped",cause="${cause}"}`
const HEARD = 'postern_notices_total{result="heard",cause=""}'

await describeRedis('a revocation among three instances', () => {
  let server: RedisServer
  let fleet: Fleet
  let callers: readonly Caller[]

  beforeAll(async () => {
    server = await RedisServer.start()
    const policy = policyOf(server.url)
    fleet = await Fleet.start([policy, policy, policy])
    callers = await Promise.all(fleet.ports.map((port) => Caller.open(port)))
  })
  afterAll(async () => {
    for (const caller of callers ?? []) caller.close()
    await fleet?.stop()
    await server?.stop()
  })

  /** What each of them answers. */
  const everywhere = (request: string): Promise<number[]> =>
    Promise.all(callers.map((caller) => caller.ask(request)))

  /** Revokes a subject by the admin API of the first. */
  async function revoke(subject: string): Promise<void> {
    const answer = await fetch(`http://${fleet.instances[0]?.listen['admin']}/v1/revocations`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${ADMIN}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ kind: 'subject', issuer: 'main', value: subject }),
    })
    expect(answer.status).toBe(201)
  }

  it('is heard of promptly by those that nothing makes ask, when messages have a key', async () => {
    const request = check('/free/x', [bearer(token('prompt'))])
    expect(await everywhere(request)).toEqual([200, 200, 200])
    const began = performance.now()
    await revoke('prompt')
    await until(async () => (await everywhere(request)).every((status) => status === 401), '401 everywhere')
    // Whoever hears nothing asks every four seconds: one of many tries could be that.
    expect(performance.now() - began).toBeLessThan(3000)
    for (const other of fleet.instances.slice(1)) expect(await other.figure(HEARD)).toBeGreaterThan(0)
  })

  it('is not heard of by a message that is forged, replayed or stale: those are dropped and counted', async () => {
    const listener = createClient({
      RESP: 2,
      url: server.url,
      disableClientInfo: true,
      maintNotifications: 'disabled',
    })
    listener.on('error', () => {})
    await listener.connect()
    const said: { channel: string; message: string }[] = []
    await listener.pSubscribe('*', (message, channel) => void said.push({ channel, message }))
    await revoke('spoken-of')
    await until(() => said.length > 0, 'a notice')
    listener.destroy()
    const { channel, message } = said[0] as (typeof said)[number]
    const [, second, third] = fleet.instances
    await until(
      async () => ((await second?.figure(HEARD)) ?? 0) > 1 && ((await third?.figure(HEARD)) ?? 0) > 1,
    )
    const before = await second?.figure(HEARD)

    const keys = [{ version: 'v1', secret: SECRETS.NOTICE_SECRET }]
    const seal = new Seal({ keys, namespace: 'postern', hmacSha256, equal: equalText })
    const now = Date.now()
    const notice = { sender: randomBytes(16).toString('hex'), sequence: 1, feed: 'access' } as const
    const other = message.endsWith('0') ? '1' : '0'
    const others = {
      replayed: message,
      forged: message.slice(0, -1) + other,
      stale: seal.sign({ ...notice, time: now - 60_000 }),
      malformed: 'KEYS *',
    }
    for (const each of Object.values(others)) await server.command('PUBLISH', channel, each)

    for (const instance of [second, third])
      for (const cause of Object.keys(others))
        await until(async () => (await instance?.figure(droppedBy(cause))) === 1, `${cause}: dropped`)
    expect(await second?.figure(HEARD)).toBe(before)
  })

  it('holds at the next decision that charges, and within ten seconds where none does, without any message', async () => {
    // From now on nobody may use a channel.
    await server.command('ACL', 'SETUSER', 'default', 'resetchannels')
    await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
    const { key, entry } = newKey()
    const beside = await openRedis(server.url)
    const put = async (draft: typeof entry) =>
      expect(await beside.apply([{ put: draft, expected: 'any' }], null)).toMatchObject({ ok: true })
    await put(entry)
    const charged = (line: string) => check('/charged/x', [line])
    const ofKey = `X-API-Key: ${key}`
    const ofToken = bearer(token('silent'))
    const free = check('/free/x', [bearer(token('unheard'))])
    for (const request of [charged(ofKey), charged(ofToken), free])
      expect(await everywhere(request)).toEqual([200, 200, 200])

    const [subject, unheard] = ['silent', 'unheard'].map(revoked)
    await put(subject as typeof entry)
    expect(await everywhere(charged(ofToken))).toEqual([401, 401, 401])
    await put({ ...entry, body: entry.body.replace('"status":"active"', '"status":"revoked"') })
    expect(await everywhere(charged(ofKey))).toEqual([401, 401, 401])

    const began = performance.now()
    await put(unheard as typeof entry)
    await beside.close()
    await until(async () => (await everywhere(free)).every((status) => status === 401), '401 everywhere')
    expect(performance.now() - began).toBeLessThan(10_000)
  })
})
