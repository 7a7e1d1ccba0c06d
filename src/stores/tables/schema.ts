import type { Feed } from '../contract.ts'
import type { Prepare } from './statement.ts'

/** Tables of what a store keeps beside counters. `entry` has rowids, because bodies are too long for an index to carry. */
export const ENTRY_TABLES = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE epoch (feed TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE entry (
    row INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, owner TEXT,
    aliases TEXT NOT NULL, expires INTEGER, version INTEGER NOT NULL, used INTEGER
  );
  CREATE UNIQUE INDEX entry_id ON entry (kind, id);
  CREATE INDEX entry_owner ON entry (kind, owner, id) WHERE owner IS NOT NULL;
  CREATE INDEX entry_expires ON entry (expires) WHERE expires IS NOT NULL;
  CREATE TABLE alias (kind TEXT, alias TEXT, id TEXT NOT NULL, PRIMARY KEY (kind, alias)) WITHOUT ROWID;
  CREATE TABLE log (feed TEXT, epoch INTEGER, kind TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (feed, epoch))
    WITHOUT ROWID;
  CREATE TABLE audit (row INTEGER PRIMARY KEY, line TEXT NOT NULL);
`

const FEEDS: readonly Feed[] = ['access', 'bans']

/**
 * Fills new tables with what they begin with.
 * @param meta what tells these contents from others, by name
 * @param now milliseconds since the epoch; the epochs of new contents start there, above those of any before them
 */
export function beginEntries(prepare: Prepare, meta: Readonly<Record<string, string>>, now: number): void {
  const note = prepare('INSERT INTO meta VALUES (?, ?)')
  for (const [name, value] of Object.entries(meta)) note.run(name, value)
  const epoch = prepare('INSERT INTO epoch VALUES (?, ?)')
  for (const feed of FEEDS) epoch.run(feed, Math.floor(now * 1000))
}
