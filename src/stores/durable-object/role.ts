import type { DurableObjectStorage } from '@cloudflare/workers-types'
import { StoreFault } from '../contract.ts'
import { statements } from './statements.ts'

/** What an object keeps in its tables. */
export type Role = 'entries' | 'buckets'

/** Of the tables; another number for tables that this version does not understand. */
const VERSION = 1

/** What a database says of itself, as rows of `meta`. */
export const metaOf = (role: Role): Readonly<Record<string, string>> => ({ role, version: String(VERSION) })

/** Whose tables these are; null when there are none yet. @throws {StoreFault} when they are of another version */
export function roleOf({ sql }: DurableObjectStorage): Role | null {
  const prepare = statements(sql)
  if (prepare(`SELECT 1 FROM sqlite_master WHERE name = 'meta'`).get() === undefined) return null
  const value = (name: string) => prepare('SELECT value FROM meta WHERE name = ?').get(name)?.[0]
  const version = value('version')
  const role = value('role')
  if (version !== String(VERSION) || (role !== 'entries' && role !== 'buckets'))
    throw new StoreFault(
      'incompatible',
      `the object has version ${version} of the tables and this Postern reads ${VERSION}: deploy the Postern that wrote it, or bind another class`,
    )
  return role
}
