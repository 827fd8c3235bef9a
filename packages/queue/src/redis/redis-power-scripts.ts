/** The scripts for what not every engine can do; KEYS and ARGV[1] as in `redis-queue-scripts.ts`. */

import { RedisScript } from "@headroom/core/redis-script";
import {
  ALSO_WHEN_FULL,
  LUA_QUICK,
  LUA_STEPS,
  LUA_TIME,
  READS_ONLY,
  REFUSED_WHEN_FULL,
} from "./redis-queue-lua.ts";
import { LUA_ADD } from "./redis-queue-scripts.ts";

/** `describe(id)`: record, state, end, past and progress of a job; nil when there is none. */
const LUA_DESCRIBE = `
local STATES = {h = 'held', d = 'done', x = 'dead', c = 'cancelled'}
local function describe(id)
  local record = call('HGET', base .. ':jobs', id)
  if not record then return false end
  local tail, mark = string.match(record, '^%d+|%d+|([^|]*)|%d*|(%a?)|')
  local state = STATES[mark]
  if not state then
    if call('ZSCORE', base .. ':leases', id .. ':' .. tail) then state = 'active' else
      local due = call('ZSCORE', base .. ':delayed', id)
      state = due and tonumber(due) > now * 1000 + 999 and 'delayed' or 'ready'
    end
  end
  return {record, state, call('HGET', base .. ':ends', id), call('HGET', base .. ':past', id),
    call('HGET', base .. ':progress', id)}
end
`;

/** ARGV: rules, id. Result: nil, or record, state, end (`at|how`), past, progress. */
export const FIND: RedisScript = new RedisScript(`${READS_ONLY}${LUA_TIME}${LUA_DESCRIBE}
return describe(ARGV[2])
`);

/**
 * ARGV: rules, state, limit, cursor: how many to skip, or for a state with an order of its own the
 * score of the last and how many of that score to skip, as `score:skip`.
 * Result: the next cursor or nil, then jobs as in FIND.
 */
export const LIST: RedisScript = new RedisScript(
  `${READS_ONLY}${LUA_TIME}${LUA_DESCRIBE}
local state, limit = ARGV[2], tonumber(ARGV[3])
local replies = {false}
local function idOf(entry) return state == 'active' and string.match(entry, '^([^:]*):') or entry end
if state == 'ready' then
  local skip, ids = tonumber(ARGV[4]) or 0, {}
  local from = skip
  for _, part in ipairs({':first', ':ready', ':ages'}) do
    local isList = part == ':ready'
    local size = call(isList and 'LLEN' or 'ZCARD', base .. part)
    local wanted = limit + 1 - #ids
    if wanted > 0 and from < size then
      for _, id in ipairs(call(isList and 'LRANGE' or 'ZRANGE', base .. part, from, from + wanted - 1)) do
        ids[#ids + 1] = id
      end
    end
    from = math.max(0, from - size)
  end
  local wanted = limit + 1 - #ids
  if wanted > 0 then
    local due = call('ZRANGEBYSCORE', base .. ':delayed', '-inf', string.format('%.0f', now * 1000 + 999),
      'LIMIT', from, wanted)
    for _, id in ipairs(due) do ids[#ids + 1] = id end
  end
  for i = 1, math.min(limit, #ids) do replies[i + 1] = describe(ids[i]) end
  if #ids > limit then replies[1] = string.format('%.0f', skip + limit) end
  return replies
end
local part = base .. ':' .. (state == 'active' and 'leases' or state)
local from, skip = string.match(ARGV[4], '^(%d+):(%d+)$')
if not from and state == 'delayed' then from = '(' .. string.format('%.0f', now * 1000 + 999) end
skip = tonumber(skip or 0)
local found = call('ZRANGEBYSCORE', part, from or '-inf', '+inf', 'WITHSCORES', 'LIMIT', skip, limit + 1)
for i = 1, math.min(limit, #found / 2) do replies[i + 1] = describe(idOf(found[2 * i - 1])) end
if #found / 2 > limit and limit > 0 then
  local last, same = found[2 * limit], 0
  for i = 1, limit do if found[2 * i] == last then same = same + 1 end end
  if last == from then same = same + skip end
  replies[1] = last .. ':' .. string.format('%.0f', same)
end
return replies
`,
);

/** `remove(job)`: takes a job out of wherever it waits, without a trace elsewhere. */
const LUA_REMOVE = `
local function remove(job)
  if job.mark == 'h' then
    call('ZREM', base .. ':held', job.id)
  elseif call('ZREM', delayed, job.id) == 1 and not job.key then
    return
  elseif job.key then
    call('ZREM', base .. ':keyed', member(job))
    call('ZREM', base .. ':ages', job.id)
    turn(job.key)
  elseif job.priority > 0 then
    call('ZREM', base .. ':first', job.id)
  else
    call('LREM', ready, 1, job.id)
  end
end
`;

