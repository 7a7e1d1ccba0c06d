import { listDurableObjectIds, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { type Place, type Store, StoreFault } from '../../src/stores/contract.ts'
import { Alarm } from '../../src/stores/durable-object/alarm.ts'
import { Buckets } from '../../src/stores/durable-object/buckets.ts'
import { Homes } from '../../src/stores/durable-object/homes.ts'
import { PosternState } from '../../src/stores/durable-object/object.ts'
import { Seats } from '../../src/stores/durable-object/seats.ts'
import { Shelf } from '../../src/stores/durable-object/shelf.ts'
import { faultOf } from '../../src/stores/durable-object/wire.ts'
import { durableObject } from '../../src/stores/durable-object.ts'
import { charge, draft, eventually, inOrder, on, put, spendOne, write } from '../stores/conformance/rig.ts'
import { endAll, inAll, make, namespace, openStore, outside } from './rig.ts'

const objects = async () => (await listDurableObjectIds(namespace)).length

const refused = async (work: () => Promise<unknown>): Promise<StoreFault> => {
  const error = await work().then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(StoreFault)
  return error as StoreFault
}

describe('objects', () => {
  it(
    'are a fixed number for strangers, whatever they present, and one more for each tenant that proved itself',
    on(make, async () => {
      const store = await openStore({ shards: 3 })
      const before = await objects()
      for (let i = 0; i < 300; i++) {
        await spendOne(store, charge(`per-client|c:2001:db8::${i.toString(16)}`))
        await store.find('key', [`hmac-sha256:v1:${i}`])
        await store.get('key', [`forged-${i}`])
      }
      for (const key of ['access', 'tenant:acme', 'shared:9', '../x', '']) await spendOne(store, charge(key))
      const places = [{ key: 'forged', most: 1 }]
      await store.holds?.take('forged', places, 1000)
      expect((await objects()) - before).toBeLessThanOrEqual(3)
      const strangers = await objects()
      for (const tenant of ['acme', 'globex', '', 'access'])
        await spendOne(store, { ...charge('forged'), tenant })
      expect((await objects()) - strangers).toBe(4)
    }),
  )

  it('get each their part of the buckets', () => {
    const homes = new Homes(8, outside().sha256)
    const parts = new Map<string, number>()
    for (let i = 0; i < 8000; i++) {
      const home = homes.of({ key: `per-client|c:10.0.${i >> 8}.${i & 255}` })
      parts.set(home, (parts.get(home) ?? 0) + 1)
    }
    expect(parts.size).toBe(8)
    for (const part of parts.values()) expect(part).toBeGreaterThan(800)
  })

  it(
    'keep tenants apart, also where limit and key are the same',
    on(make, async ({ store }) => {
      const of = (tenant?: string) => ({ ...charge('a', 2, 2), tenant })
      for (const tenant of ['acme', 'globex', undefined])
        expect((await spendOne(store, of(tenant))).ok).toBe(true)
      for (const tenant of ['acme', 'globex', undefined])
        expect((await spendOne(store, of(tenant))).ok).toBe(false)
    }),
  )

  it(
    'charge all of a tenant and a client or none, and give back what passed where another denied',
    on(make, async ({ store }) => {
      await spendOne(store, { ...charge('tenant', 2, 2), tenant: 'acme' })
      const { charged } = await store.charge([
        charge('client', 5),
        { ...charge('tenant', 2), tenant: 'acme' },
      ])
      expect(charged).toMatchObject([
        { ok: true, remaining: 5, full: 0 },
        { ok: false, remaining: 0 },
      ])
      expect((await spendOne(store, charge('client', 5, 0))).remaining).toBe(5)
    }),
  )
})

describe('an object', () => {
  it(
    'keeps so many buckets in memory and forgives nobody for that, until its disk holds as many as it may',
    on(make, async () => {
      await runInDurableObject(namespace.getByName('bounds'), (_, { storage }) => {
        const now = Date.now()
        const shelf = new Shelf(storage)
        const buckets = new Buckets(shelf, new Alarm(storage), () => now, { held: 100, rows: 1000 })
        const spend = (key: string, cost = 1) =>
          buckets.charge([{ key, interval: 1_000_000, burst: 5, cost }]).arrivals[0]
        for (let i = 0; i < 1000; i++) {
          expect(spend(`k${i}`, 5)?.ok).toBe(true)
          expect(buckets.count().held).toBeLessThanOrEqual(101)
        }
        for (let i = 0; i < 1000; i += 7) expect(spend(`k${i}`)?.ok).toBe(false)
        for (let i = 0; i < 3000; i++) spend(`more ${i}`)
        expect(shelf.rows).toBeLessThanOrEqual(1000)
        expect(buckets.count().held).toBeLessThanOrEqual(101)
        for (let i = 0; i < 900; i += 7) expect(spend(`k${i}`)?.ok).toBe(false)
      })
    }),
  )

  it(
    'goes on to count while its disk fails, and writes what it owes as soon as it can',
    on(make, async () => {
      await runInDurableObject(namespace.getByName('bounds'), async (_, { storage }) => {
        let fails = true
        const written: string[] = []
        const shelf = {
          rows: 0,
          read: () => null,
          write: (rows: readonly { readonly key: string }[]) => {
            if (fails) throw new Error('SQLITE_FULL')
            written.push(...rows.map(({ key }) => key))
          },
          sweep: async () => {},
          clear: async () => {},
        }
        const buckets = new Buckets(shelf, new Alarm(storage), () => 1_795_000_000_000, {
          held: 50,
          rows: 100,
        })
        const spend = (key: string) =>
          buckets.charge([{ key, interval: 60_000_000, burst: 2, cost: 1 }]).arrivals[0]
        expect([spend('a')?.ok, spend('a')?.ok, spend('a')?.ok]).toEqual([true, true, false])
        buckets.flush()
        fails = false
        await eventually(async () => written.includes('a'))
        fails = true
        for (let i = 0; i < 500; i++) spend(`k${i}`)
        expect(buckets.count().held).toBeLessThanOrEqual(51)
      })
    }),
  )

  it(
    'answers in parts what does not fit into one answer',
    on(make, async ({ store }) => {
      const ids = Array.from({ length: 700 }, (_, i) => `k${i}`)
      const body = 'x'.repeat(60_000)
      for (let at = 0; at < ids.length; at += 100)
        await write(store, ...ids.slice(at, at + 100).map((id) => put(draft(id, { body, owner: 'ann' }))))
      const found = await store.list('key', { after: null, limit: 1000, owner: 'ann' })
      expect(found.map(({ id }) => id)).toEqual(inOrder(ids))
      expect(await store.list('key', { after: null, limit: 150, owner: null })).toHaveLength(150)
      const got = await store.get('key', [...ids, 'nobody'])
      expect(got.map((entry) => entry?.id ?? null)).toEqual([...ids, null])
    }),
  )

  it(
    'is not sent what cannot be written, and nothing of it happens',
    on(make, async ({ store }) => {
      const large = [
        [put(draft('a')), put(draft('b', { body: 'x'.repeat(2_000_000) }))],
        [put(draft('a', { body: '鍵'.repeat(700_000) }))],
        [put(draft('a', { aliases: Array.from({ length: 10_000 }, (_, i) => `${i}`.padStart(200)) }))],
        Array.from({ length: 1000 }, (_, i) => put(draft(`k${i}`, { body: 'x'.repeat(65_536) }))),
      ]
      for (const changes of large)
        expect((await refused(() => store.apply(changes, null))).message).toMatch(/too large/)
      await refused(() => store.apply([], 'x'.repeat(2_000_000)))
      expect(await store.list('key', { after: null, limit: 10, owner: null })).toEqual([])
      await write(store, put(draft('a', { body: '鍵'.repeat(600_000) })))
      expect((await store.get('key', ['a']))[0]?.body).toHaveLength(600_000)
    }),
  )

  it(
    'whose tables are of another version says so, and counts nothing by them',
    on(make, async ({ store }) => {
      await spendOne(store, charge('a'))
      await inAll(({ storage: { sql } }) => {
        sql.exec('CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID')
        sql.exec(`INSERT INTO meta VALUES ('version', '99') ON CONFLICT (name) DO UPDATE SET value = '99'`)
      })
      await endAll()
      expect((await refused(() => openStore())).code).toBe('incompatible')
      expect((await refused(async () => store.get('key', ['a']))).message).toMatch(/version 99 .* reads 1/)
      const { charged, cause } = await store.charge([charge('a')])
      expect(charged).toEqual([null])
      expect(cause).toMatchObject({ code: 'incompatible' })
    }),
  )

  it(
    'that fails while it is asked is a fault that quotes nothing',
    on(make, async ({ store }) => {
      await write(store, put(draft('a')))
      await inAll(({ storage: { sql } }) => void sql.exec('DROP TABLE IF EXISTS alias'))
      const fault = await refused(() => store.apply([put(draft('b', { aliases: ['secret'] }))], null))
      expect(fault.code).toBe('unavailable')
      expect(fault.message).not.toMatch(/secret|alias|SQL/i)
      expect(await store.get('key', ['b'])).toEqual([null])
      const asked = Promise.resolve(store.get('key', ['a'])).catch((error: unknown) => error)
      await runInDurableObject(namespace.getByName('access'), (_, state) => state.abort('secret')).catch(
        () => {},
      )
      const outcome = await asked
      if (outcome instanceof Error) expect(String(outcome)).not.toMatch(/secret/)
    }),
  )
})

describe('what a call to an object throws', () => {
  it.each([
    [{ overloaded: true, retryable: true }, /more to do/],
    [{ remote: true }, /the object failed/],
    [{ retryable: true, durableObjectReset: true }, /restarted or is out of reach/],
    [{}, /cannot be reached/],
  ])('with %j is told by that, and not by its text', (properties, told) => {
    const fault = faultOf(Object.assign(new Error('overloaded: secret'), properties))
    expect(fault.code).toBe('unavailable')
    expect(fault.message).toMatch(told)
    expect(fault.message).not.toMatch(/secret/)
  })

  it.each([null, undefined, 'text', new StoreFault('incompatible', 'as it is')])(
    'is a fault also for %s',
    (thrown) => {
      expect(faultOf(thrown)).toBeInstanceOf(StoreFault)
      if (thrown instanceof StoreFault) expect(faultOf(thrown)).toBe(thrown)
    },
  )
})

describe('a Worker', () => {
  const create = (bindings: Readonly<Record<string, unknown>>, options = {}) =>
    durableObject.create(durableObject.schema.parse(options), outside(bindings), 300)

  it('without the binding is told which one is missing', async () => {
    expect((await refused(() => create({}))).message).toMatch(/no binding POSTERN_STATE/)
    expect((await refused(() => create({}, { binding: 'ELSEWHERE' }))).message).toMatch(/ELSEWHERE/)
  })

  it.each([{ KV: 1 }, 'text', null, { getByName() {} }])('is told that %j is no namespace', async (given) => {
    expect((await refused(() => create({ POSTERN_STATE: given }))).message).toMatch(
      /no Durable Object namespace/,
    )
  })

  it.each([
    { shards: 0 },
    { shards: 257 },
    { shards: 1.5 },
    { binding: 'a b' },
    { binding: '' },
    { more: 1 },
  ])('has no store with %j', (options) => {
    expect(durableObject.schema.safeParse(options).success).toBe(false)
  })
})

describe('places', () => {
  const seat = (key: string, most = 2, tenant?: string): Place => ({ key, most, tenant })
  const holds = (store: Store) => {
    if (store.holds === undefined) throw new Error('the store counts what is open')
    return store.holds
  }

  it(
    'are taken by as many as may, given back, and free when nobody renews them',
    on(make, async ({ store, pass }) => {
      const { take, release } = holds(store)
      const places = [seat('client')]
      expect(await Promise.all(['a', 'b', 'c'].map((name) => take(name, places, 10_000)))).toEqual([
        null,
        null,
        0,
      ])
      expect(await take('a', places, 10_000)).toBeNull()
      await release('b', places)
      await release('b', places)
      expect(await take('c', places, 10_000)).toBeNull()
      expect(await take('d', places, 10_000)).toBe(0)
      pass?.(6000)
      expect(await take('a', places, 10_000)).toBeNull()
      pass?.(6000)
      expect(await take('d', places, 10_000)).toBeNull()
      expect(await take('e', places, 10_000)).toBe(0)
    }),
  )

  it(
    'are taken all or none, over several objects too',
    on(make, async ({ store }) => {
      const { take } = holds(store)
      const both = [seat('client', 5), seat('principal', 1, 'acme')]
      expect(await take('a', both, 10_000)).toBeNull()
      for (const name of ['b', 'c', 'd', 'e', 'f', 'g']) expect(await take(name, both, 10_000)).toBe(1)
      const four = ['h', 'i', 'j', 'k', 'l'].map((name) => take(name, [seat('client', 5)], 10_000))
      expect(await Promise.all(four)).toEqual([null, null, null, null, 0])
      expect(await take('a', [], 10_000)).toBeNull()
    }),
  )

  it(
    'are taken again by renewing when the object ended, and refused when the store is closed',
    on(make, async ({ store }) => {
      const { take } = holds(store)
      const places = [seat('client', 1)]
      expect(await take('a', places, 10_000)).toBeNull()
      await endAll()
      expect(await take('a', places, 10_000)).toBeNull()
      expect(await take('b', places, 10_000)).toBe(0)
      await store.close()
      await refused(() => take('a', places, 10_000))
    }),
  )

  it(
    'stay taken while one of their objects fails for a moment, as they are renewed',
    on(make, async ({ store }) => {
      const { take, release } = holds(store)
      const both = [seat('client', 1), seat('principal', 1, 'acme')]
      expect(await take('a', both, 10_000)).toBeNull()
      const original = PosternState.prototype.take
      const faulty = vi.spyOn(PosternState.prototype, 'take').mockImplementation(function (
        this: PosternState,
        ...given
      ) {
        const { name } = this.ctx.id
        return name?.startsWith('tenant:') === true
          ? Promise.resolve({ fault: 'unavailable', message: 'busy' })
          : original.apply(this, given)
      })
      await refused(() => take('a', both, 10_000))
      faulty.mockRestore()
      await inAll(() => {})
      expect(await take('b', both, 10_000)).not.toBeNull()
      expect(await take('c', [seat('client', 1)], 10_000)).toBe(0)
      expect(await take('c', [seat('principal', 1, 'acme')], 10_000)).toBe(0)
      await release('a', both)
      expect(await take('b', both, 10_000)).toBeNull()
    }),
  )

  it('in an object that is full are renewed all the same', () => {
    const seats = new Seats(() => 0, 2)
    const places = (name: string): [string, number][] => [
      [`one ${name}`, 1],
      [`two ${name}`, 1],
    ]
    expect(seats.take('a', places('a'), 1000)).toBeNull()
    expect(seats.take('b', places('b'), 1000)).toBe(0)
    expect(seats.take('a', places('a'), 1000)).toBeNull()
  })

  it('are so many in one object and no more, until some are over', () => {
    let now = 0
    const seats = new Seats(() => now, 100)
    for (let i = 0; i < 50; i++)
      expect(
        seats.take(
          `h${i}`,
          [
            [`k${i}`, 1],
            [`l${i}`, 1],
          ],
          i < 10 ? 1000 : 5000,
        ),
      ).toBeNull()
    expect(seats.take('late', [['k', 1]], 1000)).toBe(0)
    now = 1000
    expect(seats.take('late', [['k', 1]], 1000)).toBeNull()
  })
})
