import { abortAllDurableObjects, listDurableObjectIds, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import type { DurableObjectNamespace, DurableObjectState, DurableObjectStub } from '@cloudflare/workers-types'
import { vi } from 'vitest'
import { sha256 } from '../../src/ports/node-crypto.ts'
import type { Store, StoreOutside } from '../../src/stores/contract.ts'
import type { Buckets } from '../../src/stores/durable-object/buckets.ts'
import { durableObject } from '../../src/stores/durable-object.ts'
import type { Rig } from '../stores/conformance/rig.ts'

export const namespace = env['POSTERN_STATE'] as DurableObjectNamespace

/** What stores ask of the runtime, with bindings of the test's. */
export const outside = (bindings: Readonly<Record<string, unknown>> = env): StoreOutside => ({
  now: () => Date.now(),
  micros: () => performance.now() * 1000,
  random32: () => crypto.getRandomValues(new Uint32Array(1))[0] as number,
  sha256,
  resolvePath: (path) => path,
  lasting: false,
  binding: (name) => bindings[name],
  report: () => {},
})

export async function openStore(options: object = {}): Promise<Store> {
  const store = await durableObject.create(durableObject.schema.parse(options), outside(), 300)
  await store.open()
  return store
}

/** What an object has in memory. */
export interface Inside {
  readonly counting: { readonly buckets: Buckets } | null
}

/** Does something inside of every object that there is. */
export async function inAll(
  work: (state: DurableObjectState, inside: Inside) => Promise<unknown> | unknown,
): Promise<void> {
  for (const id of await listDurableObjectIds(namespace))
    await runInDurableObject(namespace.get(id), (inside, state) => work(state, inside as unknown as Inside))
}

/** Takes all objects away with what they hold. */
export async function emptied(): Promise<void> {
  await inAll((state) => state.storage.deleteAll())
  await abortAllDurableObjects()
}

/** A fresh store in the objects of this runtime, whose clock stands still until it is told otherwise. */
export async function make(): Promise<Rig> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  await emptied()
  return {
    store: await openStore(),
    now: () => Date.now(),
    pass: (milliseconds) => {
      vi.setSystemTime(Date.now() + milliseconds)
    },
    held: async () => {
      let live = 0
      await inAll((_, { counting }) => {
        live += counting?.buckets.count().live ?? 0
      })
      return live
    },
    second: () => openStore(),
    empty: emptied,
    end: async () => {
      vi.useRealTimers()
    },
  }
}

/** Rows of buckets on the disks of all objects. */
export async function diskRows(): Promise<number> {
  let rows = 0
  await inAll(({ storage: { sql } }) => {
    if ([...sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'bucket'`)].length === 0) return
    rows += [...sql.exec('SELECT 1 FROM bucket')].length
  })
  return rows
}

/** Ends one object as it stands: what it has in memory is gone, and so is whatever was under way. */
export const end = (stub: DurableObjectStub): Promise<void> =>
  runInDurableObject(stub, (_, state) => state.abort('the test ends it')).catch(() => {})

/** Ends all of them. */
export async function endAll(): Promise<void> {
  for (const id of await listDurableObjectIds(namespace)) await end(namespace.get(id))
}
