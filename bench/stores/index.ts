/** What stores cost: figures in which the subjects do the same in alternating rounds. */
import type { Group } from '../plan.ts'
import { Stand } from '../stand.ts'
import { httpRows } from './checks.ts'
import { decisionRow, embeddedRows } from './decisions.ts'
import { FULL, QUICK } from './plan.ts'
import { Redis } from './server.ts'
import { grownRedis, grownSqlite, type Keep } from './sizes.ts'

/** Without a Redis at hand, only what is embedded. */
export const storeFigures: Group = ({ quick, note }, print) =>
  Stand.during(async (stand) => {
    const plan = quick ? QUICK : FULL
    const keep: Keep = (figures) => figures.forEach(print)
    const redis = await Redis.start()
    if ('missing' in redis) note(`Without the rows about Redis: ${redis.missing}.`)
    const server = 'missing' in redis ? null : stand.keep(redis)
    const client = (await server?.client()) ?? null
    if (server !== null && client !== null) keep([await decisionRow(server, client, plan)])
    keep(await embeddedRows(stand.folder, plan))
    keep(await httpRows(server, client, stand, plan))
    client?.destroy()
    const weights = server === null ? [] : await grownRedis(stand, plan, keep)
    weights.push(...(await grownSqlite(stand, plan, keep)))
    for (const { store, perKey, perBucket } of weights)
      note(`${store}: ${Math.round(perKey)} bytes for each key, ${Math.round(perBucket)} for each bucket.`)
  })
