import type { StoreType } from './contract.ts'
import { durableObject } from './durable-object.ts'
import { memory } from './memory.ts'
import { redis } from './redis.ts'
import { sqlite } from './sqlite.ts'
import { upstash } from './upstash.ts'

/**
 * Every store, by the name under which a policy selects it. A new one is a file beside these and a line here; what it
 * needs of the runtime or of a client it loads when it is made, so that this may be imported everywhere.
 */
export const STORES: Readonly<Record<string, StoreType>> = { memory, sqlite, redis, upstash, durableObject }
