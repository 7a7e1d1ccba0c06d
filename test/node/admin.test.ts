import { createHash, createHmac } from 'node:crypto'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { strong } from '../support/policy.ts'
import { describeRedis, RedisServer } from '../support/redis.ts'
import { Place, type Ready, type Served } from './served.ts'
import { bytesOf, exchange, portOf } from './support.ts'

const WRITER = 'a-writer-token-of-enough-length'
const READER = 'a-reader-token-of-enough-length'
const SECRET = strong('issuer')
const ISSUER = 'https://login.example.com'
const digest = (token: string) => `sha256:${createHash('sha256').update(token).digest('hex')}`

const policy = (store: string): string => `
listen: { check: 127.0.0.1:0, health: 127.0.0.1:0, admin: 127.0.0.1:0 }
proxies: { traefik: { peers: [127.0.0.1/32] } }
store: ${store}
admin:
  tokens:
    ops: { digest: "${digest(WRITER)}", role: writer }
    eyes: { digest: "${digest(READER)}", role: reader }
issuers:
  company: { issuer: "${ISSUER}", audience: [app], keys: { secret: { file: ./secret } }, algorithms: [HS256] }
apiKeys: { prefix: ak, peppers: { v1: { file: ./pepper } } }
roles: { user: {} }
limits: { per-client: { by: client, rate: 100000/minute } }
routes:
  app: { match: { path: /app }, credentials: [jwt:company, api-key], limits: [per-client] }
  unlimited: { match: { path: /unlimited }, credentials: [jwt:company, api-key] }
`

type Running = Served & { readonly ready: Ready }

async function serve(place: Place, store: string): Promise<Running> {
  place.write('secret', SECRET)
  place.write('pepper', strong('pepper'))
  return place.serve(policy(store))
}

