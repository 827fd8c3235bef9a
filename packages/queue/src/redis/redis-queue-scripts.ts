/**
 * The scripts that keep a queue going, one for each step. KEYS is always the queue's first key, ARGV[1]
 * its rules (`redis-queue-lua.ts`) unless it says otherwise. Times in results are the server's, in
 * milliseconds since the epoch.
 */

import { RedisScript } from "@headroom/core/redis-script";
import {
  ALSO_WHEN_FULL,
  LUA_CLAIM,
  LUA_QUICK,
  LUA_STEPS,
  LUA_TIME,
  READS_ONLY,
  REFUSED_WHEN_FULL,
} from "./redis-queue-lua.ts";

/** How many wait, for `maxBacklog`. */
const BACKLOG = `
local function backlog()
  return call('LLEN', base .. ':ready') + call('ZCARD', base .. ':first') + call('ZCARD', base .. ':ages')
    + call('ZCARD', base .. ':delayed') + call('ZCARD', base .. ':held')
end
`;

/**
 * Jobs without key, priority, delay, dedup or an id that may exist.
 * ARGV: maxBacklog or "", how many, their ids, their records. Result: how many were added, from the first.
 *
 * A client that loses its connection sends the call again, and both may arrive: so what is there is
 * left alone, and counts as added.
 */
export const ENQUEUE_PLAIN: RedisScript = new RedisScript(`${REFUSED_WHEN_FULL}${LUA_TIME}${BACKLOG}
local given = tonumber(ARGV[2])
local room = given
if ARGV[1] ~= '' then room = math.max(0, math.min(given, ARGV[1] - backlog())) end
local stamp = string.format('%013.0f|%013.0f|', now, now)
local added = 0
for from = 0, room - 1, 2000 do
  local to = math.min(from + 2000, room)
  local there = call('HMGET', base .. ':jobs', unpack(ARGV, from + 3, to + 2))
  local ids, pairs, count = {}, {}, 0
  for i = from + 1, to do
    if not there[i - from] then
      count = count + 1
      local id = ARGV[i + 2]
      ids[count] = id
      pairs[2 * count - 1] = id
      pairs[2 * count] = stamp .. ARGV[given + i + 2]
    end
  end
  if count > 0 then
    call('HSET', base .. ':jobs', unpack(pairs))
    call('RPUSH', base .. ':ready', unpack(ids))
    added = added + count
  end
end
if added > 0 then
  call('HINCRBY', base, 'added', string.format('%.0f', added))
  if call('EXISTS', base .. ':wake') == 0 then call('LPUSH', base .. ':wake', '1') end
end
return room
`);

/** `add(room, id, record, delayMs, mayExist, window, isHeld)`: 0, -1 without room, or `=` and the id of the job that is there. */
export const LUA_ADD: string = `${BACKLOG}
local function add(room, id, text, delayMs, mayExist, window, isHeld)
  if call('HEXISTS', jobs, id) == 1 then return mayExist == '1' and '=' .. id or 0 end
  local job = open(string.format('%013.0f|%013.0f|', now, now) .. text)
  if job.dedup then
    local entry = call('HGET', base .. ':dedup', job.dedup)
    if entry then
      local untilMs, other = string.match(entry, '^(%d*)|(.*)$')
      if untilMs == '' or now < tonumber(untilMs) then return '=' .. other end
    end
  end
  if room <= 0 then return -1 end
  if job.dedup then
    local untilMs = window == '' and '' or exact(now + window)
    call('HSET', base .. ':dedup', job.dedup, untilMs .. '|' .. id)
  end
  if job.key then job.seq = number() end
  if isHeld then
    job.mark = 'h'
    call('ZADD', base .. ':held', score(now), id)
    save(job)
  else
    place(job, now + delayMs)
  end
  call('HINCRBY', base, 'added', 1)
  return 0
end
`;

/**
 * Any jobs. ARGV[2]: maxBacklog or "". Then of each: id, record, delay in ms, 1 if its id may exist,
 * dedup window in ms or "". Result: of each 0, -1 when it is full, or `=` and the id of the job that is there.
 */
