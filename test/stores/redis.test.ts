import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import { guarded } from '../../src/state/guard.ts'
import type { Store, StoreOutside } from '../../src/stores/contract.ts'
import { createRedis, redis } from '../../src/stores/redis.ts'
import { describeRedis, RedisCluster, RedisServer } from '../support/redis.ts'
import { type Rig, storeConformance, type Traits } from './conformance.ts'

const outside: StoreOutside = {
  now: () => Date.now(),
  micros: () => performance.now() * 1000,
  random32: () => randomBytes(4).readUInt32LE(),
  sha256: (text) => createHash('sha256').update(text).digest('base64url'),
  resolvePath: (path) => path,
  binding: () => undefined,
  lasting: true,
  report: () => {},
}

const TRAITS: Traits = {
  clock: { charges: false, entries: false },
  shared: true,
  refunds: false,
  countsOn: false,
  life: true,
  empty: true,
  stall: true,
  patience: 2000,
}

interface Place {
  readonly nodes: readonly RedisServer[]
  readonly options: { url: string } | { cluster: readonly string[] }
}

/** A store of its own prefix on servers that are shared by all tests. @param injected whether the test has the clock */
function maker(place: () => Place, injected: boolean) {
  return async (): Promise<Rig> => {
    const { nodes, options } = place()
    const prefix = `t${randomBytes(6).toString('hex')}`
    let offset = 0
    const start = Date.now()
    const now = () => (injected ? start + offset : Date.now())
    const opened: Store[] = []
    const another = async () => {
      const settings = redis.schema.parse({ ...options, prefix }) as Parameters<typeof createRedis>[0]
      const bare = await createRedis(settings, outside, injected ? () => now() * 1000 : null)
      await bare.open()
      // Patience is the guard's; a store alone waits for its server.
      const guard = { ticks: () => performance.now(), random: () => 0.5, report: () => {} }
      const store = guarded(bare, { deadline: 1000, patience: 1000, ...guard })
      opened.push(store)
      return store
    }
    /** Buckets and what they hold. */
    const buckets = async () => {
      const found = new Map<string, number>()
      for (const node of nodes)
        for (const key of (await node.command('KEYS', `${prefix}:b:*`)) as string[])
          found.set(key, Number(await node.command('GET', key).catch(() => 0)))
      return found
    }
    const store = await another()
    return {
      store,
      now,
      pass: (milliseconds) => {
        offset += milliseconds
      },
      held: async () => [...(await buckets()).values()].filter((full) => full > now() * 1000).length,
      life: async () => {
        const [key = ''] = (await buckets()).keys()
        const left = await Promise.all(nodes.map((node) => node.command('PTTL', key).catch(() => 0)))
        return Math.max(...left.map(Number))
      },
      second: another,
      empty: async () => {
        await Promise.all(nodes.map((node) => node.command('FLUSHALL')))
      },
      stall: async () => {
        for (const node of nodes) node.freeze()
        return async () => {
          for (const node of nodes) node.thaw()
        }
      },
      end: async () => {
        await Promise.all(opened.map((each) => each.close()))
      },
    }
  }
}

await describeRedis('one Redis', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await RedisServer.start()
  })
  afterAll(() => server.stop())
  const place = () => ({ nodes: [server], options: { url: server.url } })
  storeConformance('redis', maker(place, false), TRAITS)
  storeConformance("redis on the test's clock", maker(place, true), {
    ...TRAITS,
    clock: { charges: true, entries: true },
    life: false,
  })
})

await describeRedis('a Redis Cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await RedisCluster.start()
  })
  afterAll(() => cluster.stop())
  const place = () => ({ nodes: cluster.nodes, options: { cluster: cluster.urls.slice(0, 1) } })
  storeConformance('redis cluster', maker(place, false), { ...TRAITS, refunds: true })
  storeConformance("redis cluster on the test's clock", maker(place, true), {
    ...TRAITS,
    clock: { charges: true, entries: true },
    refunds: true,
    life: false,
  })
})
