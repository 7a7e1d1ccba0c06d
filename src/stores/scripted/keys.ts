/**
 * The names of everything that the store keeps.
 *
 * | key | type | holds |
 * |---|---|---|
 * | `PREFIX:b:HASH` | string | a bucket's arrival time in microseconds; expires when the bucket is full |
 * | `{PREFIX}:epoch:FEED` | string | epoch of a feed |
 * | `{PREFIX}:meta` | hash | `schema` version, `store` identity, `horizon:FEED` epoch up to which the feed forgot |
 * | `{PREFIX}:entries` | hash | `KIND:ID` -> record |
 * | `{PREFIX}:ids` | zset | `KIND:ID`, all of score 0: the order of listing |
 * | `{PREFIX}:owners` | zset | `KIND:HASH-OF-OWNER:ID`, all of score 0 |
 * | `{PREFIX}:aliases` | hash | `KIND:ALIAS` -> id |
 * | `{PREFIX}:expiries` | zset | `KIND:ID` by the millisecond from which it is gone |
 * | `{PREFIX}:used` | hash | `key:ID` -> minute of its last use |
 * | `{PREFIX}:log:FEED` | zset | `KIND:ID` by the epoch of its latest change |
 * | `{PREFIX}:audit` | list | audit lines, newest first |
 *
 * What shares the tag `{PREFIX}` shares a slot of a Cluster, so that a write is one script there too. Buckets have no
 * tag and spread over all nodes. A record is `VERSION EXPIRES\nHEAD\nBODY`: HEAD is JSON without line breaks,
 * `{"o": owner, "h": hash of owner, "a": aliases}`, and EXPIRES is empty where it never does.
 */
export interface Keys {
  readonly bucket: string
  readonly epoch: { readonly access: string; readonly bans: string }
  /** What every script over entries is given, in this order: see `ENTRY_KEYS`. */
  readonly entries: readonly string[]
}

/** The local names that the scripts have for `Keys.entries`. */
export const ENTRY_KEYS =
  'local META, EPOCH_ACCESS, EPOCH_BANS, LOG_ACCESS, LOG_BANS, ENTRIES, IDS, OWNERS, ALIASES, EXPIRIES, USED, AUDIT = unpack(KEYS)'

export function keysOf(prefix: string): Keys {
  const tag = `{${prefix}}`
  const epoch = { access: `${tag}:epoch:access`, bans: `${tag}:epoch:bans` }
  return {
    bucket: `${prefix}:b:`,
    epoch,
    entries: [
      `${tag}:meta`,
      epoch.access,
      epoch.bans,
      `${tag}:log:access`,
      `${tag}:log:bans`,
      ...['entries', 'ids', 'owners', 'aliases', 'expiries', 'used', 'audit'].map((name) => `${tag}:${name}`),
    ],
  }
}
