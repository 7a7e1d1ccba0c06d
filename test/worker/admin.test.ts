import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openApi } from '../../src/admin/openapi.ts'
import { describeRedis, RedisServer, until } from '../support/redis.ts'
import { RestBridge } from '../support/rest-bridge.ts'
import {
  adminWorker,
  checkWorker,
  type Duo,
  policyOf,
  READER,
  SECRETS,
  startDuo,
  TOKENS,
  WRITER,
} from './support/duo.ts'
import { compiled, startWorkerd, type WorkerSpec } from './support/workerd.ts'

describe('the admin Worker beside the check Worker, on Durable Objects', () => {
  let duo: Duo
  beforeAll(async () => {
    duo = await startDuo(policyOf(TOKENS))
  })
  afterAll(() => duo.stop())
  together(() => duo)

  it('has no check endpoint, and the check Worker no route to the admin API', async () => {
    const { workerd } = duo
    const asked = await fetch(`${workerd.url('postern-admin')}/check/traefik`, {
      headers: { 'x-postern-secret': SECRETS.PROXY_SECRET },
    })
    expect(asked.status).toBe(404)
    expect(asked.headers.get('x-postern-status')).toBeNull()
    for (const path of ['/v1/keys', '/openapi.json', '/v1/bans'])
      expect((await fetch(`${workerd.url('postern')}${path}`)).status, path).toBe(404)
  })

  it('needs no secret of proxies and issuers', async () => {
    // It was started with the pepper alone.
    expect((await duo.admin('GET', '/v1/keys')).status).toBe(200)
    expect(duo.workerd.events('policy_refused')).toEqual([])
  })

  it('describes the same API as on Node', async () => {
    const { status, body } = await duo.admin('GET', '/openapi.json', { token: null })
    expect(status).toBe(200)
    expect(body).toEqual(JSON.parse(JSON.stringify(openApi(body.info.version))))
  })
})

await describeRedis('the admin Worker beside the check Worker, on Upstash', () => {
  let [redis, bridge, duo]: [RedisServer?, RestBridge?, Duo?] = []
  beforeAll(async () => {
    redis = await RedisServer.start()
    bridge = await RestBridge.start(redis.port)
    const store = `store: { upstash: { url: "${bridge.url}", token: "\${UPSTASH_TOKEN}" } }`
    duo = await startDuo(policyOf(TOKENS, store), {
      variables: { ...SECRETS, UPSTASH_TOKEN: bridge.token },
      bindings: {},
    })
  })
  afterAll(async () => {
    await duo?.stop()
    await bridge?.close()
    await redis?.stop()
  })
  together(() => duo as Duo)
})

describe('an admin Worker that cannot begin', () => {
  it.each<[string, WorkerSpec, RegExp]>([
    ['has a policy without tokens', adminWorker(policyOf()), /^admin\.tokens: is empty.*postern token/],
    [
      'misses a secret',
      adminWorker(policyOf(TOKENS), { variables: {} }),
      /^apiKeys\.peppers\.v1: refers to PEPPER, which is not bound: wrangler secret put PEPPER/,
    ],
    [
      'misses the binding of the objects',
      adminWorker(policyOf(TOKENS), { bindings: {} }),
      /has no binding POSTERN_STATE: bind it to the Durable Object class PosternState/,
    ],
    [
      'has something else bound in the place of the objects',
      adminWorker(policyOf(TOKENS), {
        variables: { PEPPER: SECRETS.PEPPER, POSTERN_STATE: 'x' },
        bindings: {},
      }),
      /the binding POSTERN_STATE is no Durable Object namespace/,
    ],
    [
      'has a policy of another version',
      adminWorker('', { policy: { artefact: { format: 2, postern: '9.0.0', policy: {} } } }),
      /has format 2, written by postern 9\.0\.0, and this Worker reads format 1: run postern compile again/,
    ],
    [
      'has no compiled policy at all',
      adminWorker('', { policy: { artefact: null } }),
      /has no format.*run postern compile again/,
    ],
    [
      'has a damaged policy',
      adminWorker('', { policy: { artefact: { format: 1, postern: '0.0.0', policy: {} } } }),
      /^the compiled policy is damaged, run postern compile again/,
    ],
    [
      'would send the token of its store in the clear',
      adminWorker(policyOf(TOKENS, 'store: { upstash: { url: "${URL}", token: "${TOKEN}" } }'), {
        variables: { PEPPER: SECRETS.PEPPER, URL: 'http://name.upstash.io', TOKEN: 'a-token-of-upstash' },
        bindings: {},
      }),
      /^store\.upstash\.url: refers to something that would send the token in the clear/,
    ],
  ])('that %s answers 503, and says why in its log and nowhere else', async (_, worker, why) => {
    const workerd = await startWorkerd([checkWorker(policyOf()), worker])
    try {
      const url = workerd.url('postern-admin')
      for (const path of ['/v1/keys', '/openapi.json']) {
        const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${WRITER}` } })
        expect(response.status).toBe(503)
        expect(await response.json()).toMatchObject({
          detail: 'The admin API cannot begin: its log says why.',
        })
      }
      await until(() => workerd.events().length > 0)
      const told = workerd.events().flatMap(({ problems, problem }) => problems ?? [problem])
      expect(told[0]).toMatch(why)
      expect(told.join('\n')).not.toContain(SECRETS.PEPPER)
    } finally {
      await workerd.stop()
    }
  })

  it('is told at compile time when its store would be nobody else’s', () => {
    expect(() => compiled(policyOf(TOKENS, 'store: memory'))).toThrow(
      /^admin: would change nothing: on Workers every isolate has a memory store of its own/,
    )
    expect(() => compiled(policyOf('store: memory'))).not.toThrow()
  })
})

describe('what strangers ask of the admin Worker', () => {
  let duo: Duo
  beforeAll(async () => {
    duo = await startDuo(policyOf(TOKENS))
  })
  afterAll(() => duo.stop())

  it('begins no object, and costs whoever guesses ever more time', async () => {
    const { admin, workerd } = duo
    const guess = (token: string, ip: string) =>
      admin('GET', '/v1/keys', { token, headers: { 'cf-connecting-ip': ip } })
    for (let tries = 0; tries < 20; tries++)
      expect((await guess(`postern_${tries}`, '2001:db8::1')).status).toBe(401)
    // An address of the same network is the same guesser; the right token helps it no more than a wrong one.
    const limited = await guess(WRITER, '2001:db8::2')
    expect([limited.status, Number(limited.headers.get('retry-after'))]).toEqual([429, 6])
    expect(await workerd.miniflare.listDurableObjectIds('PosternState', 'postern')).toEqual([])
    expect((await guess(WRITER, '192.0.2.7')).status).toBe(200)
    expect(await workerd.miniflare.listDurableObjectIds('PosternState', 'postern')).toHaveLength(1)
  })

  it('is refused when it is too large, before it is read', async () => {
    const asking = request(`${duo.workerd.url('postern-admin')}/v1/keys/import`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${WRITER}`,
        'content-type': 'application/json',
        'content-length': String(4 * 1024 * 1024 + 1),
      },
    })
    asking.flushHeaders()
    const [response] = (await once(asking, 'response')) as [IncomingMessage]
    asking.on('error', () => {}).destroy()
    expect(response.statusCode).toBe(413)
  })
})

