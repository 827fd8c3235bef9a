/**
 * The scripts of the store on Redis. A session is one hash:
 *
 *     "m"        what is known of it, as JSON
 *     "s"        when it was last seen, milliseconds since the epoch
 *     "f:<name>" a field, as JSON
 *
 * All keys of one script are in one slot. Each script is one step: nothing comes between its check
 * that the session exists and what it does, which is what keeps a logged-out session from coming back.
 */

import { RedisScript } from "@headroom/core/redis-script";

/** KEYS: session. ARGV: ttl ms, then hash fields and values. 1: made; 0: there is one. */
export const CREATE: RedisScript = new RedisScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
`);

/**
 * KEYS: session. ARGV: ttl ms, seen, channel to announce it on or "", the key as its listeners know
 * it, how many expectations, how many sets, then for each expectation name, "1" or "0" (whether it
 * is there) and text, for each set name and text, and the names to delete. 1: done; 0: gone; 2: conflict.
 */
export const COMMIT: RedisScript = new RedisScript(`
local key = KEYS[1]
if redis.call('EXISTS', key) == 0 then return 0 end
local at = 7
for i = 1, tonumber(ARGV[5]) do
  local found = redis.call('HGET', key, ARGV[at])
  if ARGV[at + 1] == '1' then
    if found ~= ARGV[at + 2] then return 2 end
  elseif found then
    return 2
  end
  at = at + 3
end
for i = 1, tonumber(ARGV[6]) do
  redis.call('HSET', key, ARGV[at], ARGV[at + 1])
  at = at + 2
end
for i = at, #ARGV do redis.call('HDEL', key, ARGV[i]) end
redis.call('HSET', key, 's', ARGV[2])
redis.call('PEXPIRE', key, ARGV[1])
if ARGV[3] ~= '' then redis.call('PUBLISH', ARGV[3], ARGV[4]) end
return 1
`);

/** KEYS: session. ARGV: ttl ms, seen. */
export const TOUCH: RedisScript = new RedisScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 's', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
`);

/** KEYS: old, new. ARGV: ttl ms, seen, meta, channel, the old key as the channel's listeners know it. */
export const ROTATE: RedisScript = new RedisScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[2], 'm', ARGV[3], 's', ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 1
`);

/** KEYS: session. ARGV: channel, the key as the channel's listeners know it. */
export const DESTROY: RedisScript = new RedisScript(`
local removed = redis.call('DEL', KEYS[1])
if removed == 1 then redis.call('PUBLISH', ARGV[1], ARGV[2]) end
return removed
`);

/** KEYS: the user's epoch. ARGV: ttl ms. The clock is the server's; it never goes back. */
export const RAISE_EPOCH: RedisScript = new RedisScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = tonumber(redis.call('GET', KEYS[1]) or '0')
redis.call('SET', KEYS[1], string.format('%.0f', math.max(now, last + 1)), 'PX', ARGV[1])
return 1
`);

/**
 * KEYS: the user's index. ARGV: now, until when this entry may matter, the session's key, the
 * longest time the index is kept. Entries that are long over are removed on the way.
 */
export const ENLIST: RedisScript = new RedisScript(`
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], last[2])
return 1
`);
