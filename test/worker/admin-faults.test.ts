import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { strong } from '../support/policy.ts'
import { describeRedis, RedisServer, until } from '../support/redis.ts'
import { type Fault, faults, RestBridge } from '../support/rest-bridge.ts'
import {
  adminWorker,
  checkWorker,
  type Duo,
  duoOf,
  policyOf,
  SECRETS,
  TOKENS,
  WRITER,
} from './support/duo.ts'
import { startWorkerd, vanishing, type Workerd } from './support/workerd.ts'

await describeRedis('an admin Worker whose store fails', () => {
  let [redis, bridge]: [RedisServer?, RestBridge?] = []
  beforeAll(async () => {
    redis = await RedisServer.start()
    bridge = await RestBridge.start(redis.port)
  })
  afterAll(async () => {
    await bridge?.close()
    await redis?.stop()
  })
  afterEach(() => bridge?.heal())

  async function fresh(work: (duo: Duo, workerd: Workerd) => Promise<void>): Promise<void> {
    const store = `store: { upstash: { url: "${bridge?.url}", token: "\${UPSTASH_TOKEN}" } }`
    const workerd = await startWorkerd([
      adminWorker(policyOf(TOKENS, store), {
        variables: { PEPPER: SECRETS.PEPPER, UPSTASH_TOKEN: bridge?.token ?? '' },
        bindings: {},
      }),
    ])
    try {
      await work(duoOf(workerd), workerd)
    } finally {
      await workerd.stop()
    }
  }

  it.each<[string, Fault]>([
    ['refuses it', faults.says('{"error":"WRONGPASS invalid or missing auth token"}', 401)],
    ['closes every connection', faults.dropBefore],
    ['is a page of a gateway', faults.html502],
    ['never answers', faults.hang],
  ])('says 503 when it %s, lets nobody in who has no token, and begins when it heals', (_, fault) =>
    fresh(async ({ admin }, workerd) => {
      bridge?.inject(fault)
      expect((await admin('GET', '/v1/keys', { token: null })).status).toBe(401)
      const { status, headers, body, text } = await admin('GET', '/v1/keys')
      expect([status, headers.get('retry-after'), body.title]).toEqual([
        503,
        '5',
        'The store does not answer',
      ])
      const [told] = await workerd.heard('store_not_opened')
      for (const said of [text, JSON.stringify(told)])
        expect(said).not.toMatch(/WRONGPASS invalid|bridge-token|<html>|http:/)
      bridge?.heal()
      await until(async () => (await admin('GET', '/v1/keys')).status === 200, 'the store to be opened')
    }),
  )

  it('says of a change that may have been made that it may have been, and makes it once', () =>
    fresh(async ({ admin }) => {
      expect((await admin('GET', '/v1/keys')).status).toBe(200)
      const asked = { body: { owner: 'late' }, headers: { 'idempotency-key': 'a-key-that-nobody-guesses' } }
      bridge?.inject(faults.hang)
      const lost = await admin('POST', '/v1/keys', asked)
      expect([lost.status, lost.body.detail]).toEqual([
        503,
        expect.stringMatching(/did not answer in time, and may have done it all the same/),
      ])
      bridge?.heal()
      let made = await admin('POST', '/v1/keys', asked)
      await until(async () => {
        made = await admin('POST', '/v1/keys', asked)
        return made.status === 201
      }, 'the store to be asked again')
      const { body } = await admin('GET', '/v1/keys?owner=late')
      expect(body.items.map(({ id }: { id: string }) => id)).toEqual([made.body.id])
    }))

  it('answers others when who was first has gone while the store was being opened', () =>
    fresh(async ({ admin }, workerd) => {
      let [held, release] = [false, () => {}]
      const gate = new Promise<void>((resolve) => {
        release = resolve
      })
      bridge?.inject(async (exchange) => {
        held = true
        await gate
        await faults.none(exchange)
      }, 1)
      const headers = new Headers({ authorization: `Bearer ${WRITER}` })
      const { vanish } = await vanishing(`${workerd.url('postern-admin')}/v1/keys`, headers)
      await until(() => held, 'a call that is held')
      const other = admin('GET', '/v1/keys')
      vanish()
      expect((await admin('GET', '/v1/keys', { token: null })).status).toBe(401)
      release()
      expect((await other).status).toBe(200)
    }))
})

describe('an admin Worker with another pepper than the keys were made with', () => {
  it('changes nothing, and says so', async () => {
    const other = adminWorker(policyOf(TOKENS), {
      name: 'other-admin',
      variables: { PEPPER: strong('another pepper') },
    })
    const workerd = await startWorkerd([checkWorker(policyOf(TOKENS)), adminWorker(policyOf(TOKENS)), other])
    try {
      const { admin } = duoOf(workerd)
      expect((await admin('POST', '/v1/keys', { body: { owner: 'bot' } })).status).toBe(201)
      const response = await fetch(`${workerd.url('other-admin')}/v1/keys`, {
        method: 'POST',
        headers: { authorization: `Bearer ${WRITER}`, 'content-type': 'application/json' },
        body: JSON.stringify({ owner: 'bot' }),
      })
      expect(response.status).toBe(503)
      expect(await response.json()).toMatchObject({
        detail: expect.stringMatching(
          /holds what this version of Postern does not understand: its log says more/,
        ),
      })
      const [told] = await workerd.heard('store_incompatible')
      expect(told.problem).toMatch(/keys that were made with another pepper v1 than apiKeys\.peppers gives/)
      expect((await admin('GET', '/v1/keys')).body.items).toHaveLength(1)
    } finally {
      await workerd.stop()
    }
  })
})
