import { randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { StoreFault } from '../contract.ts'
import { beginEntries, ENTRY_TABLES } from '../tables/schema.ts'
import { prepare } from './statement.ts'

/** In the file's header: `PSTN`, and the version of the tables below. */
const APPLICATION = 0x5053544e
const VERSION = 1

/** It holds no name of what it counts: its key is 52 bits of a salted digest, and the narrowest table that there is. */
const BUCKETS = 'CREATE TABLE bucket (key INTEGER PRIMARY KEY, full INTEGER NOT NULL);'

/** What tells one file from another. */
export interface Identity {
  readonly store: string
  readonly salt: string
}

/**
 * Makes the tables in an empty file, and refuses a file that is not ours or not of this version.
 * @param now milliseconds since the epoch; a new file's epochs start there, above those of any file before it
 */
export function prepareSchema(db: DatabaseSync, now: number): Identity {
  if (isEmpty(db)) {
    db.exec('BEGIN IMMEDIATE')
    try {
      // Another process may have been faster.
      if (isEmpty(db)) create(db, now)
      db.exec('COMMIT')
    } finally {
      if (db.isTransaction) db.exec('ROLLBACK')
    }
  }
  if (pragma(db, 'application_id') !== APPLICATION)
    throw new StoreFault('incompatible', 'the file belongs to another program: name another one')
  const version = pragma(db, 'user_version')
  if (version !== VERSION)
    throw new StoreFault(
      'incompatible',
      `the file has version ${version} of the tables and this Postern reads ${VERSION}: run the Postern that wrote it, or name another file`,
    )
  const value = (name: string) => db.prepare('SELECT value FROM meta WHERE name = ?').get(name)?.['value']
  return { store: String(value('store')), salt: String(value('salt')) }
}

const isEmpty = (db: DatabaseSync): boolean => pragma(db, 'schema_version') === 0

function create(db: DatabaseSync, now: number): void {
  db.exec(ENTRY_TABLES + BUCKETS)
  const meta = {
    store: randomBytes(12).toString('base64url'),
    salt: randomBytes(16).toString('base64url'),
  }
  beginEntries((sql) => prepare(db, sql), meta, now)
  db.exec(`PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${VERSION}`)
}

const pragma = (db: DatabaseSync, name: string): unknown => db.prepare(`PRAGMA ${name}`).get()?.[name]