/** ARGV: rules, id. Result: 1, or 0 when there is no such job or it has ended. O(n) of a long list of the ready. */
export const CANCEL: RedisScript = new RedisScript(
  `${ALSO_WHEN_FULL}${LUA_TIME}${LUA_QUICK}${LUA_STEPS}${LUA_REMOVE}
local record = call('HGET', jobs, ARGV[2])
if not record then return 0 end
local job = open(record)
if PARTS[job.mark] then return 0 end
local held = token(job)
local wasActive = job.mark == '' and call('ZREM', leases, held) == 1
if wasActive then
  call('ZADD', base .. ':revoked', now + 600000, held)
  call('PEXPIRE', base .. ':revoked', 600000)
else
  remove(job)
  job.attempt = job.attempt - 1
end
finish(job, 'c', '')
if wasActive and job.key then leave(job.key) end
if wasActive and rules()[1] >= 0 then stir = true end
call('PUBLISH', rules()[10], 'cancelled ' .. job.id)
close()
return 1
`,
);

/** ARGV: rules, 1 to pause or 0 to go on. */
export const PAUSE: RedisScript =
  new RedisScript(`${ALSO_WHEN_FULL}${LUA_TIME}${LUA_QUICK}${LUA_STEPS}
if ARGV[2] == '1' then
  call('SET', base .. ':paused', 1)
else
  call('DEL', base .. ':paused')
  stir = true
end
close()
return 1
`);

/** ARGV: rules, how many of the oldest or "", ids. Result: how many dead jobs are ready again. */
export const REDRIVE: RedisScript = new RedisScript(
  `${ALSO_WHEN_FULL}${LUA_TIME}${LUA_QUICK}${LUA_STEPS}
local ids = ARGV[2] == '' and {unpack(ARGV, 3)} or call('ZRANGE', base .. ':dead', 0, ARGV[2] - 1)
local count = 0
for _, id in ipairs(ids) do
  if call('ZREM', base .. ':dead', id) == 1 then
    local job = open(call('HGET', jobs, id))
    call('HDEL', base .. ':ends', id)
    if job.dedup then call('HSETNX', base .. ':dedup', job.dedup, '|' .. id) end
    job.attempt, job.epoch, job.mark = 1, job.epoch + 1, ''
    place(job, now)
    count = count + 1
  end
end
close()
return count
`,
);

/** ARGV: rules, state, the most. Result: how many were deleted; fewer than the most: there are no more. */
export const PURGE: RedisScript = new RedisScript(
  `${ALSO_WHEN_FULL}${LUA_TIME}${LUA_QUICK}${LUA_STEPS}${LUA_REMOVE}
local state, most, ids = ARGV[2], tonumber(ARGV[3]), nil
if state == 'ready' then
  promote(200)
  ids = call('LRANGE', ready, 0, most - 1)
  for _, part in ipairs({':first', ':ages'}) do
    if #ids < most then
      for _, id in ipairs(call('ZRANGE', base .. part, 0, most - #ids - 1)) do ids[#ids + 1] = id end
    end
  end
else
  ids = call('ZRANGE', base .. ':' .. state, 0, most - 1)
end
for _, id in ipairs(ids) do
  local record = call('HGET', jobs, id)
  local job = record and open(record)
  if not job then
    call('LREM', ready, 1, id)
  elseif PARTS[job.mark] then
    call('ZREM', base .. ':' .. state, id)
  else
    remove(job)
    if job.dedup then
      local entry = call('HGET', base .. ':dedup', job.dedup)
      if entry and string.match(entry, '^%d*|(.*)$') == id then call('HDEL', base .. ':dedup', job.dedup) end
    end
  end
  drop(id)
end
close()
return #ids
`,
);

/** ARGV: rules, id, token, progress. Result: 1, or 0 when the lease is lost. */
export const PROGRESS: RedisScript =
  new RedisScript(`${ALSO_WHEN_FULL}${LUA_TIME}${LUA_QUICK}${LUA_STEPS}
if not call('ZSCORE', leases, ARGV[3]) then return 0 end
call('HSET', base .. ':progress', ARGV[2], ARGV[4])
call('PUBLISH', rules()[10], 'progress ' .. ARGV[2])
return 1
`);

/**
 * ARGV: rules, schedule, tick in ms since the epoch, then the job as in ENQUEUE.
 * Result: 0 fired, -1 already, or in how many ms the tick is.
 */
