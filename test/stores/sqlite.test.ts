import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { SqliteStore } from '../../src/stores/sqlite/store.ts'
import { type Rig, storeConformance } from './conformance.ts'

/** Longer than a file is taken to be the one that was opened. */
const LOOKED = 20

async function make(): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-sqlite-'))
  const location = join(folder, 'postern.db')
  let now = 1_795_100_000_123
  const outside = { now: () => now, micros: () => performance.now() * 1000 }
  const stores: SqliteStore[] = []
  const open = async () => {
    const store = new SqliteStore({ location, deadline: 200 }, outside)
    stores.push(store)
    await store.open()
    return store
  }
  const other = <T>(work: (db: DatabaseSync) => T): T => {
    const db = new DatabaseSync(location)
    try {
      return work(db)
    } finally {
      db.close()
    }
  }
  return {
    store: await open(),
    now: () => now,
    pass: (milliseconds) => {
      now += milliseconds
    },
    held: () =>
      other(
        (db) => db.prepare('SELECT count(*) AS held FROM bucket WHERE full > ?').get(now * 1000)?.['held'],
      ) as number,
    second: open,
    empty: async () => {
      for (const end of ['', '-wal', '-shm']) rmSync(`${location}${end}`, { force: true })
      await new Promise((resolve) => setTimeout(resolve, LOOKED))
    },
    stall: async () => {
      const db = new DatabaseSync(location)
      db.exec('BEGIN IMMEDIATE')
      return async () => db.close()
    },
    end: async () => {
      for (const store of stores) await store.close()
      rmSync(folder, { recursive: true })
    },
  }
}

storeConformance('sqlite', make, {
  clock: { charges: true, entries: true },
  shared: true,
  refunds: false,
  countsOn: false,
  life: false,
  empty: true,
  stall: true,
  patience: 400,
})
