import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { LANES } from '../../src/stores/upstash/lanes.ts'
import { describeRedis, RedisServer, until } from '../support/redis.ts'
import { type Fault, faults, RestBridge } from '../support/rest-bridge.ts'
import { adminWorker, checkWorker, type Duo, duoOf, policyOf, SECRETS, TOKENS } from './support/duo.ts'
import { startWorkerd, type Workerd, type WorkerSpec } from './support/workerd.ts'

/** Another Worker in the same runtime. */
const ELSEWHERE: WorkerSpec = {
  name: 'elsewhere',
  entry: { text: 'export default { fetch: () => new Response() }' },
}

await describeRedis('a check Worker on Upstash', () => {
  let [redis, bridge]: [RedisServer?, RestBridge?] = []
  let key = ''
  beforeAll(async () => {
    redis = await RedisServer.start()
    bridge = await RestBridge.start(redis.port)
    const workerd = await startWorkerd([adminWorker(policy(), bound())])
    key = (await duoOf(workerd).admin('POST', '/v1/keys', { body: { owner: 'bot' } })).body.key
    await workerd.stop()
  })
  afterAll(async () => {
    await bridge?.close()
    await redis?.stop()
  })
  afterEach(() => bridge?.heal())

  const policy = () =>
    policyOf(
      TOKENS,
      `store: { upstash: { url: "${bridge?.url}", token: "\${UPSTASH_TOKEN}" }, maxStale: 1m }`,
    )
  const bound = () => ({ variables: { ...SECRETS, UPSTASH_TOKEN: bridge?.token ?? '' }, bindings: {} })

  /** A fresh isolate that knows nothing yet. */
  async function fresh(work: (duo: Duo, workerd: Workerd) => Promise<void>): Promise<void> {
    const workerd = await startWorkerd([checkWorker(policy(), bound()), ELSEWHERE])
    try {
      await work(duoOf(workerd), workerd)
    } finally {
      await workerd.stop()
    }
  }

  describe('whose request was ended by its client while it waited for the store', () => {
    // The first request opens the store, reads the marks of peppers, both feeds and the revocations, and looks the key
    // up; then it charges. What is under way at each of these moments is what others may wait for.
    const CALLS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

    it.each(CALLS)('gives everybody else what it has begun (call %i)', (call) =>
      fresh(async (duo, workerd) => {
        const { held, release } = holding(call)
        const { vanish } = await duo.vanishing(key)
        await held()
        const together = [duo.keyed(key), duo.keyed(key)]
        vanish()
        // One turn of the runtime, in which it learns that the client has gone.
        await fetch(workerd.url('elsewhere'))
        release()
        expect(await Promise.all(together)).toEqual([200, 200])
        expect(await duo.keyed(key)).toBe(200)
        for (const { degraded } of workerd.events('decision')) expect(degraded).toEqual([])
      }),
    )

    it.each(CALLS)('keeps nobody else waiting for what never ends (call %i)', (call) =>
      fresh(async (duo) => {
        const { held, release } = holding(call)
        const { vanish } = await duo.vanishing(key)
        await held()
        const together = [duo.keyed(key), duo.keyed(key)]
        vanish()
        // The call is still held. Who asked for the same key has shared it, and its deadline.
        for (const status of await Promise.all(together)) expect([200, 503]).toContain(status)
        for (let turn = 0; turn < 3; turn++) expect(await duo.keyed(key)).toBe(200)
        release()
      }),
    )

    it('answers in time without any timer or turn of those who have gone, however many there were', () =>
      fresh(async (duo, workerd) => {
        expect(await duo.keyed(key)).toBe(200)
        let calls = 0
        bridge?.inject(async (exchange) => {
          calls++
          await faults.hang(exchange)
        })
        const gone = LANES
        const clients = []
        for (let one = 0; one < gone; one++) clients.push(await duo.vanishing(key))
        await until(() => calls >= gone, 'every client to wait for the store')
        for (const { vanish } of clients) vanish()
        await fetch(workerd.url('elsewhere'))
        // The store still says nothing: only the deadline of this very request can end its call.
        expect(await duo.keyed(key)).toBe(200)
        expect(workerd.events('decision').at(-1)?.degraded).toContain('limits')
        bridge?.heal()
        await until(async () => {
          await duo.keyed(key)
          return workerd.events('decision').at(-1)?.degraded.length === 0
        }, 'the store to be asked again')
      }))

    /** Holds one of the calls to the store until it is released. */
    function holding(call: number) {
      let [calls, held, release] = [0, false, () => {}]
      const gate = new Promise<void>((resolve) => {
        release = resolve
      })
      bridge?.inject(async (exchange) => {
        if (calls++ === call) {
          held = true
          await gate
        }
        await faults.none(exchange)
      })
      return { held: () => until(() => held, 'a call that does not end'), release }
    }
  })

  describe('that does not answer', () => {
    it.each<[string, Fault]>([
      ['is slow', faults.delay(60_000)],
      ['takes everything and says nothing', faults.hang],
      ['stops in the middle', faults.stall],
      ['closes the connection', faults.dropBefore],
      ['has a gateway in front that says 502 in HTML', faults.html502],
      ['says nonsense', faults.says('<!doctype html>')],
    ])('allows nobody whom it cannot know, since it %s, and heals', (_, fault) =>
      fresh(async (duo) => {
        bridge?.inject(fault)
        for (let turn = 0; turn < 3; turn++) expect(await duo.keyed(key)).toBe(503)
        // What needs no store is decided all the same.
        expect((await duo.check({ target: '/open' })).status).toBe(200)
        bridge?.heal()
        await until(async () => (await duo.keyed(key)) === 200, 'the store to be asked again')
      }),
    )

    it('goes on with the keys that it knows, counts by itself, and says so in each record and once in its log', () =>
      fresh(async (duo, workerd) => {
        expect(await duo.keyed(key)).toBe(200)
        bridge?.inject(faults.html502)
        for (let turn = 0; turn < 10; turn++) expect(await duo.keyed(key)).toBe(200)
        const degraded = workerd.events('decision').slice(1)
        expect(degraded).toHaveLength(10)
        for (const line of degraded) expect(line.degraded).toContain('limits')
        const told = workerd.events('store_unavailable')
        expect(told.map(({ what }) => what)).toEqual(expect.arrayContaining(['writes']))
        expect(told.filter(({ what }) => what === 'writes')).toHaveLength(1)
        bridge?.heal()
        await until(async () => {
          await duo.keyed(key)
          return workerd.events('store_available').some(({ what }) => what === 'writes')
        }, 'the store to be used again')
        expect(workerd.logs.map(({ text }) => text).join('\n')).not.toMatch(
          /<html>|bridge-token|hmac-sha256:/,
        )
      }))
  })
})
