import { evictDurableObject, listDurableObjectIds } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { charge, draft, eventually, on, put, SECOND, spendOne, write } from '../stores/conformance/rig.ts'
import { diskRows, endAll, make, namespace } from './rig.ts'

const left = async (store: Parameters<typeof spendOne>[0], key: string, burst: number) =>
  (await spendOne(store, charge(key, burst, 0))).remaining

/** Lets timers have their turn: calls to an object that has just ended fail without taking one. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0))

describe('an object that ends', () => {
  it(
    'loses of a limit what was admitted since the last flush, and nothing more',
    on(make, async ({ store }) => {
      await spendOne(store, charge('a', 50, 20))
      await eventually(async () => (await diskRows()) === 1)
      await spendOne(store, charge('a', 50, 15))
      expect(await left(store, 'a', 50)).toBe(15)
      await endAll()
      expect(await left(store, 'a', 50)).toBe(30)
    }),
  )

  it(
    'loses nothing of a limit once a second has gone by, however often it ends after that',
    on(make, async ({ store }) => {
      const keys = Array.from({ length: 40 }, (_, i) => `k${i}`)
      for (const key of keys) await spendOne(store, charge(key, 10, 3))
      await eventually(async () => (await diskRows()) === keys.length)
      for (let round = 0; round < 3; round++) {
        for (const id of await listDurableObjectIds(namespace))
          if (round === 1) await evictDurableObject(namespace.get(id)).catch(() => {})
        if (round !== 1) await endAll()
        for (const key of keys) expect(await left(store, key, 10)).toBe(7)
      }
    }),
  )

  it(
    'admits, killed again and again under load, no more than the burst once more for each time',
    on(make, async ({ store }) => {
      let admitted = 0
      let killed = 0
      let going = true
      const load = async () => {
        while (going) {
          const { charged } = await store.charge([charge('a', 20), { ...charge('b', 1000), tenant: 'acme' }])
          if (charged.every((one) => one?.ok)) admitted++
          await turn()
        }
      }
      const all = Promise.all(Array.from({ length: 8 }, load))
      for (; killed < 6; killed++) {
        const before = admitted
        await eventually(async () => admitted > before || admitted >= 20 * (killed + 1))
        await endAll()
      }
      going = false
      await all
      expect(admitted).toBeGreaterThanOrEqual(20)
      expect(admitted).toBeLessThanOrEqual(20 * (killed + 1))
    }),
  )

  it(
    'writes nothing for a bucket that is full again within ten seconds, and has then no tables at all',
    on(make, async ({ store, pass }) => {
      await spendOne(store, charge('short', 10, 9, SECOND))
      await spendOne(store, { ...charge('long', 20, 11, SECOND), tenant: 'acme' })
      await eventually(async () => (await diskRows()) === 1)
      await endAll()
      expect(await left(store, 'short', 10)).toBe(10)
      pass?.(11_000)
      expect((await spendOne(store, { ...charge('long', 20, 0, SECOND), tenant: 'acme' })).remaining).toBe(20)
    }),
  )

  it(
    'writes what was given back, so that nobody is denied for what they have not spent',
    on(make, async ({ store }) => {
      await spendOne(store, charge('a', 10, 10))
      await eventually(async () => (await diskRows()) === 1)
      await spendOne(store, charge('a', 10, -10))
      await eventually(async () => (await diskRows()) === 0)
      await endAll()
      expect(await left(store, 'a', 10)).toBe(10)
    }),
  )

  it(
    'has every key and revocation whose write was answered, killed again and again while others write',
    on(make, async ({ store }) => {
      const answered: string[] = []
      let tried = 0
      let going = true
      const load = async () => {
        while (going) {
          const id = `k${tried++}`
          const applied = await store.apply([put(draft(id, { aliases: [`d-${id}`] }))], id).catch(() => null)
          if (applied?.ok) answered.push(id)
          await turn()
        }
      }
      const all = Promise.all(Array.from({ length: 4 }, load))
      for (let killed = 0; killed < 6; killed++) {
        const before = answered.length
        await eventually(async () => answered.length > before)
        await endAll()
      }
      going = false
      await all
      expect(answered.length).toBeGreaterThan(6)
      const found = await store.get('key', answered)
      expect(found.map((entry) => entry?.id)).toEqual(answered)
      for (const id of answered.slice(-20)) expect((await store.find('key', [`d-${id}`]))?.id).toBe(id)
      const lines = await store.history(10_000)
      for (const id of answered) expect(lines).toContain(id)
    }),
  )

  it(
    'tells writes and epochs that grow over its restarts',
    on(make, async ({ store }) => {
      await write(store, put(draft('a')))
      const { epoch, store: name } = await store.changes('access', -1)
      await endAll()
      await write(store, put(draft('b')))
      const later = await store.changes('access', epoch)
      expect(later).toEqual({ epoch: epoch + 1, store: name, entries: [{ kind: 'key', id: 'b' }] })
    }),
  )
})
