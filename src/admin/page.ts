import * as z from 'zod'
import type { Entry } from '../stores/contract.ts'
import type { Reply } from './reply.ts'

/** How many items to show, from 1 to `most`. */
export const count = (most: number, fallback: number) =>
  z.coerce
    .number({ error: 'is not a number' })
    .int({ error: 'is not a whole number' })
    .min(1, { error: 'is less than 1' })
    .max(most, { error: `is more than ${most}` })
    .default(fallback)
    .meta({ description: `How many at most, up to ${most}.` })

/** Where a page begins. */
const after = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[^\u0000-\u001f\u007f]*$/, { error: 'is no id' })
  .optional()
  .meta({ description: '`next` of the page before.' })

/** What every listing takes. */
export const paging = z.strictObject({ limit: count(500, 50), after })

/** Items, and where to go on. */
export const pageOf = (item: z.ZodType) =>
  z.strictObject({
    items: z.array(item),
    next: z.string().nullable().meta({ description: 'What to send as `after` for more; null at the end.' }),
  })

/**
 * A page of entries; one more was asked for, to know whether there is a next.
 * @param shown what is left out makes the page shorter, and never the last one
 */
export function page<View>(
  entries: readonly Entry[],
  limit: number,
  view: (entry: Entry) => View,
  shown: (view: View) => boolean = () => true,
): Reply {
  const items = entries.slice(0, limit)
  const next = entries.length > limit ? (items.at(-1)?.id ?? null) : null
  return { status: 200, body: { items: items.map(view).filter(shown), next } }
}
