/**
 * The steps from one state to the next, in Lua, of which the scripts are put together.
 *
 * `KEYS[1]` is the queue's first key, `ARGV[1]` its rules as JSON, in the order of `rulesText`:
 * concurrency, rate jobs, rate ms, per key, gap of a key in ms, done ms, done count, dead ms, dead
 * count, channel; -1 is none. Keys and records: `redis-queue-keys.ts`, `redis-job-record.ts`.
 *
 * Times are the server's. Where many things have the same millisecond, scores are thousandths of one,
 * so that their order is that in which they came.
 *
 * Lua's numbers are doubles, and `..` writes them with 14 digits: longer ones go through `exact`.
 */

/** Each script begins with one of these lines. At `maxmemory` only what makes room may go on. */
export const REFUSED_WHEN_FULL = "#!lua\n";
export const ALSO_WHEN_FULL = "#!lua flags=allow-oom\n";
export const READS_ONLY = "#!lua flags=no-writes,allow-oom\n";

export const LUA_TIME: string = `
local base, call = KEYS[1], redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * `quickClaim(limit, leaseMs)`: a claim where nothing but plain jobs is ready, nothing is due and
 * nothing has expired; nil in any other queue. Most claims are such, and making the functions of all
 * the steps, and numbers into texts, would cost more than all that these do.
 */
export const LUA_QUICK: string = `
local function exact(number) return string.format('%.0f', number) end

-- One process that is idle is to look.
local function wake()
  if call('EXISTS', base .. ':wake') == 0 then call('LPUSH', base .. ':wake', '1') end
end

-- Leases jobs that were taken; gives their records, and how many there are.
local function lease(ids, leaseMs)
  local records = call('HMGET', base .. ':jobs', unpack(ids))
  local expiry, pairs, count = exact(now + leaseMs), {}, 0
  for i = 1, #ids do
    local record = records[i]
    if record then
      pairs[count + 1] = expiry
      pairs[count + 2] = ids[i] .. ':' .. string.sub(record, 29, string.find(record, '|', 29, true) - 1)
      count = count + 2
    end
  end
  if count > 0 then call('ZADD', base .. ':leases', unpack(pairs)) end
  return records, count / 2
end

local function quickClaim(limit, leaseMs)
  if string.sub(ARGV[1], 2, 8) ~= '-1,-1,-'
    or call('EXISTS', base .. ':paused', base .. ':first', base .. ':turns', base .. ':later') > 0 then return end
  local expiry = call('ZRANGE', base .. ':leases', '0', '0', 'WITHSCORES')[2]
  if expiry and tonumber(expiry) <= now then return end
  local due, nextMs = call('ZRANGE', base .. ':delayed', '0', '0', 'WITHSCORES')[2], -1
  if due then
    nextMs = math.floor(due / 1000) - now
    if nextMs <= 0 then return end
  end
  local ids = call('LPOP', base .. ':ready', limit)
  if not ids then return {now, nextMs, {}} end
  local records = lease(ids, leaseMs)
  if #ids == tonumber(limit) and call('EXISTS', base .. ':ready') == 1 then wake() end
  return {now, nextMs, records}
end
`;

/** What the steps below need. */
export const LUA_STEPS: string = String.raw`
local jobs, leases, ready, delayed = base .. ':jobs', base .. ':leases', base .. ':ready', base .. ':delayed'
local known, stir, ended, nth = nil, false, {}, 0

local function rules()
  if not known then known = cjson.decode(ARGV[1]) end
  return known
end

-- A score for now, or another millisecond, that keeps the order of this script's own.
local function score(ms)
  nth = nth + 1
  return exact(ms * 1000 + math.min(time[2] % 1000 + nth - 1, 999))
end

local function open(record)
  local added, since, attempt, nonce, epoch, seq, mark, rest =
    string.match(record, '^(%d+)|(%d+)|(%d+):([^.|]*)%.(%d+)|(%d*)|(%a?)|(.*)$')
  local head = cjson.decode(string.match(rest, '^[^\n]*'))
  local text = function(at) if type(head[at]) == 'string' then return head[at] end end
  return {added = tonumber(added), since = tonumber(since), attempt = tonumber(attempt), nonce = nonce,
    epoch = tonumber(epoch), seq = seq, mark = mark, rest = rest, id = head[1], name = head[2],
    most = head[3], priority = head[4] or 0, key = text(5), dedup = text(6), parentQueue = text(7),
    parent = text(8), delay = head[10] or 0}
