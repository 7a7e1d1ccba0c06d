import type { StoreType } from '../stores/contract.ts'
import { durableObject } from '../stores/durable-object.ts'
import { memory } from '../stores/memory.ts'
import { upstash } from '../stores/upstash.ts'

/** The stores that a Worker can use. Listed again, so that clients of the others are not in its bundle. */
export const WORKER_STORES: Readonly<Record<string, StoreType>> = { durableObject, memory, upstash }
