import { prelude, removal } from './prelude.ts'
import type { Script } from './runner.ts'

/** Changes that a feed remembers, and audit lines that are kept. */
const KEPT = 10_000

/**
 * Applies changes, all or none. They are judged one after another, each seeing what those before it did, in tables
 * that lie over the store; only when all of them stand is anything written.
 *
 * KEYS: Keys.entries. ARGV: time, identity, 1 and the audit line or 0 and '', then each change:
 * `put` KIND ID EXPECTED FEED EXPIRES HASH HEAD BODY COUNT ALIAS..., or `remove` KIND ID EXPECTED FEED. FEED is '' where
 * nobody follows the kind, EXPIRES and HASH are '' where there is none.
 * Reply: 1, then a version for each change (of a removal the last one); or 0, the index from 0, and why not.
 */
export const apply: Script = {
  name: 'apply',
  body: `${prelude}${removal}
identify()
purge()

local before, after, order, unused = {}, {}, {}, {}
local function look(kind, id)
  local place = kind .. ':' .. id
  if after[place] == nil then
    local record = redis.call('HGET', ENTRIES, place)
    before[place] = record
    order[#order + 1] = { place, kind, id }
    after[place] = false
    if record and not alive(place) then
      unused[#unused + 1] = place
    elseif record then
      local version, head = string.match(record, '^(%d+) %d*\\n([^\\n]*)\\n')
      after[place] = { version = tonumber(version), aliases = cjson.decode(head).a }
    end
  end
  return after[place]
end

local holders = {}
local function holder(kind, alias)
  local name = kind .. ':' .. alias
  if holders[name] == nil then
    local id = redis.call('HGET', ALIASES, name)
    holders[name] = id and alive(kind .. ':' .. id) and id or false
  end
  return holders[name]
end

local function refuse(index, why)
  return { 0, index, why }
end

local reply, feeds = { 1 }, {}
local at, index = 5, 0
while at <= #ARGV do
  local op, kind, id, expected, feed = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local place = kind .. ':' .. id
  at = at + 5
  local current = look(kind, id)
  if expected == 'absent' then
    if current then return refuse(index, 'exists') end
  elseif expected ~= 'any' or op == 'remove' then
    if not current then return refuse(index, 'missing') end
    if expected ~= 'any' and current.version ~= tonumber(expected) then return refuse(index, 'changed') end
  end
  if op == 'put' then
    local expires, hash, head, body, count = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 4])
    at = at + 5
    local aliases = {}
    for i = 1, count do
      aliases[i] = ARGV[at]
      local who = holder(kind, ARGV[at])
      if who and who ~= id then return refuse(index, 'alias_taken') end
      at = at + 1
    end
    if current then
      for _, alias in ipairs(current.aliases) do holders[kind .. ':' .. alias] = false end
    end
    for _, alias in ipairs(aliases) do holders[kind .. ':' .. alias] = id end
    local version = current and current.version + 1 or 1
    after[place] = { version = version, aliases = aliases, expires = expires, hash = hash, head = head, body = body }
    reply[#reply + 1] = version
  else
    for _, alias in ipairs(current.aliases) do holders[kind .. ':' .. alias] = false end
    after[place] = false
    unused[#unused + 1] = place
    reply[#reply + 1] = current.version
  end
  if feed ~= '' then
    feeds[feed] = feeds[feed] or {}
    feeds[feed][#feeds[feed] + 1] = place
  end
  index = index + 1
end

for _, entry in ipairs(order) do
  local place, kind, id = entry[1], entry[2], entry[3]
  if before[place] then drop(kind, id, before[place]) end
end
for _, place in ipairs(unused) do redis.call('HDEL', USED, place) end
for _, entry in ipairs(order) do
  local place, kind, id = entry[1], entry[2], entry[3]
  local new = after[place]
  if new then
    redis.call('HSET', ENTRIES, place, text(new.version) .. ' ' .. new.expires .. '\\n' .. new.head .. '\\n' .. new.body)
    redis.call('ZADD', IDS, 0, place)
    if new.hash ~= '' then redis.call('ZADD', OWNERS, 0, kind .. ':' .. new.hash .. ':' .. id) end
    if new.expires ~= '' then redis.call('ZADD', EXPIRIES, new.expires, place) end
    for _, alias in ipairs(new.aliases) do redis.call('HSET', ALIASES, kind .. ':' .. alias, id) end
  end
end

for name, places in pairs(feeds) do
  local feed = FEEDS[name]
  local epoch = tonumber(redis.call('GET', feed.epoch) or now) + 1
  redis.call('SET', feed.epoch, text(epoch))
  for _, place in ipairs(places) do redis.call('ZADD', feed.log, text(epoch), place) end
  local excess = redis.call('ZCARD', feed.log) - ${KEPT}
  if excess > 0 then
    local last = redis.call('ZRANGE', feed.log, excess - 1, excess - 1, 'WITHSCORES')
    redis.call('HSET', META, feed.horizon, text(tonumber(last[2])))
    redis.call('ZREMRANGEBYRANK', feed.log, 0, excess - 1)
  end
end
if ARGV[3] == '1' then
  redis.call('LPUSH', AUDIT, ARGV[4])
  redis.call('LTRIM', AUDIT, 0, ${KEPT - 1})
end
return reply
`,
}

/**
 * Notes when keys were used last; an older minute changes nothing, and a key that is not there has none.
 * KEYS: Keys.entries. ARGV: time, identity, then ID MINUTE of each. Reply: 1.
 */
export const touch: Script = {
  name: 'touch',
  body: `${prelude}${removal}
purge()
for at = 3, #ARGV, 2 do
  local id, minute = 'key:' .. ARGV[at], ARGV[at + 1]
  local known = tonumber(redis.call('HGET', USED, id) or -1)
  if tonumber(minute) > known and alive(id) then redis.call('HSET', USED, id, minute) end
end
return 1
`,
}