end

local function save(job)
  call('HSET', jobs, job.id, string.format('%013.0f|%013.0f|%.0f:%s.%.0f|%s|%s|', job.added, job.since,
    job.attempt, job.nonce, job.epoch, job.seq, job.mark) .. job.rest)
end

local function token(job)
  return string.format('%s:%.0f:%s.%.0f', job.id, job.attempt, job.nonce, job.epoch)
end

local function number() return string.format('%016.0f', call('HINCRBY', base, 'seq', 1)) end

-- Whose turn is when: by priority, then by the time at which it was given, 512 of them a millisecond.
local function rank(priority, at) return (9 - priority) * 562949953421312 + at end
local function timeOf(ms) return (ms - 1700000000000) * 512 end

local function newTurn(priority)
  local at = math.max(tonumber(call('HGET', base, 'turn') or 0) + 1, timeOf(now))
  call('HSET', base, 'turn', exact(at))
  return exact(rank(priority, at))
end

-- The first of a key's jobs, as it stands in :keyed, and its id; nil when it is not due, or there is none.
local function headOf(key)
  local head = call('ZRANGEBYLEX', base .. ':keyed', '[' .. key .. '\0', '(' .. key .. '\1', 'LIMIT', 0, 1)[1]
  local id = head and string.match(head, '%z([^%z]*)$')
  local due = id and call('ZSCORE', delayed, id)
  if id and not (due and tonumber(due) > now * 1000 + 999) then return head, id end
end

local function hasLane(key) return tonumber(call('HGET', base .. ':lanes', key) or 0) < rules()[4] end

-- The key may go next, if its first job is due and a lane free. A turn that it has, it keeps.
local function turn(key)
  if call('ZSCORE', base .. ':turns', key) or not hasLane(key) then return end
  local head, id = headOf(key)
  if not head then return end
  local paced = rules()[5] > 0 and tonumber(call('ZSCORE', base .. ':pace', key) or 0) or 0
  if paced > now then
    call('ZADD', base .. ':later', exact(math.ceil(paced)), key)
  else
    call('ZADD', base .. ':turns', newTurn(open(call('HGET', jobs, id)).priority), key)
  end
  stir = true
end

local function leave(key)
  if call('HINCRBY', base .. ':lanes', key, -1) <= 0 then call('HDEL', base .. ':lanes', key) end
  turn(key)
end

local function member(job) return job.key .. '\0' .. job.seq .. '\0' .. job.id end

-- The job waits: until a time to come, or ready since one that is past.
local function place(job, since)
  job.since = math.min(since, 8999999999999)
  save(job)
  if job.since > now then
    call('ZADD', delayed, score(job.since), job.id)
    -- Who sleeps until the next one is due has to learn that it is this one.
    if call('ZRANGE', delayed, 0, 0)[1] == job.id then stir = true end
    return
  end
  stir = true
  if job.key then
    call('ZADD', base .. ':keyed', 0, member(job))
    call('ZADD', base .. ':ages', job.since, job.id)
    turn(job.key)
  elseif job.priority > 0 then
    call('ZADD', base .. ':first', newTurn(job.priority), job.id)
  else
    call('RPUSH', ready, job.id)
  end
end

-- From active back to waiting. It is the first of its key, and while it is delayed, holds up the others.
local function putBack(job, since)
  job.epoch = job.epoch + 1
  if job.key then call('ZADD', base .. ':keyed', 0, member(job)) end
  place(job, since)
  if job.key then leave(job.key) end
end

local function remember(job, failure)
  local past = (call('HGET', base .. ':past', job.id) or '')
    .. exact(now) .. ' ' .. job.attempt .. ' ' .. failure .. '\n'
  local _, lines = string.gsub(past, '\n', '')
  if lines > 10 then past = string.match(past, '^[^\n]*\n(.*)$') end
  call('HSET', base .. ':past', job.id, past)
end

