import { createHash, randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type * as z from 'zod'
import type { Charge } from '../../src/core/model.ts'
import { type Store, StoreFault, type StoreOutside } from '../../src/stores/contract.ts'
import type { settings } from '../../src/stores/redis/settings.ts'
import { slotOf } from '../../src/stores/redis/slot.ts'
import { redis } from '../../src/stores/redis.ts'
import { describeRedis, RedisCluster, type RedisServer, until } from '../support/redis.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url')
const outside: StoreOutside = {
  now: () => Date.now(),
  micros: () => performance.now() * 1000,
  random32: () => randomBytes(4).readUInt32LE(),
  sha256,
  resolvePath: (path) => path,
  binding: () => undefined,
  lasting: true,
  report: () => {},
}

let cluster: RedisCluster
let prefix: string
let store: Store

const open = async (): Promise<Store> => {
  const read = redis.schema.parse({ cluster: cluster.urls.slice(0, 2), prefix }) as z.output<typeof settings>
  const one = await redis.create(read, outside, 100)
  await one.open()
  return one
}

const charge = (key: string, cost = 1, burst = 10): Charge => ({ key, interval: 3_600_000_000, burst, cost })
const bucketOf = (key: string) => `${prefix}:b:${sha256(key).slice(0, 22)}`

/** A charge's key of each node in turn, so that its bucket lives there. */
function keysOn(node: RedisServer, count = 1): string[] {
  const keys: string[] = []
  for (let i = 0; keys.length < count; i++)
    if (cluster.at(slotOf(bucketOf(`k${i}`))) === node) keys.push(`k${i}`)
  return keys
}

const left = async (key: string, burst = 10) =>
  (await store.charge([charge(key, 0, burst)])).charged[0]?.remaining
const answers = async (key: string) => (await store.charge([charge(key, 0)])).charged[0] !== null

/** EVALSHAs at each node. */
const evaluations = () => Promise.all(cluster.nodes.map(async (node) => (await node.calls())['evalsha'] ?? 0))

describe('the slot of a key', () => {
  it('is what the cluster specification says', () => {
    // CRC-16 of "123456789" is 0x31C3 (appendix A of the specification).
    expect(slotOf('123456789')).toBe(0x31c3 % 16_384)
    expect(slotOf('{user1000}.following')).toBe(slotOf('{user1000}.followers'))
    expect(slotOf('foo{{bar}}zap')).toBe(slotOf('{bar'))
    expect(slotOf('foo{bar}{zap}')).toBe(slotOf('bar'))
  })
})

