import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import type { Secret } from '../../src/schema/secret.ts'
import type { Store } from '../../src/stores/contract.ts'
import { upstash } from '../../src/stores/upstash.ts'
import { describeRedis, RedisServer } from '../support/redis.ts'
import { RestBridge } from '../support/rest-bridge.ts'
import { type Rig, storeConformance, type Traits } from './conformance.ts'

const DEADLINE = 2000

const TRAITS: Traits = {
  clock: { charges: false, entries: false },
  shared: true,
  refunds: false,
  countsOn: false,
  life: true,
  empty: true,
  stall: true,
  patience: 2 * DEADLINE,
}

/** A server and the bridge in front of it, shared by all tests of a block. */
interface Place {
  readonly redis: RedisServer
  readonly bridge: RestBridge
}

/** A store of its own prefix. @param injected whether the test has the clock, which is the instance's then */
function maker(place: () => Place, injected: boolean) {
  return async (): Promise<Rig> => {
    const { redis, bridge } = place()
    const prefix = `t${randomBytes(6).toString('hex')}`
    let offset = 0
    const start = Date.now()
    const now = () => (injected ? start + offset : Date.now())
    const opened: Store[] = []
    const another = async () => {
      const options = upstash.schema.parse({ url: bridge.url, token: '${TOKEN}', prefix }) as {
        token: Secret
      }
      options.token.resolve(bridge.token)
      const outside = {
        now,
        micros: () => performance.now() * 1000,
        random32: () => randomBytes(4).readUInt32LE(),
        sha256: (text: string) => createHash('sha256').update(text).digest('base64url'),
        resolvePath: (path: string) => path,
        binding: () => undefined,
        lasting: true,
        report: () => {},
      }
      const store = await upstash.create(options, outside, DEADLINE)
      await store.open()
      opened.push(store)
      return store
    }
    /** Names of buckets. */
    const buckets = async () => (await redis.command('KEYS', `${prefix}:b:*`)) as string[]
    return {
      store: await another(),
      now,
      pass: (milliseconds) => {
        offset += milliseconds
      },
      held: async () => {
        const full = await Promise.all((await buckets()).map((key) => redis.command('GET', key)))
        return full.filter((at) => Number(at) > now() * 1000).length
      },
      life: async () => Number(await redis.command('PTTL', (await buckets())[0] ?? '')),
      second: another,
      empty: async () => {
        await redis.command('FLUSHALL')
      },
      stall: async () => {
        redis.freeze()
        return async () => redis.thaw()
      },
      end: async () => {
        await Promise.all(opened.map((each) => each.close()))
      },
    }
  }
}

await describeRedis('upstash over Redis as it is', () => {
  const place = bridged(async () => {})
  storeConformance('upstash', maker(place, false), TRAITS)
})

await describeRedis('upstash over a server that locks keys alone and tells scripts no time', () => {
  const place = bridged(async ({ redis, bridge }) => {
    bridge.keyLocking = true
    await redis.command('ACL', 'SETUSER', 'default', '-time')
  })
  storeConformance('upstash', maker(place, true), {
    ...TRAITS,
    clock: { charges: true, entries: true },
    life: false,
  })
})

/** Starts the two before the tests of a block, and stops them after. */
function bridged(prepare: (place: Place) => Promise<void>): () => Place {
  let [redis, bridge]: [RedisServer?, RestBridge?] = []
  const place = () => {
    if (redis === undefined || bridge === undefined) throw new Error('the bridge was not started')
    return { redis, bridge }
  }
  beforeAll(async () => {
    redis = await RedisServer.start()
    bridge = await RestBridge.start(redis.port)
    await prepare(place())
  })
  afterAll(async () => {
    await bridge?.close()
    await redis?.stop()
  })
  return place
}