-- Nothing is left of the job.
local function drop(id)
  for _, part in ipairs({':jobs', ':ends', ':past', ':progress'}) do call('HDEL', base .. part, id) end
  if call('ZREM', base .. ':flows', id) == 1 then call('UNLINK', base .. ':flow:' .. id) end
end

local function trim(part, ms, count)
  local kept = base .. ':' .. part
  local over = math.min(call('ZCARD', kept) - count, 200)
  local old = over > 0 and call('ZRANGE', kept, 0, over - 1)
    or call('ZRANGEBYSCORE', kept, '-inf', exact((now - ms) * 1000), 'LIMIT', 0, 200)
  for _, id in ipairs(old) do
    call('ZREM', kept, id)
    drop(id)
  end
end

local function trimAll()
  if rules()[6] >= 0 then
    trim('done', rules()[6], rules()[7])
    trim('cancelled', rules()[6], rules()[7])
  end
  trim('dead', rules()[8], rules()[9])
end

local PARTS = {d = 'done', c = 'cancelled', x = 'dead'}

-- The job has ended. What is kept of it is kept a bounded time.
local function finish(job, mark, how)
  if job.dedup then
    local entry = call('HGET', base .. ':dedup', job.dedup)
    if entry and string.match(entry, '^%d*|(.*)$') == job.id then call('HDEL', base .. ':dedup', job.dedup) end
  end
  ended[#ended + 1] = job.id
  if mark ~= 'x' and rules()[6] < 0 then
    drop(job.id)
  else
    job.mark = mark
    save(job)
    call('HSET', base .. ':ends', job.id, exact(now) .. '|' .. how)
    call('ZADD', base .. ':' .. PARTS[mark], score(now), job.id)
  end
end

-- Before the end of a script: counts, tells, and forgets what was kept too long.
local function close()
  if #ended > 0 then
    call('HINCRBY', base, 'ended', #ended)
    call('PUBLISH', rules()[10], 'ended ' .. table.concat(ended, ' '))
    trimAll()
  end
  if stir then wake() end
end

-- Leases that have expired, a bounded number. Gives how many jobs are ready again, and then of each
-- that is dead its notice; nothing when there were none.
local function recover(most)
  local tokens = call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, most)
  if #tokens == 0 then return end
  local swept = {0}
  for _, expired in ipairs(tokens) do
    call('ZREM', leases, expired)
    local record = call('HGET', jobs, string.match(expired, '^([^:]*):'))
    local job = record and open(record)
    if job and token(job) == expired then
      if job.attempt >= job.most then
        if job.key then leave(job.key) end
        finish(job, 'x', 'lease-expired')
        swept[#swept + 1] = cjson.encode({job.id, job.name, job.attempt, job.parentQueue or false,
          job.parent or false})
      else
        job.attempt = job.attempt + 1
        putBack(job, now)
        swept[1] = swept[1] + 1
      end
    end
  end
  return swept
end

-- What has become due, a bounded number; ready since when it was due.
local function promote(most)
  local due = call('ZRANGEBYSCORE', delayed, '-inf', exact(now * 1000 + 999), 'LIMIT', 0, most)
  if #due == 0 then return end
  call('ZREM', delayed, unpack(due))
  for _, record in ipairs(call('HMGET', jobs, unpack(due))) do
    if record then
      local job = open(record)
      place(job, job.since)
    end
  end
end
`;

/** `claim(limit, leaseMs)`: gives now, when to ask again in ms or -1, the records, and what was swept if anything. */
export const LUA_CLAIM: string = `
-- What may be taken by the limits of the queue; and in how many ms more, if the rate says so.
local function allowed(limit)
  local concurrency, rateJobs, rateMs = rules()[1], rules()[2], rules()[3]
  if concurrency >= 0 then limit = math.min(limit, concurrency - call('ZCARD', leases)) end
  if rateJobs < 0 then return limit end
  -- GCRA: tat is when the burst that was used up would be over at the steady rate.
  local tat = math.max(tonumber(call('HGET', base, 'tat') or 0), now)
  local gap = rateMs / rateJobs
  local room = math.floor((now + rateMs - tat) / gap + 1e-6)
  if room < 1 then return 0, math.ceil(tat + gap - rateMs - now) end
  return math.min(limit, room)
end

