import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { charge, draft, eventually, put } from './conformance/rig.ts'
import { Workerd } from './durable-object-process.ts'

/** Arrival times of all buckets that are on the disk. */
function onDisk(folder: string): number[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.sqlite'),
  )
  return files.flatMap((name) => {
    const db = new DatabaseSync(join(folder, name), { readOnly: true })
    try {
      if (db.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'bucket'`).get() === undefined) return []
      return db
        .prepare('SELECT full FROM bucket')
        .all()
        .map((row) => Number(row['full']))
    } catch {
      return []
    } finally {
      db.close()
    }
  })
}

describe('a workerd with the Durable Object store', () => {
  let workerd: Workerd
  beforeAll(async () => {
    workerd = await Workerd.make()
    await workerd.start()
  })
  afterAll(() => workerd.end())

  it('has two isolates that admit a burst once between them, and see at once what the other wrote', async () => {
    const { one, two } = workerd
    const all = await Promise.all(
      Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? one : two).charge([charge('both', 10)])),
    )
    expect(all.filter(({ charged }) => charged[0]?.ok)).toHaveLength(10)
    await two.apply([put(draft('gone', { kind: 'revocation' }))], null)
    expect(await one.get('revocation', ['gone'])).toMatchObject([{ version: 1 }])
    const { epoch } = await two.changes('access', -1)
    expect((await one.charge([charge('both', 10)])).epoch).toBe(epoch)
    expect((await two.charge([{ ...charge('both', 10), tenant: 'acme' }])).epoch).toBe(epoch)
  })

  it('killed and started again, has all that was answered a second ago, and no bucket has more than its burst', async () => {
    const { one } = workerd
    await one.charge([{ ...charge('a', 20, 12), tenant: 'globex' }])
    const hours = (full: number) => (full / 1000 - Date.now()) / 3_600_000
    await eventually(async () => onDisk(workerd.disk).some((full) => hours(full) > 11 && hours(full) < 13))
    await one.charge([{ ...charge('a', 20, 5), tenant: 'globex' }])
    await workerd.kill()
    await workerd.start()
    const peek = await one.charge([{ ...charge('a', 20, 0), tenant: 'globex' }])
    expect(peek.charged[0]?.remaining).toBeLessThanOrEqual(8)
    expect(peek.charged[0]?.remaining).toBeGreaterThanOrEqual(3)
  })

  it('killed again and again while keys are written, has each whose write was answered', async () => {
    const { one, two } = workerd
    const answered: string[] = []
    let tried = 0
    for (let round = 0; round < 3; round++) {
      let going = true
      const writer = async (isolate: typeof one) => {
        while (going) {
          const id = `k${tried++}`
          const applied = await isolate.apply([put(draft(id))], id).catch(() => null)
          if (applied?.ok) answered.push(id)
        }
      }
      const writers = Promise.all([one, two, one, two].map(writer))
      const before = answered.length
      await eventually(async () => answered.length >= before + 25, 15_000)
      const killed = workerd.kill()
      going = false
      await killed
      await writers
      await workerd.start()
      const found = await one.get('key', answered)
      expect(found.map((entry) => entry?.id)).toEqual(answered)
    }
    const { entries } = await two.changes('access', -1)
    expect(entries).toBeNull()
  })
})
