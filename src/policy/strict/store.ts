import type { Path } from '../../schema/problem.ts'
import { type Secret, secretsIn } from '../../schema/secret.ts'
import { locationsOf, type RedisSettings } from '../../stores/redis/settings.ts'
import { textOf } from '../places.ts'
import type { Policy } from '../schema.ts'
import { reachOfHost } from './addresses.ts'
import type { Item } from './item.ts'

/** Milliseconds. */
const MAX_STALE = 300_000

export const STORE_ITEMS: readonly Item[] = [
  {
    id: 'store-kept',
    what: 'State outlives the process.',
    why: 'With the memory store a restart forgets every revocation, ban and key: what was withdrawn is good again.',
    how: 'Use `sqlite`, `redis`, `upstash` or `durableObject`.',
    look({ store }, tell) {
      if (store?.name === 'memory')
        tell(['store'], 'forgets revocations, bans and keys at each restart: use sqlite or redis')
    },
  },
  {
    id: 'store-encrypted',
    what: 'A Redis beyond this machine is reached over TLS.',
    why: 'On the way are the records of keys, what is revoked, and the password.',
    how: 'Write `rediss://`, with `tls.ca` where its authority is your own.',
    look({ store }, tell) {
      for (const { path, location } of redisPlaces(store))
        if (!location.encrypted) tell(path, 'is spoken to in the clear: write rediss://')
    },
  },
  {
    id: 'store-password',
    what: 'A Redis beyond this machine asks for a password.',
    why: 'Whoever reaches one without writes what he likes: keys without revocation, counters without end.',
    how: 'Give Postern a user of its own with the rights that docs/stores.md lists, as `username` and `password`.',
    look({ store }, tell) {
      if (store?.name !== 'redis' || (store.options as RedisSettings).password !== undefined) return
      for (const { path, location } of redisPlaces(store))
        if (location.password === null) tell(path, 'asks for no password: give username and password')
    },
  },
  {
    id: 'store-messages',
    what: 'Instances that share a Redis tell each other at once what changed.',
    why: 'Without notices an instance that asks the store for nothing learns of a revocation or ban up to ten seconds late.',
    how: 'Write `messages: { keys: { v1: "${MESSAGE_KEY}" } }`.',
    look({ store }, tell) {
      if (store?.name === 'redis' && store.messages === undefined)
        tell(['store'], 'may tell of a revocation ten seconds late: write messages')
    },
  },
  {
    id: 'store-stale',
    what: 'Keys are believed for five minutes at most while the store does not answer.',
    why: 'A key that is revoked meanwhile goes on working for as long.',
    how: 'Leave `maxStale` at 60s, or write 5m or less.',
    look({ store }, tell) {
      if (store !== undefined && store.maxStale > MAX_STALE)
        tell(['store', 'maxStale'], 'keeps revoked keys good while the store is down: write 5m or less')
    },
  },
  {
    id: 'secret-once',
    what: 'Every secret has one use.',
    why: 'Who holds a secret for one purpose holds it for the others: an origin that is told the gateway’s secret could ask as a proxy, and one proxy as another.',
    how: 'Make one for each place (`openssl rand -hex 32`).',
    look(policy, tell) {
      const seen = new Map<string, string>()
      for (const { path, secret } of privateSecretsOf(policy)) {
        const place = textOf(path)
        // By reference before it is resolved, as for a Worker, and by value once it is.
        const names = [`at ${secret}`, ...(secret.value === null ? [] : [`is ${secret.value}`])]
        const other = names.map((name) => seen.get(name)).find((found) => found !== undefined)
        if (other !== undefined) tell(path, `is the secret of ${other} too: give each its own`)
        for (const name of names) if (!seen.has(name)) seen.set(name, place)
      }
    },
  },
]

export const RECORD_ITEMS: readonly Item[] = [
  {
    id: 'record-whole',
    what: 'Every decision is recorded.',
    why: 'What a stolen token or key was used for is then told by its records. Of a sample it is told in part, or not at all.',
    how: 'Leave `record.allowed` out, or at 1. Load that no disk takes is a reason to accept this: denials and degraded decisions are recorded in any case.',
    look({ record }, tell) {
      if (record !== undefined && record.allowed < 1)
        tell(['record', 'allowed'], 'leaves a part of what passes unrecorded: write 1, or leave it out')
    },
  },
]

export const GATEWAY_ITEMS: readonly Item[] = [
  {
    id: 'gateway-shield',
    what: 'A gateway has a shield.',
    why: 'It stands on the Internet by itself. A coarse bound before anything is computed keeps a flood from costing Worker time and calls to the store.',
    how: 'Bind a rate limit and write `shield: { binding: NAME }` (docs/cloudflare.md).',
    look({ gateway, shield }, tell) {
      if (gateway !== undefined && shield === undefined)
        tell(['gateway'], 'meets floods without a bound: bind a rate limit and name it under `shield`')
    },
  },
  {
    id: 'gateway-https',
    what: 'Answers of a gateway keep browsers on https.',
    why: 'A first request in the clear can be read and changed on its way, tokens included.',
    how: 'Keep `Strict-Transport-Security` when you write `gateway.headers`: what you write takes the place of the default.',
    look({ gateway }, tell) {
      if (gateway === undefined) return
      const names = Object.keys(gateway.headers).map((name) => name.toLowerCase())
      if (!names.includes('strict-transport-security'))
        tell(['gateway', 'headers'], 'have lost Strict-Transport-Security: write max-age=31536000')
    },
  },
]

/** Every server of a Redis that is not on this machine, with its place in the file. */
function redisPlaces(store: Policy['store']) {
  if (store?.name !== 'redis') return []
  return locationsOf(store.options as RedisSettings).flatMap(({ path, location }) =>
    location === null || reachOfHost(location.target.host) === 'loopback'
      ? []
      : [{ path: ['store', 'redis', ...path], location }],
  )
}

/** What may be given by reference without being secret. */
const PUBLIC: ReadonlySet<string | number | undefined> = new Set(['pem', 'jwk', 'digest', 'url'])

/** Secrets that nobody else may know, with their places in the file. */
function* privateSecretsOf(policy: Policy): Generator<{ path: Path; secret: Secret }> {
  for (const { path, secret } of secretsIn(policy)) {
    if (PUBLIC.has(path.at(-1)) || path.includes('cluster')) continue
    const [section, part, ...rest] = path
    const inFile =
      section === 'store' && part === 'options' ? ['store', policy.store?.name ?? '', ...rest] : path
    yield { path: inFile, secret }
  }
}
