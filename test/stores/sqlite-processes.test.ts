import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SqliteStore } from '../../src/stores/sqlite/store.ts'
import { charge, eventually, spendOne } from './conformance/rig.ts'
import type { Report } from './sqlite-child.ts'

let folder: string
let location: string
const children: ChildProcess[] = []
const stores: SqliteStore[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-processes-'))
  location = join(folder, 'postern.db')
})

afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL')
  for (const store of stores.splice(0)) await store.close()
  rmSync(folder, { recursive: true })
})

async function open(): Promise<SqliteStore> {
  const store = new SqliteStore(
    { location, deadline: 2000 },
    { now: Date.now, micros: () => performance.now() * 1000 },
  )
  stores.push(store)
  await store.open()
  return store
}

/** A child that is ready to start. */
async function child(task: string): Promise<ChildProcess> {
  const started = fork(join(import.meta.dirname, 'sqlite-child.ts'), [location, task], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  children.push(started)
  await once(started, 'message')
  return started
}

const report = async (process: ChildProcess): Promise<Report> => (await once(process, 'message'))[0] as Report

describe('several processes on one sqlite file', () => {
  it('admit exactly what the limit has, all together', async () => {
    const four = await Promise.all(Array.from({ length: 4 }, () => child('charge')))
    const reports = four.map(report)
    for (const one of four) one.send('go')
    const done = await Promise.all(reports)
    const sum = (name: string) => done.reduce((all, one) => all + Number(Reflect.get(one, name)), 0)
    expect(sum('unanswered')).toBe(0)
    expect(sum('admitted')).toBe(100)
    expect((await spendOne(await open(), charge('more', 2000, 0))).remaining).toBe(1900)
  })

  it('know at once of a key that another made, and of its end', async () => {
    const store = await open()
    const other = await child('keys')
    for (const [round, found] of ['theirs', undefined, 'theirs'].entries()) {
      const before = store.glance()
      const written = report(other)
      other.send(`go ${round}`)
      await written
      expect(store.glance()).toBeGreaterThan(before ?? Number.NaN)
      expect((await store.find('key', ['d']))?.id).toBe(found)
    }
  })

  it('lose nothing that was promised when one is killed in the middle of its work', async () => {
    for (let round = 0; round < 3; round++) {
      const victim = await child('churn')
      let written = 0
      let charged = 0
      victim.on('message', (one: Report) => {
        if ('written' in one) written = one.written
        if ('charged' in one) charged = one.charged
      })
      const before = await open()
      const had = (await spendOne(before, charge('churn', 1_000_000, 0))).remaining
      await before.close()
      victim.send('go')
      await eventually(async () => written >= 10 && charged >= 80)
      victim.kill('SIGKILL')
      await once(victim, 'close')

      const db = new DatabaseSync(location)
      expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
      db.close()
      const store = await open()
      const has = async (id: string) => (await store.get('key', [id]))[0] !== null
      for (let n = 1; n <= written; n++) {
        expect(await has(`a${n}`)).toBe(true)
        expect((await store.find('key', [`d${n}`]))?.id).toBe(`a${n}`)
      }
      // What was under way happened as a whole or not at all.
      for (let n = written; n < written + 3; n++) expect(await has(`a${n}`)).toBe(await has(`b${n}`))
      const { remaining } = await spendOne(store, charge('churn', 1_000_000, 0))
      expect(had - remaining).toBeGreaterThanOrEqual(charged)
      expect(had - remaining).toBeLessThanOrEqual(charged + 16)
      await store.close()
      rmSync(location)
      for (const end of ['-wal', '-shm']) rmSync(`${location}${end}`, { force: true })
    }
  })
})
