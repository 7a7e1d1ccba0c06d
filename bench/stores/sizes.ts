/** What look-ups and charges cost among many keys and buckets, against few. */
import { randomInt } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Figure } from '../figure.ts'
import type { Stand } from '../stand.ts'
import { alternate } from '../statistics.ts'
import { paid } from './charges.ts'
import { type Filled, fill } from './fill.ts'
import { openStore } from './open.ts'
import { LANES, rateOf, rowOf, type StorePlan } from './plan.ts'
import { Redis } from './server.ts'

/** Look-up and charge among many keys and buckets against the same among few. */
async function growthRows(name: string, few: Filled, many: Filled, plan: StorePlan): Promise<Figure[]> {
  const lookUp = async ({ store, digestAt, size }: Filled) => {
    if ((await store.find('key', [digestAt(randomInt(size))])) === null) throw new Error('no such key')
  }
  const charging = ({ store, bucketAt, size }: Filled) => paid(store, [bucketAt(randomInt(size))])
  const rows: Figure[] = []
  for (const [what, operation] of [
    ['look-up of a key', lookUp],
    ['charge of a bucket', charging],
  ] as const) {
    for (const lanes of [1, LANES]) {
      const measured = (filled: Filled) => async () =>
        1e6 / (await rateOf(plan.operations / 8, lanes, () => operation(filled)))
      const [most = [], least = []] = await alternate(plan, [measured(many), measured(few)])
      const texts = {
        what: `${name}: ${what} among ${many.size.toLocaleString('en-GB')}, ${lanes} in flight`,
        against: `among ${few.size.toLocaleString('en-GB')}`,
        target: { atMost: 1.2 },
        unit: 'µs',
      }
      rows.push(rowOf(texts, most, least))
    }
  }
  return rows
}

/** Bytes for each key and each bucket. */
export interface Weight {
  readonly store: string
  readonly perKey: number
  readonly perBucket: number
}

/** Hears of figures as soon as they are there. */
export type Keep = (rows: readonly Figure[]) => void

/** Two servers, one with few and one with many. */
export async function grownRedis(stand: Stand, plan: StorePlan, keep: Keep): Promise<Weight[]> {
  const filled: Filled[] = []
  for (const size of [plan.few, plan.many]) {
    const redis = await Redis.start()
    if ('missing' in redis) throw new Error(redis.missing)
    stand.keep(redis)
    const asking = await redis.client()
    const used = async (): Promise<number> =>
      Number(/^used_memory:(\d+)/m.exec(String(await asking.sendCommand(['INFO', 'memory'])))?.[1])
    filled.push(await fill(await openStore('redis', { url: redis.url }), size, used))
    asking.destroy()
  }
  return grown('redis', filled, plan, keep)
}

/** Two files, one with few and one with many. */
export async function grownSqlite(stand: Stand, plan: StorePlan, keep: Keep): Promise<Weight[]> {
  const filled: Filled[] = []
  for (const size of [plan.few, plan.many]) {
    const file = join(stand.folder, `${size}.db`)
    filled.push(await fill(await openStore('sqlite', file), size, async () => sizeOf(file)))
  }
  return grown('sqlite', filled, plan, keep)
}

async function grown(
  name: string,
  filled: readonly Filled[],
  plan: StorePlan,
  keep: Keep,
): Promise<Weight[]> {
  const [few, many] = filled as [Filled, Filled]
  keep(await growthRows(name, few, many, plan))
  await Promise.all(filled.map(({ store }) => store.close()))
  return filled.map(({ size, weight }) => ({ store: `${name}, ${size.toLocaleString('en-GB')}`, ...weight }))
}

/** Bytes of a SQLite file, with what stands in its write-ahead log. */
const sizeOf = (file: string): number =>
  [file, `${file}-wal`].reduce((sum, each) => sum + (statSync(each, { throwIfNoEntry: false })?.size ?? 0), 0)
