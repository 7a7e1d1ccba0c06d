import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, it } from 'vitest'
import type { Charge } from '../../src/core/model.ts'
import { nodeOutside } from '../../src/ports/node-outside.ts'
import type { Store } from '../../src/stores/contract.ts'
import { sqlite } from '../../src/stores/sqlite.ts'
import { keyEntry } from '../support/entries.ts'
import { describeRedis, RedisServer } from '../support/redis.ts'
import { openRedis } from './store.ts'

/** `npm run bench` shows the same in time, with a million. */
const FEW = 100
const MANY = 20_000
const BATCH = 500

const digestAt = (index: number): string =>
  `hmac-sha256:v1:${createHash('sha256').update(`${index}`).digest('hex')}`
const bucketAt = (index: number): Charge => ({
  key: `each|${index}`,
  interval: 3_600_000_000,
  burst: 100,
  cost: 1,
})

/** Puts keys and buckets into a store, from one number up to another. */
async function fill(store: Store, from: number, to: number): Promise<void> {
  for (let start = from; start < to; start += BATCH) {
    const some = Array.from({ length: Math.min(BATCH, to - start) }, (_, at) => start + at)
    const puts = some.map((index) => ({
      put: keyEntry(`key_${index}`, digestAt(index)),
      expected: 'any' as const,
    }))
    expect(await store.apply(puts, null)).toMatchObject({ ok: true })
    const { charged } = await store.charge(some.map(bucketAt))
    expect(charged.every((one) => one?.ok === true)).toBe(true)
  }
}

/** What is done for every decision: somebody's key is looked up and somebody's bucket charged. */
async function decideLike(store: Store, index: number): Promise<void> {
  expect(await store.find('key', [digestAt(index)])).toMatchObject({ id: `key_${index}` })
  expect((await store.charge([bucketAt(index)])).charged).toMatchObject([{ ok: true }])
}

await describeRedis('look-up and charge in Redis', () => {
  let server: RedisServer | null = null
  afterEach(() => server?.stop())

  it('take the same commands among twenty thousand keys and buckets as among a hundred', async () => {
    server = await RedisServer.start()
    const store = await openRedis(server.url)
    const costs: Record<string, number>[] = []
    for (const [from, to] of [
      [0, FEW],
      [FEW, MANY],
    ] as const) {
      await fill(store, from, to)
      await decideLike(store, from)
      await server.forget()
      for (let index = 0; index < FEW; index++) await decideLike(store, to - 1 - index)
      // Asking for the figures, on a connection of its own, is no part of them.
      const {
        info: _,
        config: __,
        'config|resetstat': ___,
        hello: ____,
        client: _____,
        ...calls
      } = await server.calls()
      costs.push(calls)
    }
    await store.close()
    expect(costs[0]).toMatchObject({ evalsha: 2 * FEW })
    expect(costs[1]).toEqual(costs[0])
  })
})

describe('look-up and charge in sqlite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-growth-'))
  const prepare = DatabaseSync.prototype.prepare
  afterEach(() => {
    DatabaseSync.prototype.prepare = prepare
    rmSync(folder, { recursive: true, force: true })
  })

  it('take the same statements among twenty thousand, each of which goes by an index', async () => {
    let runs: string[] = []
    DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql: string, ...rest) {
      const statement = prepare.call(this, sql, ...rest)
      for (const name of ['get', 'all', 'run'] as const) {
        const original = statement[name] as (...values: never[]) => unknown
        Object.defineProperty(statement, name, {
          value: (...values: never[]) => {
            runs.push(sql)
            return original.apply(statement, values)
          },
        })
      }
      return statement
    }
    const file = join(folder, 'postern.db')
    const outside = { ...nodeOutside(() => {}), resolvePath: (path: string) => path }
    const store = await sqlite.create(file, outside, 350)
    await store.open()
    const costs: string[][] = []
    for (const [from, to] of [
      [0, FEW],
      [FEW, MANY],
    ] as const) {
      await fill(store, from, to)
      runs = []
      for (let index = 0; index < FEW; index++) await decideLike(store, to - 1 - index)
      costs.push([...runs])
    }
    await store.close()
    const [few = [], many = []] = costs
    expect(many.length).toBeLessThanOrEqual(few.length)
    expect([...new Set(many)].sort()).toEqual([...new Set(few)].sort())

    DatabaseSync.prototype.prepare = prepare
    const beside = new DatabaseSync(file, { readOnly: true })
    const asked = [...new Set(many)].filter((sql) => /^(SELECT|INSERT|UPDATE|DELETE)/.test(sql))
    expect(asked.length).toBeGreaterThanOrEqual(3)
    for (const sql of asked) {
      const plan = beside.prepare(`EXPLAIN QUERY PLAN ${sql}`).all()
      expect(plan.filter(({ detail }) => /^SCAN (?!CONSTANT|\(subquery)/.test(String(detail)))).toEqual([])
    }
    beside.close()
  })
})