/** What holds wherever the two share a store. */
function together(duo: () => Duo): void {
  it('makes a key that is good at once, and changes, rotates and revokes it for the next decision', async () => {
    const { admin, keyed } = duo()
    expect(await keyed('ak_live_nothing')).toBe(401)
    const made = await admin('POST', '/v1/keys', { body: { id: 'ci', owner: 'bot', roles: ['user'] } })
    expect([made.status, made.body.id]).toEqual([201, 'ci'])
    const { key } = made.body
    expect(await keyed(key)).toBe(200)

    const rotated = await admin('POST', '/v1/keys/ci/rotate', { body: { overlap: '0s' } })
    expect(rotated.status).toBe(200)
    expect(await keyed(rotated.body.key)).toBe(200)
    expect(await keyed(key)).toBe(401)

    const limited = await admin('PATCH', '/v1/keys/ci', {
      body: { networks: ['10.0.0.0/8'] },
      headers: { 'if-match': '*' },
    })
    expect(limited.status).toBe(200)
    expect(await keyed(rotated.body.key)).toBe(401)
    const freed = await admin('PATCH', '/v1/keys/ci', {
      body: { networks: [] },
      headers: { 'if-match': '*' },
    })
    expect(freed.status).toBe(200)
    expect(await keyed(rotated.body.key)).toBe(200)

    expect((await admin('POST', '/v1/keys/ci/revoke')).status).toBe(200)
    expect(await keyed(rotated.body.key)).toBe(401)
  })

  it('revokes a subject for the next decision that charges', async () => {
    const { admin, keyed } = duo()
    const { body } = await admin('POST', '/v1/keys', { body: { owner: 'laptop' } })
    expect(await keyed(body.key)).toBe(200)
    const revocation = { kind: 'subject', issuer: 'api-key', value: 'laptop' }
    const revoked = await admin('POST', '/v1/revocations', { body: revocation })
    expect([revoked.status, await keyed(body.key)]).toEqual([201, 401])
    expect((await admin('DELETE', `/v1/revocations/${revoked.body.id}`)).status).toBe(204)
    expect(await keyed(body.key)).toBe(200)
  })

  it('bans a client within seconds, and lifts that', async () => {
    const { admin, check } = duo()
    const status = async () => (await check({ target: '/open', from: '198.51.100.7' })).status
    expect(await status()).toBe(200)
    const ban = { network: '198.51.100.0/24', duration: '1h' }
    expect((await admin('POST', '/v1/bans', { body: ban })).status).toBe(201)
    await until(async () => (await status()) === 403, 'the ban to be known')
    expect((await admin('DELETE', '/v1/bans?network=198.51.100.0/24')).status).toBe(204)
    await until(async () => (await status()) === 200, 'its end to be known')
  })

  it('leaves one line for each change in its log and in the store, without any key', async () => {
    const { admin, workerd } = duo()
    const { body } = await admin('POST', '/v1/keys', { body: { id: 'told', owner: 'bot' } })
    await workerd.heard('admin')
    const lines = workerd.events('admin').filter(({ target }) => target === 'told')
    expect(lines).toEqual([expect.objectContaining({ actor: 'ops', action: 'key.create' })])
    const history = await admin('GET', '/v1/audit?limit=1')
    expect(history.body.items).toEqual(lines)
    const logged = workerd.logs.map(({ text }) => text).join('\n')
    expect(logged).not.toContain(body.key)
    expect(logged).not.toMatch(/hmac-sha256:v1:[0-9a-f]/)
  })

  it('lets nobody in without a token of the policy, and a reader change nothing', async () => {
    const { admin } = duo()
    expect((await admin('GET', '/v1/keys', { token: null })).status).toBe(401)
    expect((await admin('GET', '/v1/keys', { token: SECRETS.PROXY_SECRET })).status).toBe(401)
    expect((await admin('GET', '/v1/keys', { token: READER })).status).toBe(200)
    expect((await admin('POST', '/v1/keys', { token: READER, body: { owner: 'bot' } })).status).toBe(403)
  })
}
