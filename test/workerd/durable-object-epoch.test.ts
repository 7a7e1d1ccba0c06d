import { listDurableObjectIds, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import type { Charge } from '../../src/core/model.ts'
import type { Store } from '../../src/stores/contract.ts'
import { EpochListener } from '../../src/stores/durable-object/listener.ts'
import { PosternState } from '../../src/stores/durable-object/object.ts'
import { Roster } from '../../src/stores/durable-object/roster.ts'
import type { EpochLease } from '../../src/stores/durable-object/wire.ts'
import { charge, draft, eventually, on, put, write } from '../stores/conformance/rig.ts'
import { end, make, namespace, openStore } from './rig.ts'

const access = () => namespace.getByName('access')
const epochOf = async (store: Store) => (await store.changes('access', -1)).epoch
const told = async (store: Store, one: Charge) => (await store.charge([one])).epoch

describe('the epoch', () => {
  it(
    'is told to every object that counts before the write is answered: the next charge of anybody knows',
    on(make, async ({ store }) => {
      const other = await openStore()
      const charges = Array.from({ length: 20 }, (_, i) => ({
        ...charge('a', 1000),
        tenant: `t${i % 10}${i}`,
      }))
      await Promise.all(charges.map((one) => told(store, one)))
      for (let round = 0; round < 3; round++) {
        await write(other, put(draft('gone', { kind: 'revocation', body: `${round}` }), 'any'))
        const epoch = await epochOf(other)
        for (const one of charges) expect(await told(store, one)).toBe(epoch)
      }
    }),
  )

  it(
    'is told also by an object of entries that was restarted, to those who had asked its predecessor',
    on(make, async ({ store }) => {
      await told(store, charge('a', 1000))
      await end(access())
      await write(store, put(draft('gone', { kind: 'revocation' })))
      expect(await told(store, charge('a', 1000))).toBe(await epochOf(store))
    }),
  )

  it(
    'is asked for again by an object that was restarted itself, and when its time is over or the clock steps back',
    on(make, async ({ store, pass }) => {
      const one = charge('a', 1000)
      await told(store, one)
      for (const step of [
        async () => {
          for (const id of await listDurableObjectIds(namespace))
            if (id.toString() !== namespace.idFromName('access').toString()) await end(namespace.get(id))
        },
        async () => pass?.(60_000),
        async () => pass?.(-3_600_000),
      ]) {
        await step()
        await write(store, put(draft('a'), 'any'))
        expect(await told(store, one)).toBe(await epochOf(store))
      }
    }),
  )

  it(
    'keeps no write waiting for an object that does not answer, which then is told no more until it asks',
    on(make, async ({ store, pass }) => {
      const one = { ...charge('a', 1000), tenant: 'acme' }
      const before = await told(store, one)
      const silent = vi.spyOn(PosternState.prototype, 'tell').mockImplementation(() => new Promise(() => {}))
      const began = performance.now()
      await write(store, put(draft('gone', { kind: 'revocation' })))
      const took = performance.now() - began
      expect(took).toBeGreaterThan(500)
      expect(took).toBeLessThan(3000)
      // The next one waits for it no more.
      const again = performance.now()
      await write(store, put(draft('too', { kind: 'revocation' })))
      expect(performance.now() - again).toBeLessThan(500)
      silent.mockRestore()
      expect(await told(store, one)).toBeGreaterThanOrEqual(before ?? Number.NaN)
      pass?.(10_000)
      expect(await told(store, one)).toBe(await epochOf(store))
    }),
  )

  it(
    'is not told where the object of entries does not answer, and the charge does not wait for it',
    on(make, async ({ store, pass }) => {
      const silent = vi
        .spyOn(PosternState.prototype, 'enlist')
        .mockImplementation(() => new Promise(() => {}))
      const { charged, epoch } = await store.charge([charge('a')])
      expect(charged[0]?.ok).toBe(true)
      expect(epoch).toBeNull()
      silent.mockRestore()
      const known = await epochOf(store)
      await eventually(async () => {
        pass?.(1000)
        return (await told(store, charge('a'))) === known
      })
    }),
  )

  it('is asked for once a second where nobody answers, and keeps nobody waiting meanwhile', async () => {
    let now = 1_000_000
    let asked = 0
    let answer: () => Promise<EpochLease> = () => Promise.reject(new Error('gone'))
    const listener = new EpochListener(
      () => {
        asked++
        return answer()
      },
      () => now,
    )
    for (let i = 0; i < 100; i++) expect(await listener.epoch()).toBeNull()
    expect(asked).toBe(1)
    answer = async () => ({ epoch: 7, life: 0 })
    now += 1000
    for (let i = 0; i < 100; i++) expect(await listener.epoch()).toBeNull()
    expect(asked).toBe(2)
    answer = async () => ({ epoch: 8, life: 10_000 })
    now += 4000
    for (let i = 0; i < 100; i++) expect(await listener.epoch()).toBe(8)
    expect(asked).toBe(3)
    listener.hear(6)
    expect(await listener.epoch()).toBe(8)
    now += 9999
    expect(await listener.epoch()).toBe(8)
    answer = () => new Promise(() => {})
    now += 30_000
    const before = asked
    const began = performance.now()
    for (let i = 0; i < 100; i++) {
      expect(await listener.epoch()).toBeNull()
      now += 150
    }
    expect(asked).toBe(before + 1)
    expect(performance.now() - began).toBeLessThan(900)
  })

  it(
    'is told to so many objects and no more; the others have to ask each time',
    on(make, async () => {
      await runInDurableObject(namespace.getByName('roster'), async (_, { storage }) => {
        let now = 1000
        const heard: string[] = []
        const tell = async (id: string, epoch: number) => void heard.push(`${id} ${epoch}`)
        const roster = new Roster(storage, () => now, tell, 2)
        expect(['a', 'b', 'c'].map((id) => roster.enlist(id, 7).life)).toEqual([10_000, 10_000, 0])
        await roster.announce(() => 8)
        expect(heard).toEqual(['a 8', 'b 8'])
        now += 10_000
        expect(roster.size).toBe(0)
        expect(roster.enlist('c', 8)).toEqual({ epoch: 8, life: 10_000 })
        for (let i = 0; i < 100; i++) {
          now += 700_000
          roster.enlist(`n${i}`, 8)
        }
        expect([...storage.sql.exec('SELECT 1 FROM listener')].length).toBeLessThanOrEqual(5)
      })
    }),
  )

  it(
    'costs hardly more for each of many objects: those of the last minutes are not looked through each time',
    on(make, async () => {
      await runInDurableObject(namespace.getByName('many'), async (_, { storage }) => {
        let now = 1000
        let sweeps = 0
        const sql = {
          exec: (text: string, ...values: unknown[]) => {
            if (text.startsWith('DELETE')) sweeps++
            return storage.sql.exec(text, ...values)
          },
        }
        const roster = new Roster(
          { ...storage, sql } as never,
          () => now,
          async () => {},
          10,
        )
        for (let i = 0; i < 1000; i++) {
          now += 1000
          expect(roster.enlist(`n${i}`, 7).life).toBe(10_000)
        }
        expect(sweeps).toBeLessThan(50)
        expect([...storage.sql.exec('SELECT 1 FROM listener')].length).toBeLessThanOrEqual(1200)
      })
    }),
  )
})