-- One job of a key; nil when the key has none after all.
local function takeKeyed(key)
  call('ZREM', base .. ':turns', key)
  if not hasLane(key) then return end
  local head, id = headOf(key)
  if not head then return end
  call('ZREM', base .. ':keyed', head)
  call('ZREM', base .. ':ages', id)
  call('HINCRBY', base .. ':lanes', key, 1)
  if rules()[5] > 0 then call('ZADD', base .. ':pace', now + rules()[5], key) end
  turn(key)
  return id
end

-- Ids of the keyed and of the others, by whose turn it is.
local function takeByTurn(ids, limit)
  while #ids < limit do
    local key = call('ZRANGE', base .. ':turns', 0, 0, 'WITHSCORES')
    if not key[1] then break end
    local first = call('ZRANGE', base .. ':first', 0, 0, 'WITHSCORES')
    local plain = call('LINDEX', ready, 0)
    local record = plain and call('HGET', jobs, plain)
    local since = record and tonumber(string.sub(record, 15, 27)) or 0
    local turnAt, firstAt = tonumber(key[2]), first[2] and tonumber(first[2]) or math.huge
    local plainAt = plain and rank(0, timeOf(since)) or math.huge
    if firstAt < turnAt and firstAt < plainAt then
      call('ZREM', base .. ':first', first[1])
      ids[#ids + 1] = first[1]
    elseif plainAt < turnAt then
      ids[#ids + 1] = call('LPOP', ready)
    else
      ids[#ids + 1] = takeKeyed(key[1])
    end
  end
end

local function claim(limit, leaseMs)
  local swept = recover(100)
  if call('EXISTS', base .. ':paused') == 1 then
    stir = false
    return {now, -1, {}, swept}
  end
  local due = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
  if due and tonumber(due) <= now * 1000 + 999 then
    promote(200)
    due = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
  end
  local nextMs = due and math.max(0, math.floor(due / 1000) - now) or -1
  local later = call('ZRANGE', base .. ':later', 0, 0, 'WITHSCORES')[2]
  if later and tonumber(later) <= now then
    for _, key in ipairs(call('ZRANGEBYSCORE', base .. ':later', '-inf', now, 'LIMIT', 0, 200)) do
      call('ZREM', base .. ':later', key)
      turn(key)
    end
  end
  local wanted, waitMs, isLimited = limit, nil, string.sub(ARGV[1], 2, 8) ~= '-1,-1,-'
  if isLimited then limit = allowed(limit) end
  local ids = {}
  if limit > 0 and call('EXISTS', base .. ':turns') == 1 then takeByTurn(ids, limit) end
  if #ids < limit and call('EXISTS', base .. ':first') == 1 then
    local popped = call('ZPOPMIN', base .. ':first', limit - #ids)
    for i = 1, #popped, 2 do ids[#ids + 1] = popped[i] end
  end
  if #ids < limit then
    local popped = call('LPOP', ready, limit - #ids)
    if popped then
      if #ids == 0 then ids = popped else for _, id in ipairs(popped) do ids[#ids + 1] = id end end
    end
  end
  local records = {}
  if #ids > 0 then
    local count
    records, count = lease(ids, leaseMs)
    if isLimited and rules()[2] >= 0 then
      local tat = math.max(tonumber(call('HGET', base, 'tat') or 0), now)
      call('HSET', base, 'tat', string.format('%.3f', tat + count * rules()[3] / rules()[2]))
    end
  end
  -- Somebody else is to look too if there is more than was asked for; or nobody, until a time.
  local isMore = call('EXISTS', ready, base .. ':first', base .. ':turns') > 0
  stir = isMore and #ids >= wanted
  later = call('ZRANGE', base .. ':later', 0, 0, 'WITHSCORES')[2]
  if later then
    local laterMs = math.max(0, math.ceil(later) - now)
    if nextMs < 0 or laterMs < nextMs then nextMs = laterMs end
  end
  if isLimited then
    local left
    left, waitMs = allowed(wanted)
    if waitMs and isMore and (nextMs < 0 or waitMs < nextMs) then nextMs = waitMs end
    if left <= 0 and not waitMs then nextMs = -1 end
  end
  return {now, nextMs, records, swept}
end
`;
