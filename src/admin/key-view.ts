import * as z from 'zod'
import { type KeyRecord, keyRecord } from '../credentials/key-record.ts'
import { jsonOf } from '../schema/json.ts'
import { type Entry, StoreFault } from '../stores/contract.ts'
import { pageOf } from './page.ts'

const nullableInstant = (description: string) => z.iso.datetime().nullable().meta({ description })

/** A key as it is shown: nothing in here lets anybody in, or find out what does. */
export const keyView = z
  .strictObject({
    id: z.string(),
    owner: z.string().meta({ description: 'Id of the principal that the key stands for.' }),
    status: z.enum(['active', 'not_yet_valid', 'expired', 'revoked']),
    environment: z.string().nullable().meta({ description: 'From the prefix, as `live` in `ak_live`.' }),
    tenant: z.string().nullable(),
    email: z.string().nullable(),
    roles: z.array(z.string()),
    permissions: z.array(z.string()),
    scopes: z.array(z.string()),
    networks: z.array(z.string()).meta({ description: 'From where alone it may be used; empty: anywhere.' }),
    limits: z.array(z.string()),
    notBefore: z.string().nullable(),
    expires: z.string().nullable(),
    description: z.string().nullable(),
    secrets: z
      .array(
        z.strictObject({
          start: z.string().nullable().meta({ description: 'First characters; null when it was imported.' }),
          pepper: z.string().nullable().meta({ description: 'Version; null for a plain SHA-256 digest.' }),
          until: nullableInstant('From when it is refused; null: as long as the key lives.'),
        }),
      )
      .meta({ description: 'The secrets that are good for this key: several while a rotation overlaps.' }),
    created: z.iso.datetime(),
    updated: z.iso.datetime(),
    lastUsed: nullableInstant('To the minute, and some minutes late; null: never.'),
    version: z.int().meta({ description: 'Also the ETag; If-Match asks for it.' }),
  })
  .meta({ description: 'An API key without its secret.' })

export const shownOnce = keyView
  .extend({ key: z.string().meta({ description: 'The key itself. It is shown this once.' }) })
  .meta({ description: 'A key with its secret.' })

export const keyPage = pageOf(keyView).meta({ description: 'Keys in the order of their ids.' })

export type KeyView = z.output<typeof keyView>

/** The record in an entry. */
export function recordIn(entry: Pick<Entry, 'id' | 'body'>): KeyRecord {
  const parsed = keyRecord.safeParse(jsonOf(entry.body))
  if (parsed.success) return parsed.data
  throw new StoreFault('incompatible', `the record of key ${entry.id} is of another version`)
}

export function viewOf(entry: Entry, now: number): KeyView {
  const record = recordIn(entry)
  return viewOfRecord(entry.id, record, { version: entry.version, used: entry.used }, now)
}

export function viewOfRecord(
  id: string,
  record: KeyRecord,
  { version, used }: Pick<Entry, 'version' | 'used'>,
  now: number,
): KeyView {
  const { v: _, owner, environment, status: __, digests, imported: ___, created, updated, ...fields } = record
  return {
    id,
    owner,
    status: statusOf(record, now),
    environment,
    ...fields,
    secrets: digests
      .filter(({ until }) => until === null || until > now)
      .map(({ digest, until, start }) => ({ start, pepper: pepperOf(digest), until: textOfTime(until) })),
    created: new Date(created).toISOString(),
    updated: new Date(updated).toISOString(),
    lastUsed: textOfTime(used === null ? null : used * 60_000),
    version,
  }
}

export const textOfTime = (time: number | null): string | null =>
  time === null ? null : new Date(time).toISOString()

/** What the record says of a key; the store's audit keeps it without what belongs to secrets. */
export function auditOf({ secrets, lastUsed: _, version: __, status: ___, ...view }: KeyView) {
  return { ...view, secrets: secrets.map(({ pepper, until }) => ({ pepper, until })) }
}

export function statusOf({ status, notBefore, expires }: KeyRecord, now: number): KeyView['status'] {
  if (status === 'revoked') return 'revoked'
  if (expires !== null && Date.parse(expires) <= now) return 'expired'
  return notBefore !== null && Date.parse(notBefore) > now ? 'not_yet_valid' : 'active'
}

/** The pepper version in a digest; null for a plain one. */
export const pepperOf = (digest: string): string | null =>
  digest.startsWith('hmac-sha256:') ? (digest.split(':')[1] ?? null) : null
