import * as z from 'zod'
import { defineStore, StoreFault } from './contract.ts'

const schema = z
  .strictObject({
    binding: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, {
        error: 'is not the name of a binding, such as POSTERN_STATE',
      })
      .default('POSTERN_STATE')
      .meta({ description: 'Name of the binding to the Durable Object class `PosternState`.' }),
    shards: z.int().min(1).max(256).default(8).meta({
      description:
        'Objects that count for clients and for principals without a tenant. Another number begins with full buckets.',
    }),
  })
  .meta({ description: 'State in Durable Objects: the default on Cloudflare Workers.' })

/** State in SQLite-backed Durable Objects (docs/adr/0010). */
export const durableObject = defineStore({
  name: 'durableObject',
  schema,
  bare: {},
  deadline: 300,
  holds: true,
  runtimes: ['workers'],
  shared: true,
  remote: true,
  async create({ binding, shards }, outside) {
    const namespace = outside.binding(binding)
    if (namespace === undefined)
      throw new StoreFault(
        'unavailable',
        `the Worker has no binding ${binding}: bind it to the Durable Object class PosternState`,
      )
    const { DurableObjectStore, isNamespace } = await import('./durable-object/store.ts')
    if (!isNamespace(namespace))
      throw new StoreFault(
        'unavailable',
        `the binding ${binding} is no Durable Object namespace: bind it to the class PosternState`,
      )
    const { waitUntil } = await import('cloudflare:workers')
    return new DurableObjectStore(namespace, shards, {
      sha256: outside.sha256,
      now: outside.now,
      outlive: waitUntil,
    })
  },
})
