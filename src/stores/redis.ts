import { secretOf } from '../schema/secret.ts'
import { defineStore, type Store, StoreFault, type StoreOutside } from './contract.ts'
import { type Carrier, Single } from './redis/carrier.ts'
import { Channels } from './redis/channels.ts'
import { Cluster } from './redis/cluster.ts'
import type { LinkOptions } from './redis/link.ts'
import { RedisRunner } from './redis/runner.ts'
import { inspect, locationsOf, type RedisSettings, settings } from './redis/settings.ts'
import { survey } from './redis/survey.ts'
import { ScriptedStore } from './scripted.ts'

/**
 * State in Redis 7 or later, or what speaks its protocol: one server or a Cluster.
 *
 * The least that an ACL user needs (`PREFIX` is `postern` unless the policy says otherwise; commands inside of scripts
 * count as the user's own):
 *
 * ```
 * user postern on >PASSWORD resetkeys ~PREFIX:* ~{PREFIX}:* resetchannels &PREFIX:* -@all
 *   +evalsha +eval +time +mget +get +set +del
 *   +hget +hset +hdel +hexists +zadd +zrem +zcard +zrange +zrangebyscore +zrangebylex +zremrangebyrank
 *   +lpush +ltrim +lrange +publish +subscribe +unsubscribe +ping
 * ```
 *
 * On a Cluster also `+cluster|slots +asking`; with a database other than 0 `+select`. With `+info` a start warns of an
 * eviction policy that would forget counters, and with `+hello` of a server that is too old.
 */
export const redis = defineStore({
  name: 'redis',
  schema: settings,
  bare: null,
  deadline: 100,
  holds: false,
  runtimes: ['node'],
  shared: true,
  remote: true,
  inspect,
  create: (options, outside) => createRedis(options, outside, null),
})

/** @param clock microseconds since the epoch instead of the server's clock; null: the server's */
export async function createRedis(
  options: RedisSettings,
  outside: StoreOutside,
  clock: (() => number) | null,
): Promise<Store> {
  const locations = locationsOf(options).flatMap(({ location }) => location ?? [])
  const [first] = locations
  if (first === undefined) throw new StoreFault('incompatible', 'there is no server to connect to')
  const link: LinkOptions = {
    redis: await import('@redis/client'),
    username: options.username ?? first.username,
    password: options.password === undefined ? first.password : secretOf(options.password),
    tls: first.encrypted ? await trust(options, outside) : null,
    database: first.database,
    micros: outside.micros,
    random32: outside.random32,
  }
  const carrier: Carrier =
    options.cluster === undefined
      ? new Single(link, first.target)
      : new Cluster(
          link,
          locations.map(({ target }) => target),
        )
  const { createHash } = await import('node:crypto')
  const runner = new RedisRunner(
    carrier,
    new Channels(carrier, link, `${options.prefix}:`),
    () => survey(carrier, outside),
    (text) => createHash('sha1').update(text).digest('hex'),
  )
  const { sha256, random32 } = outside
  return new ScriptedStore(runner, { name: 'redis', prefix: options.prefix, sha256, random32, clock })
}

async function trust(
  { tls }: RedisSettings,
  outside: StoreOutside,
): Promise<NonNullable<LinkOptions['tls']>> {
  const file = tls?.ca?.file
  const servername = tls?.servername ?? null
  if (file === undefined) return { ca: null, servername }
  const { readFile } = await import('node:fs/promises')
  try {
    return { ca: await readFile(outside.resolvePath(file), 'utf8'), servername }
  } catch (problem) {
    const code = (problem as NodeJS.ErrnoException).code ?? 'unreadable'
    throw new StoreFault('incompatible', `the authority's certificate at ${file} cannot be read (${code})`)
  }
}
