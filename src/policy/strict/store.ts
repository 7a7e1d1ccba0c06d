import { locationsOf, type RedisSettings } from '../../stores/redis/settings.ts'
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
