import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StoreFault } from '../../src/stores/contract.ts'
import { STORES } from '../../src/stores/index.ts'
import type { FileOptions } from '../../src/stores/sqlite/file.ts'
import { SqliteStore } from '../../src/stores/sqlite/store.ts'
import { charge, draft, eventually, put, remove, SECOND, spend, spendOne, write } from './conformance/rig.ts'

let folder: string
let location: string
let now: number
const stores: SqliteStore[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-faults-'))
  location = join(folder, 'postern.db')
  now = 1_795_100_000_123
})

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
  rmSync(folder, { recursive: true })
})

function storeAt(options: Partial<FileOptions & { deadline: number }> = {}): SqliteStore {
  const outside = { now: () => now, micros: () => performance.now() * 1000 }
  const store = new SqliteStore({ location, deadline: 100, ...options }, outside)
  stores.push(store)
  return store
}

/** Why the store does not do it; fails when it does. */
async function faultOf(call: () => unknown): Promise<StoreFault> {
  try {
    await call()
  } catch (error) {
    expect(error).toBeInstanceOf(StoreFault)
    return error as StoreFault
  }
  throw new Error('it was done')
}

const refused = async (store: SqliteStore): Promise<StoreFault> => {
  const { charged, cause } = await store.charge([charge('a')])
  expect(charged).toEqual([null])
  expect(cause).toBeInstanceOf(StoreFault)
  return cause as StoreFault
}

const other = <T>(work: (db: DatabaseSync) => T): T => {
  const db = new DatabaseSync(location)
  try {
    return work(db)
  } finally {
    db.close()
  }
}

describe('the sqlite store', () => {
  it('keeps buckets and entries over a restart, and time goes on meanwhile', async () => {
    const first = storeAt()
    await write(first, put(draft('a')))
    await spendOne(first, charge('a', 10, 5, SECOND))
    const epoch = first.glance()
    await first.close()
    now += 2000
    const second = storeAt()
    await second.open()
    expect(second.glance()).toBe(epoch)
    expect((await spendOne(second, charge('a', 10, 0, SECOND))).remaining).toBe(7)
    expect(await second.get('key', ['a'])).toMatchObject([{ version: 1 }])
  })

  it('answers what waits before it closes', async () => {
    const store = storeAt()
    const waiting = Array.from({ length: 600 }, () => store.charge([charge('a', 1000)]))
    await store.close()
    const all = await Promise.all(waiting)
    expect(all.map(({ charged }) => charged[0]?.remaining)).toEqual(waiting.map((_, i) => 999 - i))
  })

  it('writes no name of what it counts into the file', async () => {
    const store = storeAt()
    await spendOne(store, charge('per-client|c:198.51.100.77'))
    const bytes = [location, `${location}-wal`].map((path) => readFileSync(path, 'latin1')).join('')
    expect(bytes).not.toContain('198.51.100.77')
    expect(bytes).toContain('CREATE TABLE bucket')
  })

  it('gets rid of full buckets while others are charged, some at a time', async () => {
    const store = storeAt()
    const rows = () =>
      other((db) => db.prepare('SELECT count(*) AS rows FROM bucket').get()?.['rows'] as number)
    for (let round = 0; round < 50; round++) {
      await spend(store, ...Array.from({ length: 200 }, (_, i) => charge(`${round} ${i}`, 10, 1, SECOND)))
      now += 500
    }
    // Ten thousand came and six hundred are not full; the sweep looks at two rows for each that comes.
    expect(rows()).toBeLessThan(3000)
  })

  it('gets rid of entries that are over while others are written', async () => {
    const store = storeAt()
    for (let n = 0; n < 300; n++) {
      await write(store, put(draft(`${n}`, { kind: 'idempotency', aliases: [`d${n}`], expires: now + 1000 })))
      now += 100
    }
    const count = (table: string) =>
      other((db) => db.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.['rows'])
    expect(count('entry')).toBeLessThanOrEqual(11)
    expect(count('alias')).toBeLessThanOrEqual(11)
  })

  it('keeps ten thousand changes and audit lines, and no more', async () => {
    const store = storeAt()
    const many = Array.from({ length: 1000 }, (_, i) => put(draft(`${i}`), 'any'))
    for (let round = 0; round < 12; round++) await write(store, ...many)
    for (let n = 0; n < 30; n++) await store.apply([], `line ${n}`)
    other((db) => {
      expect(db.prepare('SELECT count(*) AS rows FROM log').get()).toEqual({ rows: 10_000 })
      db.exec(
        'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)' +
          "INSERT INTO audit (line) SELECT 'old' FROM n",
      )
    })
    await store.apply([], 'last')
    expect((await store.history(20_000)).length).toBe(10_000)
    expect(await store.history(1)).toEqual(['last'])
  })
})

