import type { Script } from './runner.ts'

/** Milliseconds that a bucket outlives its time where that is not the server's own: clocks differ. */
const SLACK = 60_000

/**
 * Charges all buckets of one slot, or none: the arithmetic is `arrive` of core/limit.ts, in microseconds.
 *
 * KEYS: the buckets, then the epoch's key where it lives here.
 * ARGV: the time in microseconds or '' for the server's, then for each bucket interval, burst, cost.
 * Reply: 1 when all passed else 0, the time, for each bucket ok, remaining units, time to full, wait (microseconds, as
 * `arrive` has them; of a bucket that would have passed where another denied as they were), then the epoch if its key
 * was given.
 *
 * Numbers are written with %.0f, because Lua's own way keeps 14 digits. A bucket lives until it is full, rounded up to
 * the millisecond; one that is full is deleted, and cost 0 keeps nothing. A value from beyond [now, top], left by a clock
 * that stepped or a limit that shrank, is brought back even where the charge is denied: else it would deny until the
 * clock caught up. A store without an epoch is new or was emptied: the epoch starts from the time, so that no old one
 * comes back.
 */
export const charge: Script = {
  name: 'charge',
  body: `
local now
local slack = 0
if ARGV[1] == '' then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
else
  now = tonumber(ARGV[1])
  slack = ${SLACK}
end
local function keep(key, value)
  local life = math.ceil((value - now) / 1000) + slack
  redis.call('SET', key, string.format('%.0f', value), 'PX', string.format('%.0f', life))
end

local count = (#ARGV - 1) / 3
local stored = redis.call('MGET', unpack(KEYS))
local floor, max, min = math.floor, math.max, math.min
local all = 1
local reply = { 1, now }
local next, before = {}, {}
for i = 1, count do
  local interval, burst, cost = tonumber(ARGV[i * 3 - 1]), tonumber(ARGV[i * 3]), tonumber(ARGV[i * 3 + 1])
  local top = now + interval * burst
  local known = tonumber(stored[i] or now) or now
  local current = min(max(known, now), top)
  local after = max(now, current + interval * cost)
  local ok = after <= top
  local held = ok and after or current
  local at = i * 4 - 1
  reply[at] = ok and 1 or 0
  reply[at + 1] = floor((top - held) / interval)
  reply[at + 2] = held - now
  reply[at + 3] = ok and 0 or after - top
  if not ok then all = 0 end
  next[i] = cost ~= 0 and after or false
  before[i] = { floor((top - current) / interval), current - now, known > top and cost ~= 0 }
end
if all == 0 then
  for i = 1, count do
    local at = i * 4 - 1
    local remaining, full, above = unpack(before[i])
    if reply[at] == 1 then reply[at + 1], reply[at + 2] = remaining, full end
    if above then keep(KEYS[i], now + full) end
  end
else
  for i = 1, count do
    local after = next[i]
    if after and after > now then
      keep(KEYS[i], after)
    elseif after and stored[i] then
      redis.call('DEL', KEYS[i])
    end
  end
end
reply[1] = all
if #KEYS > count then
  local epoch = stored[count + 1]
  if not epoch then
    epoch = string.format('%.0f', floor(now / 1000))
    redis.call('SET', KEYS[count + 1], epoch)
  end
  reply[count * 4 + 3] = tonumber(epoch)
end
return reply
`,
}
