import * as z from 'zod'
import { jsonOf } from '../schema/json.ts'
import type { Desk } from './ledger.ts'
import type { Reply } from './reply.ts'

const change = z.looseObject({
  event: z.literal('admin'),
  time: z.iso.datetime(),
  actor: z.string().meta({ description: 'Name of the token, or who ran the command.' }),
  action: z.string().meta({ description: 'As in `key.create`.' }),
  target: z.string(),
  before: z.unknown(),
  after: z.unknown(),
})

export const historyPage = z
  .strictObject({ items: z.array(change) })
  .meta({ description: 'Changes, newest first, without keys and digests.' })

/** The audit lines of the latest writes; lines that other parts have written are left out. */
export async function history(limit: number, { store }: Desk): Promise<Reply> {
  const lines = await store.history(limit)
  const items = lines.flatMap((line) => {
    const parsed = change.safeParse(jsonOf(line))
    return parsed.success ? [parsed.data] : []
  })
  return { status: 200, body: { items } }
}
