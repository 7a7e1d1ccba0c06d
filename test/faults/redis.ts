/** What may happen to one Redis. */
import { createConnection, createServer, type Socket } from 'node:net'
import { portNear } from '../../scripts/free-port.ts'
import type { FaultName } from '../../scripts/outcomes.ts'
import { RedisServer } from '../support/redis.ts'
import { SECRETS } from './credentials.ts'
import type { Broken, Injector } from './scenario.ts'
import { seed } from './stand.ts'

/** A server of one's own, and what breaks and mends it. */
const server =
  (
    options: readonly string[],
    strike: (server: RedisServer) => Promise<unknown>,
    heal: (server: RedisServer) => Promise<unknown>,
  ): Injector =>
  async () => {
    const redis = await RedisServer.start(options)
    return {
      store: `redis: { url: "${redis.url}" }`,
      seed: (entries) => seed(`{ redis: { url: "${redis.url}" } }`, entries),
      strike: async () => void (await strike(redis)),
      heal: async () => void (await heal(redis)),
      close: async () => {
        redis.thaw()
        await redis.stop()
      },
    }
  }

const killed = (...options: string[]): Injector =>
  server(
    options,
    (redis) => redis.kill(),
    (redis) => redis.start(),
  )

/** A server with a user for the service, whom the test's own connections do not share. */
const withUser =
  (strike: readonly string[], heal: readonly string[]): Injector =>
  async () => {
    const redis = await RedisServer.start([
      '--user',
      'postern',
      'on',
      `>${SECRETS.PASSWORD}`,
      '~*',
      '&*',
      '+@all',
    ])
    const store = `redis: { url: "${redis.url}", username: postern, password: "\${PASSWORD}" }`
    const order = async (rules: readonly string[]): Promise<void> => {
      await redis.command('ACL', 'SETUSER', 'postern', ...rules)
      await redis.command('CLIENT', 'KILL', 'USER', 'postern')
    }
    return {
      store,
      seed: (entries) => seed(`{ ${store} }`, entries),
      strike: () => order(strike),
      heal: () => order(heal),
      close: () => redis.stop(),
    }
  }

/** A way to a server that may delay what the server says. */
const slow =
  (milliseconds: number): Injector =>
  async () => {
    const redis = await RedisServer.start()
    const sockets = new Set<Socket>()
    let late = 0
    const proxy = createServer((near) => {
      const far = createConnection({ port: redis.port, host: '127.0.0.1' })
      for (const end of [near, far]) {
        sockets.add(end)
        end.on('error', () => {})
        end.on('close', () => {
          near.destroy()
          far.destroy()
        })
      }
      near.pipe(far)
      // One order for all, whatever the delay was when each came: bytes do not overtake each other.
      let before = Promise.resolve()
      far.on('data', (bytes) => {
        const due = performance.now() + late
        before = before.then(async () => {
          const rest = due - performance.now()
          if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest).unref())
          if (!near.destroyed) near.write(bytes)
        })
      })
    })
    const port = await portNear(0)
    await new Promise<void>((resolve) => proxy.listen(port, '127.0.0.1', resolve))
    return {
      store: `redis: { url: "redis://127.0.0.1:${port}" }`,
      seed: (entries) => seed(`{ redis: { url: "${redis.url}" } }`, entries),
      strike: async () => {
        late = milliseconds
      },
      heal: async () => {
        late = 0
      },
      close: async () => {
        proxy.close()
        for (const socket of sockets) socket.destroy()
        await redis.stop()
      },
    }
  }

const brief =
  (injector: Injector): Injector =>
  async (): Promise<Broken> => ({ ...(await injector()), brief: true })

/** The same before the service starts. */
const early =
  (injector: Injector): Injector =>
  async (): Promise<Broken> => ({ ...(await injector()), early: true })

const lasting = killed('--appendonly', 'yes', '--appendfsync', 'always')
const password = withUser(['resetpass', '>another'], ['resetpass', `>${SECRETS.PASSWORD}`])

export const REDIS = {
  'redis-frozen': server(
    [],
    async (redis) => redis.freeze(),
    async (redis) => redis.thaw(),
  ),
  'redis-killed': brief(lasting),
  'redis-emptied': brief(killed()),
  'redis-replica': server(
    [],
    (redis) => redis.command('REPLICAOF', '127.0.0.1', '1'),
    (redis) => redis.command('REPLICAOF', 'NO', 'ONE'),
  ),
  'redis-memory': server(
    ['--maxmemory-policy', 'noeviction'],
    (redis) => redis.command('CONFIG', 'SET', 'maxmemory', '1'),
    (redis) => redis.command('CONFIG', 'SET', 'maxmemory', '0'),
  ),
  'redis-password': brief(password),
  'redis-permission': brief(withUser(['-@all'], ['+@all'])),
  'redis-slow': brief(slow(2000)),
  'redis-absent': early(lasting),
  'redis-refuses': early(password),
} satisfies Partial<Record<FaultName, Injector>>