export const FIRE: RedisScript = new RedisScript(
  `${REFUSED_WHEN_FULL}${LUA_TIME}${LUA_QUICK}${LUA_STEPS}${LUA_ADD}
local tick = tonumber(ARGV[3])
if tick > now then return math.ceil(tick - now) end
local last = tonumber(call('HGET', base .. ':schedules', ARGV[2]) or '')
if last and last >= tick then return -1 end
call('HSET', base .. ':schedules', ARGV[2], exact(tick))
add(1, ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8])
close()
return 0
`,
);

/** ARGV: rules, schedule. Result: the last tick, and now. */
export const BEGIN_SCHEDULE: RedisScript = new RedisScript(`${REFUSED_WHEN_FULL}${LUA_TIME}
call('HSETNX', base .. ':schedules', ARGV[2], string.format('%.0f', now))
return {call('HGET', base .. ':schedules', ARGV[2]), string.format('%.0f', now)}
`);

/** ARGV: rules, schedule. */
export const FORGET_SCHEDULE: RedisScript = new RedisScript(`${ALSO_WHEN_FULL}${LUA_TIME}
return call('HDEL', base .. ':schedules', ARGV[2])
`);

/**
 * What is reported of a parent's children: HASH `flow:<id>`, with fields `=queue id` the outcome, and
 * once the parent is held `-queue id` for each that is waited for, `left` how many, `fail` 1 or 0, `list`.
 */
const LUA_FLOW = `
local DAY = 86400000
local function release(id, childDied)
  local job = open(call('HGET', jobs, id))
  call('ZREM', base .. ':held', id)
  job.mark = ''
  if childDied then
    job.attempt = 0
    finish(job, 'x', 'child-dead')
  else
    place(job, now + job.delay)
  end
end
`;

/**
 * ARGV: rules, maxBacklog or "", 1 if the parent fails with a child, the list of children as JSON, the
 * parent as in ENQUEUE, then the children as `queue id`. Result as of one job in ENQUEUE.
 */
export const HOLD: RedisScript = new RedisScript(
  `${REFUSED_WHEN_FULL}${LUA_TIME}${LUA_QUICK}${LUA_STEPS}${LUA_ADD}${LUA_FLOW}
local id, flow = ARGV[5], base .. ':flow:' .. ARGV[5]
local isThere = call('HEXISTS', jobs, id) == 1
local room = ARGV[2] == '' and 1 or ARGV[2] - backlog()
local reply = add(room, id, ARGV[6], 0, ARGV[8], ARGV[9], true)
if isThere or reply ~= 0 then return reply end
local left, died = 0, false
for i = 10, #ARGV do
  local outcome = call('HGET', flow, '=' .. ARGV[i])
  if not outcome then
    left = left + call('HSETNX', flow, '-' .. ARGV[i], 1)
  elseif string.sub(outcome, 1, 1) == 'x' then
    died = true
  end
end
call('HSET', flow, 'left', left, 'fail', ARGV[3], 'list', ARGV[4])
call('PERSIST', flow)
call('ZADD', base .. ':flows', '+inf', id)
if died and ARGV[3] == '1' then release(id, true) elseif left == 0 then release(id, false) end
close()
return 0
`,
);

/** ARGV: rules, parent's id, child as `queue id`, its outcome. Result: nothing. */
export const REPORT: RedisScript = new RedisScript(
  `${ALSO_WHEN_FULL}${LUA_TIME}${LUA_QUICK}${LUA_STEPS}${LUA_FLOW}
local id, flow = ARGV[2], base .. ':flow:' .. ARGV[2]
local isHeld = call('HEXISTS', flow, 'list') == 1
if not isHeld and call('HEXISTS', jobs, id) == 1 then return 0 end
if call('HSETNX', flow, '=' .. ARGV[3], ARGV[4]) == 0 then return 0 end
if not isHeld then
  call('ZADD', base .. ':flows', now + DAY, id)
  call('PEXPIRE', flow, DAY)
  return 0
end
if call('HDEL', flow, '-' .. ARGV[3]) == 0 then return 0 end
local left = call('HINCRBY', flow, 'left', -1)
local record = call('HGET', jobs, id)
if not record or open(record).mark ~= 'h' then return 0 end
if string.sub(ARGV[4], 1, 1) == 'x' and call('HGET', flow, 'fail') == '1' then
  release(id, true)
elseif left == 0 then
  release(id, false)
end
close()
return 0
`,
);

/** ARGV: rules, parent's id. Result: the list of children as JSON or nil, and fields and values of the flow. */
export const CHILDREN: RedisScript = new RedisScript(`${READS_ONLY}${LUA_TIME}
local flow = base .. ':flow:' .. ARGV[2]
return {call('HGET', flow, 'list'), call('HGETALL', flow)}
`);
