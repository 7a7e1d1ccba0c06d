import { prelude } from './prelude.ts'
import type { Script } from './runner.ts'

const used = `
local function used(kind, id)
  return kind == 'key' and redis.call('HGET', USED, 'key:' .. id)
end
`

/** KEYS: Keys.entries. ARGV: time, identity, KIND, IDs. Reply: for each id its record or null, and its last use or null. */
export const get: Script = {
  name: 'get',
  body: `${prelude}${used}
local reply = {}
for at = 4, #ARGV do
  local record = alive(ARGV[3] .. ':' .. ARGV[at])
  reply[#reply + 1] = record
  reply[#reply + 1] = record and used(ARGV[3], ARGV[at])
end
return reply
`,
}

/** KEYS: Keys.entries. ARGV: time, identity, KIND, aliases. Reply: null, or id, record and last use or null. */
export const find: Script = {
  name: 'find',
  body: `${prelude}${used}
for at = 4, #ARGV do
  local id = redis.call('HGET', ALIASES, ARGV[3] .. ':' .. ARGV[at])
  local record = id and alive(ARGV[3] .. ':' .. id)
  if record then return { id, record, used(ARGV[3], id) } end
end
return false
`,
}

/**
 * One step of a listing: looks at LIMIT ids, of which some may have expired.
 * KEYS: Keys.entries. ARGV: time, identity, KIND, HASH of the owner or '', id to start after or '', LIMIT.
 * Reply: the last id looked at, or null when there are no more; then id, record and last use or null of each.
 */
export const list: Script = {
  name: 'list',
  body: `${prelude}${used}
local kind, hash, after, limit = ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local index, start = IDS, kind
if hash ~= '' then index, start = OWNERS, kind .. ':' .. hash end
-- ';' follows ':', so that this is every member that begins with the start.
local places = redis.call('ZRANGEBYLEX', index, '(' .. start .. ':' .. after, '(' .. start .. ';', 'LIMIT', 0, limit)
local reply = { false }
local id
for _, place in ipairs(places) do
  id = string.sub(place, #start + 2)
  local record = alive(kind .. ':' .. id)
  if record then
    reply[#reply + 1] = id
    reply[#reply + 1] = record
    reply[#reply + 1] = used(kind, id)
  end
end
if #places == limit then reply[1] = id end
return reply
`,
}

/**
 * What happened on a feed.
 * KEYS: Keys.entries. ARGV: time, identity, FEED, epoch that is known or -1.
 * Reply: epoch, identity, 1 when it can tell else 0, then KIND:ID of what changed, oldest first.
 */
export const changes: Script = {
  name: 'changes',
  body: `${prelude}
identify()
local feed, since = FEEDS[ARGV[3]], tonumber(ARGV[4])
local epoch = redis.call('GET', feed.epoch)
if not epoch then
  epoch = text(now)
  redis.call('SET', feed.epoch, epoch)
end
local horizon = tonumber(redis.call('HGET', META, feed.horizon) or epoch)
local reply = { tonumber(epoch), redis.call('HGET', META, 'store'), 0 }
if since < horizon or since > tonumber(epoch) then return reply end
reply[3] = 1
for _, place in ipairs(redis.call('ZRANGEBYSCORE', feed.log, '(' .. text(since), '+inf')) do reply[#reply + 1] = place end
return reply
`,
}

/** KEYS: Keys.entries. ARGV: time, identity, LIMIT. Reply: audit lines, newest first. */
export const history: Script = {
  name: 'history',
  body: `${prelude}
return redis.call('LRANGE', AUDIT, 0, tonumber(ARGV[3]) - 1)
`,
}

/** Makes a new store one that is known. KEYS: Keys.entries. ARGV: time, identity. Reply: its schema version as a string. */
export const open: Script = {
  name: 'open',
  body: `${prelude}
identify()
return redis.call('HGET', META, 'schema')
`,
}
