import { listDurableObjectIds, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { Alarm } from '../../src/stores/durable-object/alarm.ts'
import { Buckets } from '../../src/stores/durable-object/buckets.ts'
import { Shelf } from '../../src/stores/durable-object/shelf.ts'
import {
  charge,
  draft,
  eventually,
  HOUR,
  on,
  put,
  SECOND,
  spendOne,
  write,
} from '../stores/conformance/rig.ts'
import { diskRows, endAll, inAll, make, namespace } from './rig.ts'

const ring = async (): Promise<number> => {
  let rung = 0
  for (const id of await listDurableObjectIds(namespace))
    if (await runDurableObjectAlarm(namespace.get(id))) rung++
  return rung
}

const alarms = async (): Promise<number> => {
  let set = 0
  await inAll(async ({ storage }) => {
    if ((await storage.getAlarm()) !== null) set++
  })
  return set
}

const entryRows = (): Promise<number> =>
  runInDurableObject(
    namespace.getByName('access'),
    (_, { storage: { sql } }) => [...sql.exec('SELECT 1 FROM entry')].length,
  )

describe('an alarm', () => {
  it(
    'takes away buckets that are full again, keeps the others, and rings no more when none is left',
    on(make, async ({ store, pass }) => {
      for (let i = 0; i < 50; i++)
        await spendOne(store, { ...charge(`k${i}`, 100, 20, SECOND), tenant: 'acme' })
      await spendOne(store, { ...charge('long', 4000, 3600, SECOND), tenant: 'acme' })
      await eventually(async () => (await diskRows()) === 51)
      pass?.(60_000)
      expect(await ring()).toBe(1)
      expect(await diskRows()).toBe(1)
      expect(await alarms()).toBe(1)
      const peek = { ...charge('long', 4000, 0, SECOND), tenant: 'acme' }
      expect((await spendOne(store, peek)).remaining).toBe(460)
      pass?.(3_600_000)
      expect(await ring()).toBe(1)
      expect(await diskRows()).toBe(0)
      expect(await alarms()).toBe(0)
      let tables = 0
      await runInDurableObject(namespace.get((await tenants())[0] as never), (_, { storage: { sql } }) => {
        tables = [...sql.exec(`SELECT 1 FROM sqlite_master WHERE name IN ('meta', 'bucket')`)].length
      })
      expect(tables).toBe(0)
      await spendOne(store, { ...peek, cost: 30 })
      await eventually(async () => (await diskRows()) === 1)
      expect(await alarms()).toBe(1)
    }),
  )

  it(
    'rings in its time, however often the object ends and is asked again meanwhile',
    on(make, async ({ store, pass }) => {
      const times = new Set<number | null>()
      for (let i = 1; i <= 4; i++) {
        await spendOne(store, { ...charge(`k${i}`, 100, 20, SECOND), tenant: 'acme' })
        await eventually(async () => (await diskRows()) === i)
        await inAll(async ({ storage }, { counting }) => {
          if (counting !== null) times.add(await storage.getAlarm())
        })
        await endAll()
        pass?.(60_000)
      }
      expect([...times]).toEqual([expect.any(Number)])
    }),
  )

  it(
    'is set again when the disk was emptied while it was set',
    on(make, async () => {
      await runInDurableObject(namespace.getByName('emptied'), async (_, { storage }) => {
        const alarm = new Alarm(storage)
        const buckets = new Buckets(new Shelf(storage), alarm, () => Date.now())
        const spend = (cost: number) => {
          buckets.charge([{ key: 'k', interval: HOUR, burst: 5, cost }])
          buckets.flush()
        }
        spend(5)
        await storage.deleteAlarm()
        alarm.gone()
        await buckets.expire(async () => spend(-5))
        expect(await storage.getAlarm()).toBe(null)
        spend(5)
        expect(await storage.getAlarm()).not.toBe(null)
      })
    }),
  )

  it(
    'takes away entries that are over, and rings no more when no other will be',
    on(make, async ({ store, now, pass }) => {
      await write(store, put(draft('stays')))
      expect(await alarms()).toBe(0)
      const many = Array.from({ length: 450 }, (_, i) => put(draft(`k${i}`, { expires: now() + 60_000 })))
      await write(store, ...many, put(draft('later', { expires: now() + 3_600_000 })))
      expect(await alarms()).toBe(1)
      const { epoch } = await store.changes('access', -1)
      pass?.(120_000)
      expect(await entryRows()).toBe(452)
      expect(await ring()).toBe(1)
      expect(await entryRows()).toBe(2)
      expect(await alarms()).toBe(1)
      pass?.(3_600_000)
      await ring()
      expect(await entryRows()).toBe(1)
      expect(await alarms()).toBe(0)
      expect((await store.changes('access', -1)).epoch).toBe(epoch)
      await write(store, put(draft('far', { expires: 253_402_300_799_999 })))
      expect(await alarms()).toBe(1)
    }),
  )
})

/** Objects that have an alarm or rows of buckets belong to the tenant here; the others keep entries or nothing. */
async function tenants(): Promise<unknown[]> {
  const access = namespace.idFromName('access').toString()
  return (await listDurableObjectIds(namespace)).filter((id) => id.toString() !== access)
}
