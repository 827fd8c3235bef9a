/**
 * What the Redis store does in one step, in Lua.
 *
 * A key has a value and a lease, named together: `KEYS` are value, lease, value, lease, … . The
 * lease holds the token of who loads; the empty text is a hold, under which nobody may load. Both
 * run out by themselves.
 *
 * Messages are published in the same step, so no change can go without its message.
 */

import { RedisScript } from "@headroom/core/redis-script";

/**
 * KEYS: value and lease of each request. ARGV: of each its token, leaseMs, and 1 to refresh or 0.
 * Result: for each `{value}`, or 1: granted, 2: held, 3: on hold.
 */
export const LEASE: RedisScript = new RedisScript(`
local replies = {}
for i = 1, #KEYS / 2 do
  local value, lease = KEYS[2 * i - 1], KEYS[2 * i]
  local token, ms, refresh = ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i]
  local bytes = refresh == '0' and redis.call('GET', value)
  if bytes then
    replies[i] = {bytes}
  elseif redis.call('SET', lease, token, 'NX', 'PX', ms) then
    replies[i] = 1
  else
    -- The same token again is the same request, sent twice by a client that lost its connection.
    local holder = redis.call('GET', lease)
    replies[i] = holder == token and 1 or holder == '' and 3 or 2
  end
end
return replies
`);

/** KEYS: value, lease. ARGV: token, leaseMs. Result: 1, or 0 when the lease is not the token's. */
export const RENEW: RedisScript = new RedisScript(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[2], ARGV[2])
`);

/** KEYS: value, lease. ARGV: token. Result: 1, or 0 when the lease is not the token's. */
export const RELEASE: RedisScript = new RedisScript(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[2])
`);

/**
 * KEYS: value and lease of each fill. ARGV: of each its token, ttlMs, bytes.
 * Result: for each 1, or 0 when the lease is not the token's and nothing was stored.
 */
export const FILL: RedisScript = new RedisScript(`
local replies = {}
for i = 1, #KEYS / 2 do
  local value, lease = KEYS[2 * i - 1], KEYS[2 * i]
  if redis.call('GET', lease) == ARGV[3 * i - 2] then
    redis.call('SET', value, ARGV[3 * i], 'PX', ARGV[3 * i - 1])
    redis.call('DEL', lease)
    replies[i] = 1
  else
    replies[i] = 0
  end
end
return replies
`);

/**
 * KEYS: value and lease of each write. ARGV: channel, message, then of each its ttlMs, bytes.
 * Result: nothing. A hold goes on; any other lease is void.
 */
export const WRITE: RedisScript = new RedisScript(`
for i = 1, #KEYS / 2 do
  local value, lease = KEYS[2 * i - 1], KEYS[2 * i]
  redis.call('SET', value, ARGV[2 * i + 2], 'PX', ARGV[2 * i + 1])
  if redis.call('GET', lease) ~= '' then redis.call('DEL', lease) end
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
`);

/**
 * KEYS: value and lease of each key. ARGV: channel, message, then of each its holdForMs.
 * Result: nothing. A longer hold that is there already goes on.
 */
export const INVALIDATE: RedisScript = new RedisScript(`
for i = 1, #KEYS / 2 do
  local value, lease, hold = KEYS[2 * i - 1], KEYS[2 * i], ARGV[i + 2]
  redis.call('UNLINK', value)
  local held = 0
  if redis.call('GET', lease) == '' then held = redis.call('PTTL', lease) end
  if tonumber(hold) > held then
    redis.call('SET', lease, '', 'PX', hold)
  elseif held == 0 then
    redis.call('DEL', lease)
  end
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
`);

/**
 * The clock of tags is one sorted set: each bumped tag with its number, and under the empty name
 * the floor. Numbers are the server's time in microseconds, so that a server which has forgotten
 * everything goes on above all that it ever gave; and at least one more than the last, should its
 * clock have been set back. Scores are doubles, exact up to 2^53: until the year 2255.
 */
const CLOCK = `
local tags = KEYS[1]
local text = function(number) return string.format('%.0f', number) end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local floor = tonumber(redis.call('ZSCORE', tags, ''))
if not floor then
  floor = now
  redis.call('ZADD', tags, text(floor), '')
end
local sequence = tonumber(redis.call('ZRANGE', tags, -1, -1, 'WITHSCORES')[2])
`;

/**
 * KEYS: tags. ARGV: the tags asked for.
 * Result: sequence, floor, then for each tag its number or nil; numbers as text.
 */
export const TAGS: RedisScript = new RedisScript(`${CLOCK}
local reply = {text(sequence), text(floor)}
for i, tag in ipairs(ARGV) do reply[i + 2] = redis.call('ZSCORE', tags, tag) end
return reply
`);

/**
 * KEYS: tags. ARGV: channel, message up to the number, rememberMs, most, then the tags.
 * Result: sequence, floor, as text.
 *
 * Forgets what was bumped longer than rememberMs ago, and the oldest when there are more than most.
 * The floor rises to the highest number forgotten, and not further: an entry that was loaded after
 * that bump carries at least its number, and stays good.
 */
export const BUMP: RedisScript = new RedisScript(`${CLOCK}
sequence = math.max(now, sequence + 1)
for i = 5, #ARGV do redis.call('ZADD', tags, text(sequence), ARGV[i]) end
local rise = tonumber(redis.call('ZREVRANGEBYSCORE', tags, text(now - ARGV[3] * 1000), '-inf',
  'WITHSCORES', 'LIMIT', 0, 1)[2] or 0)
local excess = redis.call('ZCARD', tags) - 1 - ARGV[4]
if excess > 0 then
  rise = math.max(rise, tonumber(redis.call('ZRANGE', tags, excess, excess, 'WITHSCORES')[2]))
end
if rise > floor then
  floor = rise
  redis.call('ZREMRANGEBYSCORE', tags, '-inf', text(floor))
  redis.call('ZADD', tags, text(floor), '')
end
redis.call('PUBLISH', ARGV[1], ARGV[2] .. text(sequence) .. '}')
return {text(sequence), text(floor)}
`);