describe('a sqlite file that cannot be used', () => {
  it('in a folder that is missing: says so, and works as soon as it is there', async () => {
    const missing = join(folder, 'missing')
    const store = storeAt({ location: join(missing, 'postern.db') })
    const fault = await faultOf(() => store.open())
    expect(fault.code).toBe('unavailable')
    expect(fault.message).toContain(`${missing} does not exist`)
    mkdirSync(missing)
    expect((await spendOne(store, charge('a'))).ok).toBe(true)
  })

  it('of another program, of another version, or none at all: says so, and is left as it was', async () => {
    writeFileSync(
      location,
      'this is a letter to my aunt, and long enough for a header of a hundred bytes. '.repeat(50),
    )
    const letter = readFileSync(location)
    expect((await faultOf(() => storeAt().open())).message).toContain('not a database')
    expect(readFileSync(location)).toEqual(letter)
    rmSync(location)
    other((db) => db.exec('CREATE TABLE theirs (a)'))
    const theirs = await faultOf(() => storeAt().open())
    expect(theirs.code).toBe('incompatible')
    expect(theirs.message).toContain('another program')
    rmSync(location)
    const ours = storeAt()
    await ours.open()
    await ours.close()
    other((db) => db.exec('PRAGMA user_version = 99'))
    const fault = await faultOf(() => storeAt().open())
    expect(fault.code).toBe('incompatible')
    expect(fault.message).toMatch(/version 99.*run the Postern that wrote it, or name another file/)
  })

  it('locked: blocks nobody, answers by the deadline, and then goes on with what waits', async () => {
    const store = storeAt({ deadline: 150 })
    await write(store, put(draft('a')))
    const lock = new DatabaseSync(location)
    lock.exec('BEGIN IMMEDIATE')
    let turns = 0
    const counting = setInterval(() => turns++, 1)
    const [fault, applied] = await Promise.all([
      refused(store),
      faultOf(() => store.apply([put(draft('b'))], null)),
    ])
    clearInterval(counting)
    expect(turns).toBeGreaterThan(20)
    expect(fault.message).toContain('another process holds the lock')
    expect(applied.code).toBe('unavailable')
    expect(await store.get('key', ['a'])).toMatchObject([{ id: 'a' }])
    expect(store.glance()).not.toBeNull()
    const waiting = Array.from({ length: 300 }, () => store.charge([charge('a', 1000)]))
    await new Promise((resolve) => setTimeout(resolve, 10))
    lock.exec('COMMIT')
    lock.close()
    const answers = await Promise.all(waiting)
    expect(answers.map(({ charged }) => charged[0]?.remaining)).toEqual(waiting.map((_, i) => 999 - i))
  })

  it('read-only: goes on reading, and says why it does not write', async () => {
    const first = storeAt()
    await write(first, put(draft('a', { aliases: ['d'] })))
    await first.close()
    const store = storeAt({ location: `file://${location}?mode=ro` })
    await store.open()
    expect((await refused(store)).message).toContain('read-only')
    expect(await faultOf(() => store.apply([put(draft('b'))], null))).toMatchObject({ code: 'unavailable' })
    expect((await store.find('key', ['d']))?.id).toBe('a')
  })

  it('full: says so, keeps what it has, and writes again when there is room', async () => {
    const store = storeAt({ pragmas: { max_page_count: 64 } })
    let last = 0
    const body = 'x'.repeat(10_000)
    const fault = await faultOf(async () => {
      for (; ; last++) await write(store, put(draft(`${last}`, { body })))
    })
    expect(fault).toMatchObject({ code: 'unavailable' })
    expect(fault.message).toContain('the disk is full')
    expect(fault.message).not.toContain('xxx')
    expect(await store.get('key', [`${last - 1}`, `${last}`])).toMatchObject([{ version: 1 }, null])
    const charges = Array.from({ length: 20_000 }, (_, i) => charge(`${i}`))
    expect((await store.charge(charges)).charged[0]).toBeNull()
    for (let n = 0; n < last; n++) await write(store, remove(`${n}`))
    await write(store, put(draft('again', { body })))
    expect((await spendOne(store, charge('a'))).ok).toBe(true)
  })

  it('damaged: says so, and works again when it was restored', async () => {
    const store = storeAt()
    await write(
      store,
      ...Array.from({ length: 500 }, (_, i) => put(draft(`${i}`, { body: 'x'.repeat(500) }))),
    )
    await store.close()
    const copy = join(folder, 'copy.db')
    copyFileSync(location, copy)
    writeFileSync(location, Buffer.alloc(statSync(location).size, 0x5a))
    const again = storeAt()
    expect((await refused(again)).code).toBe('unavailable')
    expect(await faultOf(() => again.get('key', ['1']))).toMatchObject({ code: 'unavailable' })
    expect(again.glance()).toBeNull()
    copyFileSync(copy, location)
    expect((await spendOne(again, charge('a'))).ok).toBe(true)
    expect(await again.get('key', ['1'])).toMatchObject([{ version: 1 }])
  })

  it('damaged or replaced while it is open: notices, and takes the new one', async () => {
    const store = storeAt()
    await write(store, put(draft('a')))
    const { store: name, epoch } = await store.changes('access', -1)
    for (const end of ['', '-wal', '-shm']) rmSync(`${location}${end}`, { force: true })
    writeFileSync(location, 'rubbish '.repeat(1000))
    await eventually(async () => (await store.charge([charge('a')])).charged[0] === null)
    rmSync(location)
    now += 1000
    await eventually(async () => (await store.charge([charge('a')])).charged[0] !== null)
    const fresh = await store.changes('access', epoch)
    expect(fresh.store).not.toBe(name)
    expect(fresh.entries).toBeNull()
  })
})

describe('the registry', () => {
  it('makes a sqlite store from a path that is relative to the policy', async () => {
    const type = STORES['sqlite']
    const outside = {
      now: () => now,
      micros: () => performance.now() * 1000,
      random32: () => 7,
      sha256: (text: string) => text,
      resolvePath: (path: string) => join(folder, path),
      binding: () => undefined,
      lasting: true,
      report: () => {},
    }
    const store = await type?.create(type.schema.parse('./named.db'), outside, 100)
    await store?.open()
    expect(statSync(join(folder, 'named.db')).size).toBeGreaterThan(0)
    await store?.close()
    expect(type?.schema.safeParse('').success).toBe(false)
    expect(type?.schema.safeParse('x'.repeat(1025)).success).toBe(false)
  })

  it.each(Object.keys(STORES))('knows %s by its own name', (name) => expect(STORES[name]?.name).toBe(name))
})