export const ENQUEUE: RedisScript =
  new RedisScript(`${REFUSED_WHEN_FULL}${LUA_TIME}${LUA_QUICK}${LUA_STEPS}${LUA_ADD}
local replies = {}
local room = ARGV[2] == '' and math.huge or ARGV[2] - backlog()
for at = 3, #ARGV, 5 do
  local reply = add(room, ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4])
  if reply == 0 then room = room - 1 end
  replies[#replies + 1] = reply
end
close()
return replies
`);

/** ARGV: rules, limit, leaseMs. Result: now, in how many ms to ask again or -1, the records or nil, and as in SWEEP. */
export const CLAIM: RedisScript = new RedisScript(`${ALSO_WHEN_FULL}${LUA_TIME}${LUA_QUICK}
local quick = quickClaim(ARGV[2], ARGV[3])
if quick then return quick end
${LUA_STEPS}${LUA_CLAIM}
local reply = claim(tonumber(ARGV[2]), ARGV[3])
close()
return reply
`);

/**
 * ARGV: rules, limit of the claim or 0, leaseMs, how many are plainly done, their tokens, their ids;
 * then of each other settlement: verdict, id, token, ms or reason, text.
 * Result: which are lost, counted from 1, the plain ones first; and the claim's result or 0.
 *
 * Verdicts: D done (`=` and the result, or ""), R retry (ms, failure), L release (ms), X dead (reason,
 * failure or ""). Plainly done is a job that was never put back and of which nothing is
 * kept: it is in the leases and in the records, and nowhere else.
 */
export const SETTLE: RedisScript = new RedisScript(
  `${ALSO_WHEN_FULL}${LUA_TIME}${LUA_QUICK}
local lost, plain = {}, tonumber(ARGV[4])
local gone = {unpack(ARGV, 5 + plain, 4 + 2 * plain)}
if plain > 0 and call('ZREM', base .. ':leases', unpack(ARGV, 5, 4 + plain)) < plain then
  -- Who had its lease is told by the record: that still has the lease's token, and no mark.
  local seen
  seen, gone = {}, {}
  for i, record in ipairs(call('HMGET', base .. ':jobs', unpack(ARGV, 5 + plain, 4 + 2 * plain))) do
    local id, held = ARGV[4 + plain + i], ARGV[4 + i]
    local tail, mark
    if record then tail, mark = string.match(record, '^([^|]*)|[^|]*|(%a?)|', 29) end
    if record and not seen[id] and id .. ':' .. tail == held and mark == '' then
      seen[id] = true
      gone[#gone + 1] = id
    else
      lost[#lost + 1] = i
    end
  end
end
local areAlone = call('EXISTS', base .. ':progress', base .. ':flows') == 0
if #gone > 0 then
  call('HDEL', base .. ':jobs', unpack(gone))
  call('HINCRBY', base, 'ended', exact(#gone))
end
if areAlone and #ARGV == 4 + 2 * plain then
  local quick
  if ARGV[2] ~= '0' then quick = quickClaim(ARGV[2], ARGV[3])
  elseif string.sub(ARGV[1], 2, 3) == '-1' then quick = 0 end
  if quick then return {lost, quick} end
end
${LUA_STEPS}${LUA_CLAIM}
if not areAlone then
  for _, id in ipairs(gone) do drop(id) end
end
local nth = plain
for at = 5 + 2 * plain, #ARGV, 5 do
  nth = nth + 1
  local verdict, id, held, what, text = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local record = call('ZREM', leases, held) == 1 and call('HGET', jobs, id)
  if not record then
    lost[#lost + 1] = nth
  else
    local job = open(record)
    if verdict == 'R' then
      remember(job, text)
      job.attempt = job.attempt + 1
      putBack(job, now + what)
    elseif verdict == 'L' then
      putBack(job, now + what)
    else
      if verdict == 'X' and text ~= '' then remember(job, text) end
      if verdict == 'X' then finish(job, 'x', what) else finish(job, 'd', text) end
      if job.key then leave(job.key) end
    end
  end
end
local reply = 0
if ARGV[2] ~= '0' then
  reply = claim(tonumber(ARGV[2]), ARGV[3])
elseif string.sub(ARGV[1], 2, 3) ~= '-1' then
  -- The concurrency of the queue may have held others back.
  stir = stir or call('EXISTS', ready, base .. ':first', base .. ':turns') > 0
end
close()
return {lost, reply}
`,
);

