import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import type { Secret } from '../../src/schema/secret.ts'
import type { Store } from '../../src/stores/contract.ts'
import { upstash } from '../../src/stores/upstash.ts'
import { describeRedis, RedisServer } from '../support/redis.ts'
import { RestBridge } from '../support/rest-bridge.ts'
import { type Rig, storeConformance, type Traits } from './conformance.ts'

const DEADLINE = 2000

/** The server's clock is nobody's to move, and buckets go away by it. */
const traits: Traits = {
  clock: { charges: false, entries: false },
  shared: true,
  refunds: false,
  life: true,
  empty: true,
  stall: true,
  patience: 2 * DEADLINE,
}

for (const [server, prepare] of Object.entries({
  'Redis as it is': async () => {},
  'a server that locks keys alone and tells scripts no time': async (
    redis: RedisServer,
    bridge: RestBridge,
  ) => {
    bridge.keyLocking = true
    await redis.command('ACL', 'SETUSER', 'default', '-time')
  },
})) {
  await describeRedis(`upstash over ${server}`, () => {
    let redis: RedisServer
    let bridge: RestBridge
    beforeAll(async () => {
      redis = await RedisServer.start()
      bridge = await RestBridge.start(redis.port)
      await prepare(redis, bridge)
    })
    afterAll(async () => {
      await bridge?.close()
      await redis?.stop()
    })

    async function opened(prefix: string): Promise<Store> {
      const options = upstash.schema.parse({ url: bridge.url, token: '${TOKEN}', prefix }) as {
        token: Secret
      }
      options.token.resolve(bridge.token)
      const outside = {
        now: () => Date.now(),
        micros: () => performance.now() * 1000,
        random32: () => randomBytes(4).readUInt32LE(),
        sha256: (text: string) => createHash('sha256').update(text).digest('base64url'),
        resolvePath: (path: string) => path,
        report: () => {},
      }
      const store = await upstash.create(options, outside, DEADLINE)
      await store.open()
      return store
    }

    async function make(): Promise<Rig> {
      const prefix = `rig-${randomBytes(6).toString('hex')}`
      const stores = [await opened(prefix)]
      const buckets = async () => (await redis.command('KEYS', `${prefix}:b:*`)) as string[]
      return {
        store: stores[0] as Store,
        now: () => Date.now(),
        held: async () => (await buckets()).length,
        life: async () => Number(await redis.command('PTTL', (await buckets())[0] ?? '')),
        second: async () => {
          const second = await opened(prefix)
          stores.push(second)
          return second
        },
        empty: async () => {
          await redis.command('FLUSHALL')
        },
        stall: async () => {
          redis.freeze()
          return async () => redis.thaw()
        },
        end: async () => {
          await Promise.all(stores.map((store) => store.close()))
        },
      }
    }

    storeConformance('upstash', make, traits)
  })
}