const admin = (running: Running, method: string, path: string, body?: object, token = WRITER) =>
  fetch(`http://${running.ready.listen['admin']}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

const b64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function token(sub: string): string {
  const now = Math.floor(Date.now() / 1000)
  const signed = `${b64({ alg: 'HS256' })}.${b64({ iss: ISSUER, aud: 'app', sub, iat: now - 5, exp: now + 600 })}`
  return `Bearer ${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`
}

async function check(
  running: Running,
  line: readonly [string, string],
  path = '/app',
  from = '198.51.100.7',
) {
  const lines = [
    ['X-Forwarded-Method', 'GET'],
    ['X-Forwarded-Uri', path],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Host', 'app.example.com'],
    ['X-Forwarded-For', from],
    line,
  ] as const
  const answer = await exchange(portOf(running.ready.listen['check']), bytesOf(lines))
  return answer?.status
}

const places: Place[] = []
afterAll(() => {
  for (const place of places) place.leave()
})
const newPlace = (): Place => {
  const place = new Place()
  places.push(place)
  return place
}

/** What two instances on one store owe to whoever administers one of them. */
async function tour(one: Running, other: Running): Promise<void> {
  const created = await admin(one, 'POST', '/v1/keys', { owner: 'build-bot', roles: ['user'] })
  expect(created.status).toBe(201)
  const { id, key } = (await created.json()) as { id: string; key: string }
  for (const running of [one, other]) {
    expect(await check(running, ['X-API-Key', key])).toBe(200)
    expect(await check(running, ['X-API-Key', key], '/unlimited')).toBe(200)
  }

  const [ann, bob] = [token('ann'), token('bob')]
  for (const bearer of [ann, bob]) expect(await check(other, ['Authorization', bearer])).toBe(200)
  const revoked = await admin(one, 'POST', '/v1/revocations', {
    kind: 'subject',
    issuer: 'company',
    value: 'ann',
  })
  expect(revoked.status).toBe(201)
  // Both at their next decision: the one was told, the other hears of it from the store that it charges.
  for (const running of [one, other]) {
    expect(await check(running, ['Authorization', ann])).toBe(401)
    expect(await check(running, ['Authorization', bob])).toBe(200)
  }
  expect((await admin(one, 'POST', `/v1/keys/${id}/revoke`, {})).status).toBe(200)
  for (const running of [one, other]) expect(await check(running, ['X-API-Key', key])).toBe(401)

  expect((await admin(one, 'POST', '/v1/bans', { network: '203.0.113.0/24', duration: '1h' })).status).toBe(
    201,
  )
  for (const running of [one, other]) {
    await vi.waitFor(
      async () => expect(await check(running, ['Authorization', bob], '/app', '203.0.113.9')).toBe(403),
      { timeout: 10_000, interval: 100 },
    )
    expect(await check(running, ['Authorization', bob])).toBe(200)
  }

  const said = [one, other].map((running) => running.out() + running.err()).join('\n')
  for (const secret of [key, WRITER, READER, SECRET, ann.slice(7), digest(key)])
    expect(said).not.toContain(secret)
  const changes = one
    .out()
    .split('\n')
    .filter((line) => line.includes('"event":"admin"'))
    .map((line) => JSON.parse(line) as { actor: string; action: string })
  expect(changes.map(({ actor, action }) => `${actor} ${action}`)).toEqual([
    'ops key.create',
    expect.stringMatching(/^ops revocation\./),
    'ops key.revoke',
    expect.stringMatching(/^ops ban\./),
  ])
}

describe('the admin API of a running service', () => {
  it('rules two processes on one SQLite file', async () => {
    const place = newPlace()
    const one = await serve(place, '{ sqlite: ./postern.db }')
    await tour(one, await serve(place, '{ sqlite: ./postern.db }'))
  })

  it('X04 cannot be reached where checks are taken, nor checks or metrics where it is', async () => {
    const running = await serve(newPlace(), 'memory')
    const { check: checks = '', health = '', admin: own = '' } = running.ready.listen
    for (const place of [checks, health]) {
      for (const path of ['/v1/keys', '/openapi.json', '/admin/v1/keys']) {
        const answer = await exchange(
          portOf(place),
          `GET ${path} HTTP/1.1\r\nHost: ${own}\r\nAuthorization: Bearer ${WRITER}\r\nX-Forwarded-Host: ${own}\r\n\r\n`,
        )
        expect(answer?.status).toBe(404)
      }
    }
    for (const path of ['/check/traefik', '/metrics', '/readyz', '/livez'])
      expect((await admin(running, 'GET', path)).status).toBe(404)
  })

  it('knows who may look and who may change', async () => {
    const running = await serve(newPlace(), 'memory')
    expect((await admin(running, 'GET', '/v1/keys', undefined, 'nobody')).status).toBe(401)
    expect((await admin(running, 'GET', '/v1/keys', undefined, READER)).status).toBe(200)
    expect((await admin(running, 'POST', '/v1/keys', { owner: 'x' }, READER)).status).toBe(403)
    expect((await admin(running, 'POST', '/v1/keys', { owner: 'x' })).status).toBe(201)
  })

  it('judges by the policy in force after a reload', async () => {
    const place = newPlace()
    const running = await serve(place, 'memory')
    expect((await admin(running, 'POST', '/v1/keys', { owner: 'x', roles: ['fresh'] })).status).toBe(400)
    place.write('postern.yaml', policy('memory').replace('user: {}', 'user: {}, fresh: {}'))
    running.child.kill('SIGHUP')
    await vi.waitFor(() => expect(running.err()).toContain('policy_reloaded'))
    expect((await admin(running, 'POST', '/v1/keys', { owner: 'x', roles: ['fresh'] })).status).toBe(201)
  })
})

describe('the last use of a key', () => {
  it('is known to whoever asks once the service that saw it has ended, to the minute', async () => {
    const place = newPlace()
    const running = await serve(place, '{ sqlite: ./postern.db }')
    const created = await admin(running, 'POST', '/v1/keys', { owner: 'build-bot' })
    const { key, lastUsed } = (await created.json()) as { key: string; lastUsed: string | null }
    expect(lastUsed).toBeNull()
    const before = Date.now()
    for (let i = 0; i < 5; i++) expect(await check(running, ['X-API-Key', key])).toBe(200)
    running.child.kill('SIGTERM')
    expect(await running.ended).toBe(0)
    const listed = place.postern(['keys', 'list', '--json'])
    expect(await listed.ended).toBe(0)
    const [used = ''] = /\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z/.exec(listed.out()) ?? []
    const minutes = [before, Date.now()].map((time) => Math.floor(time / 60_000) * 60_000)
    expect(minutes).toContain(Date.parse(used))
  })
})

await describeRedis('a service whose Redis is frozen', () => {
  it('ends within what supervisors grant, although last words wait for the store', async () => {
    const redis = await RedisServer.start()
    try {
      const store = `{ redis: { url: "${redis.url}" }, messages: { keys: { v1: { file: ./pepper } } } }`
      const running = await serve(newPlace(), store)
      const created = await admin(running, 'POST', '/v1/keys', { owner: 'build-bot' })
      const { key } = (await created.json()) as { key: string }
      expect(await check(running, ['X-API-Key', key])).toBe(200)
      redis.freeze()
      running.child.kill('SIGTERM')
      const late = new Promise((resolve) => setTimeout(resolve, 9_000, 'late').unref())
      expect(await Promise.race([running.ended, late])).toBe(0)
    } finally {
      redis.thaw()
      await redis.stop()
    }
  })
})

await describeRedis('the admin API of services on one Redis', () => {
  it.each([
    ['without notices', ''],
    ['with notices', ', messages: { keys: { v1: { file: ./pepper } } }'],
  ])('rules them all, %s', async (_, more) => {
    const redis = await RedisServer.start()
    try {
      // On a busy machine an answer may be late, and then nothing is learned from it.
      const store = `{ redis: { url: "${redis.url}" }, deadline: 350ms${more} }`
      const one = await serve(newPlace(), store)
      await tour(one, await serve(newPlace(), store))
    } finally {
      await redis.stop()
    }
  })
})