/** ARGV: rules, leaseMs, tokens. Result: of each 1 extended, 0 lost, 2 cancelled. */
export const EXTEND: RedisScript = new RedisScript(`${ALSO_WHEN_FULL}${LUA_TIME}
local leases, replies, pairs = base .. ':leases', {}, {}
local scores = call('ZMSCORE', leases, unpack(ARGV, 3))
for i = 1, #ARGV - 2 do
  local token = ARGV[i + 2]
  if scores[i] then
    pairs[#pairs + 1] = now + ARGV[2]
    pairs[#pairs + 1] = token
    replies[i] = 1
  else
    replies[i] = call('ZSCORE', base .. ':revoked', token) and 2 or 0
  end
end
if #pairs > 0 then call('ZADD', leases, 'XX', unpack(pairs)) end
return replies
`);

/**
 * ARGV: rules, the most leases to look at.
 * Result: how many are ready again, then of each dead its notice: JSON of id, name, attempts, parent's queue and id.
 */
export const SWEEP: RedisScript = new RedisScript(
  `${ALSO_WHEN_FULL}${LUA_TIME}${LUA_QUICK}${LUA_STEPS}
local swept = recover(tonumber(ARGV[2])) or {0}
promote(200)
trimAll()
call('ZREMRANGEBYSCORE', base .. ':pace', '-inf', now)
call('ZREMRANGEBYSCORE', base .. ':revoked', '-inf', now)
for _, parent in ipairs(call('ZRANGEBYSCORE', base .. ':flows', '-inf', now, 'LIMIT', 0, 200)) do
  call('ZREM', base .. ':flows', parent)
  call('UNLINK', base .. ':flow:' .. parent)
end
close()
return swept
`,
);

/**
 * ARGV: none. Result: ready, delayed, active, held, dead, 1 if paused, how long the oldest is ready in
 * ms or -1, added, ended.
 */
export const STATS: RedisScript = new RedisScript(
  `${READS_ONLY}${LUA_TIME}
local limit = string.format('%.0f', now * 1000 + 999)
local due = call('ZCOUNT', base .. ':delayed', '-inf', limit)
local oldest
local function older(since) if since and (not oldest or since < oldest) then oldest = since end end
local function sinceOf(id)
  local record = id and call('HGET', base .. ':jobs', id)
  older(record and tonumber(string.sub(record, 15, 27)))
end
sinceOf(call('LINDEX', base .. ':ready', 0))
for level = 0, 8 do
  local from, to = level * 562949953421312, (level + 1) * 562949953421312 - 1
  sinceOf(call('ZRANGEBYSCORE', base .. ':first', string.format('%.0f', from), string.format('%.0f', to), 'LIMIT', 0, 1)[1])
end
older(tonumber(call('ZRANGE', base .. ':ages', 0, 0, 'WITHSCORES')[2]))
if due > 0 then older(math.floor(call('ZRANGE', base .. ':delayed', 0, 0, 'WITHSCORES')[2] / 1000)) end
local meta = call('HMGET', base, 'added', 'ended')
return {
  call('LLEN', base .. ':ready') + call('ZCARD', base .. ':first') + call('ZCARD', base .. ':ages') + due,
  call('ZCARD', base .. ':delayed') - due, call('ZCARD', base .. ':leases'), call('ZCARD', base .. ':held'),
  call('ZCARD', base .. ':dead'), call('EXISTS', base .. ':paused'), oldest and math.max(0, now - oldest) or -1,
  tonumber(meta[1] or 0), tonumber(meta[2] or 0),
}
`,
);