await describeRedis('the redis store on a Cluster', () => {
  beforeAll(async () => {
    cluster = await RedisCluster.start()
  })
  afterAll(() => cluster.stop())
  beforeEach(async () => {
    prefix = `t${randomBytes(6).toString('hex')}`
    store = await open()
  })
  afterEach(() => store.close())

  it('agrees with the servers on where a key lives', async () => {
    const [node] = cluster.nodes
    for (const key of ['a', 'foo{}{bar}', '{}', 'a{b', '{postern}:epoch', bucketOf('x')])
      expect(await node?.command('CLUSTER', 'KEYSLOT', key), key).toBe(slotOf(key))
  })

  it('charges buckets of three nodes by one command for each slot, and the epoch with its own', async () => {
    const keys = cluster.nodes.map((node) => keysOn(node)[0] as string)
    await store.charge(keys.map((key) => charge(key)))
    await Promise.all(cluster.nodes.map((node) => node.forget()))
    const { charged, epoch } = await store.charge(keys.map((key) => charge(key)))
    expect(charged.map((one) => one?.remaining)).toEqual([8, 8, 8])
    expect(epoch).toBe((await store.changes('access', -1)).epoch)
    const home = cluster.nodes.indexOf(cluster.at(slotOf(`{${prefix}}`)))
    // One for each bucket, one for the epoch, one for `changes`.
    expect(await evaluations()).toEqual([0, 1, 2].map((index) => (index === home ? 3 : 1)))
  })

  it('gives back what passed where another node denied, and shows it uncharged', async () => {
    const [a = '', b = '', c = ''] = cluster.nodes.map((node) => keysOn(node)[0])
    await store.charge([charge(b, 2, 2)])
    const { charged } = await store.charge([charge(a, 3), charge(b, 1, 2), charge(c)])
    expect(charged).toMatchObject([
      { ok: true, remaining: 10, full: 0 },
      { ok: false },
      { ok: true, remaining: 10 },
    ])
    expect([await left(a), await left(b, 2), await left(c)]).toEqual([10, 0, 10])
    const keys = await Promise.all(cluster.nodes.map((node) => node.command('KEYS', `${prefix}:b:*`)))
    expect(keys.flat()).toEqual([bucketOf(b)])
  })

  it('never admits more than the burst of the scarcest, however many charges cross', async () => {
    const [a = '', b = '', c = ''] = cluster.nodes.map((node) => keysOn(node)[0])
    const all = await Promise.all(
      Array.from({ length: 200 }, () =>
        store.charge([charge(a, 1, 100), charge(b, 1, 7), charge(c, 1, 100)]),
      ),
    )
    const passed = all.filter(({ charged }) => charged.every((one) => one?.ok)).length
    expect(passed).toBe(7)
    expect([await left(a, 100), await left(b, 7), await left(c, 100)]).toEqual([93, 0, 93])
  })

  it('answers for the nodes that are there when one is gone, and heals when it is back', async () => {
    const home = cluster.at(slotOf(`{${prefix}}`))
    const gone = cluster.nodes.find((node) => node !== home) as RedisServer
    const [mine = ''] = keysOn(home)
    const [theirs = ''] = keysOn(gone)
    gone.freeze()
    try {
      const frozen = store.charge([charge(mine), charge(theirs)])
      // The others do not wait for it.
      expect((await store.charge([charge(mine)])).charged[0]?.ok).toBe(true)
      gone.thaw()
      expect((await frozen).charged.every((one) => one?.ok)).toBe(true)
    } finally {
      gone.thaw()
    }
    await gone.kill()
    await until(async () => !(await answers(theirs)), 'the loss')
    const { charged, epoch, cause } = await store.charge([charge(mine), charge(theirs)])
    expect(charged).toMatchObject([{ ok: true, remaining: 7 }, null])
    expect(epoch).not.toBeNull()
    expect(cause).toBeInstanceOf(StoreFault)
    await gone.start()
    await rejoin(gone)
    await until(() => answers(theirs), 'the way back')
  })

  it('follows a slot that is moved, before, while and after, and charges each time once', async () => {
    // Not where the epoch is read, so that nothing else comes to it.
    const home = cluster.at(slotOf(`{${prefix}}`))
    const [from, to] = cluster.nodes.filter((node) => node !== home) as [RedisServer, RedisServer]
    const [key = ''] = keysOn(from)
    const slot = String(slotOf(bucketOf(key)))
    const [fromId, toId] = await Promise.all(
      [from, to].map(async (node) => String(await node.command('CLUSTER', 'MYID'))),
    )
    await store.charge([charge(key)])
    await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId as string)
    await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId as string)
    expect((await store.charge([charge(key)])).charged[0]?.remaining).toBe(8)
    await from.command('MIGRATE', '127.0.0.1', String(to.port), bucketOf(key), '0', '5000')
    expect((await store.charge([charge(key)])).charged[0]?.remaining).toBe(7)
    for (const node of [to, from, home])
      await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', toId as string)
    expect((await store.charge([charge(key)])).charged[0]?.remaining).toBe(6)
    await until(async () => {
      await from.forget()
      return (await left(key)) === 6 && (await from.calls())['evalsha'] === undefined
    }, 'the new map')
  })

  it('keeps entries under one tag, so that a write of a thousand is one command', async () => {
    await store.apply([], null)
    await Promise.all(cluster.nodes.map((node) => node.forget()))
    const puts = Array.from({ length: 1000 }, (_, i) => ({
      put: { kind: 'key' as const, id: `k${i}`, body: '{}', owner: 'o', aliases: [`a${i}`], expires: null },
      expected: 'absent' as const,
    }))
    expect((await store.apply(puts, null)).ok).toBe(true)
    expect((await evaluations()).sort()).toEqual([0, 0, 1])
  })

  it('hears through any node, and through another when that one dies', async () => {
    const heard = new Set<string>()
    await store.messenger?.subscribe(['news'], (message) => heard.add(message))
    await store.messenger?.publish('news', 'first')
    await until(() => heard.has('first'))
    const channel = `${prefix}:news`
    const subscribed = await Promise.all(
      cluster.nodes.map(
        async (node) => ((await node.command('PUBSUB', 'CHANNELS', channel)) as string[]).length === 1,
      ),
    )
    expect(subscribed.filter(Boolean)).toHaveLength(1)
    const gone = cluster.nodes[subscribed.indexOf(true)] as RedisServer
    await gone.kill()
    await until(async () => {
      await store.messenger?.publish('news', 'again').catch(() => {})
      return heard.has('again')
    }, 'the message')
    await gone.start()
    await rejoin(gone)
  })
})

/** A node that came back without its memory of the others: they know it by its address, not by its new id. */
async function rejoin(node: RedisServer): Promise<void> {
  const others = cluster.nodes.filter((each) => each !== node)
  await until(
    async () => {
      const states = await Promise.all(cluster.nodes.map((each) => each.command('CLUSTER', 'INFO')))
      return states.every((state) => /cluster_slots_ok:16384/.test(String(state)))
    },
    `the cluster of ${others.length + 1}`,
  )
}
