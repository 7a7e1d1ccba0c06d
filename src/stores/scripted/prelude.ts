import { ENTRY_KEYS } from './keys.ts'

/** Version of the layout in keys.ts. */
export const SCHEMA = 1

/** Entries that one call cleans up at most, so that no call takes long. */
const PURGE = 100

/**
 * What the scripts over entries share. Each is given `Keys.entries` as its KEYS; ARGV[1] is the time in microseconds or
 * '' for the server's, ARGV[2] a new identity for a store that has none.
 */
export const prelude = `
${ENTRY_KEYS}
local now
if ARGV[1] == '' then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
else
  now = math.floor(tonumber(ARGV[1]) / 1000)
end
local FEEDS = {
  access = { epoch = EPOCH_ACCESS, log = LOG_ACCESS, horizon = 'horizon:access' },
  bans = { epoch = EPOCH_BANS, log = LOG_BANS, horizon = 'horizon:bans' },
}

local function text(number)
  return string.format('%.0f', number)
end

-- A store without an identity is new or was emptied: it remembers nothing of what was before.
local function identify()
  if redis.call('HEXISTS', META, 'store') == 1 then return end
  redis.call('HSET', META, 'store', ARGV[2], 'schema', '${SCHEMA}')
  for _, feed in pairs(FEEDS) do
    local epoch = redis.call('GET', feed.epoch)
    if not epoch then
      epoch = text(now)
      redis.call('SET', feed.epoch, epoch)
    end
    redis.call('HSET', META, feed.horizon, epoch)
  end
end

-- The record at KIND:ID that is in force, else false.
local function alive(place)
  local record = redis.call('HGET', ENTRIES, place)
  if not record then return false end
  local expires = tonumber(string.match(record, '^%d+ (%d*)\\n'))
  if expires and expires <= now then return false end
  return record
end
`

/** Takes entries and all that leads to them out of the store. */
export const removal = `
local function drop(kind, id, record)
  local place = kind .. ':' .. id
  local head = cjson.decode(string.match(record, '^[^\\n]*\\n([^\\n]*)\\n'))
  redis.call('HDEL', ENTRIES, place)
  redis.call('ZREM', IDS, place)
  redis.call('ZREM', EXPIRIES, place)
  if head.h then redis.call('ZREM', OWNERS, kind .. ':' .. head.h .. ':' .. id) end
  for _, alias in ipairs(head.a) do
    -- It may be another's by now, if this one expired.
    if redis.call('HGET', ALIASES, kind .. ':' .. alias) == id then redis.call('HDEL', ALIASES, kind .. ':' .. alias) end
  end
end

local function purge()
  for _, place in ipairs(redis.call('ZRANGEBYSCORE', EXPIRIES, '-inf', text(now), 'LIMIT', 0, ${PURGE})) do
    local kind, id = string.match(place, '^([^:]*):(.*)$')
    local record = redis.call('HGET', ENTRIES, place)
    if record then drop(kind, id, record) end
    redis.call('ZREM', EXPIRIES, place)
    redis.call('HDEL', USED, place)
  end
end
`
