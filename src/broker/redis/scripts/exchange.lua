#!lua flags=allow-oom
-- Settles a batch and claims the next. The last number of the lane again: no effect but on the lease, the same answer.
--
-- KEYS 1 leases, 2 session, 3 inflight, 4 held, 5 meta, 6 delayed, 7 dead, 8 unique, 9 wake, 10 quarantine,
--      11 suspects, 12 to 21 ready:0 to ready:9
-- ARGV 1 daemon, 2 lease ms, 3 lane, 4 number, 5 want, 6 alone ('1' or '0'), 7 life of the result of a dropped job ms,
--      8 most dead jobs, 9 greatest age of a dead job ms, 10 most bytes to claim, 11 prefix of result keys,
--      12 result of an expired job, 13 number of plain acks, then their tokens, then the other settlements in groups
--      of seven: type, token, delay ms, count, error, result, life of the result ms ('' where there is none)
-- Returns {'done', now, records, refused tokens, refused acks, {id, reason, ...} dropped, more, suspects wait,
--          next due ms or -1, alone}, {'lost'}, {'stale'} or {'gap', last number}

local LEASES, SESSION, IN_FLIGHT, HELD, META = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local DELAYED, DEAD, UNIQUE, WAKE, QUARANTINE = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local DAEMON, LANE, NUMBER = ARGV[1], ARGV[3], tonumber(ARGV[4])
local WANT, ALONE, BYTES = tonumber(ARGV[5]), ARGV[6] == '1', tonumber(ARGV[10])
local call, match = redis.call, string.match

local deadline = call('ZSCORE', LEASES, DAEMON)
if not deadline or tonumber(deadline) < 0 then return {'lost'} end
local session = call('HMGET', SESSION, 'n' .. LANE, 'a' .. LANE)
if not session[1] then return {'lost'} end
local last = tonumber(session[1])
if NUMBER < last or (NUMBER == last and not session[2]) then return {'stale'} end
if NUMBER > last + 1 then return {'gap', last} end

-- All types are looked at before the first write: Lua rolls nothing back, a popped job must reach the in-flight hash.
local seen = tonumber(call('HGET', META, 'time') or 0)
local waiting = {}
for line = SUSPECTS, SUSPECTS + 10 do waiting[line] = call('LLEN', KEYS[line]) end
local holding = call('HLEN', HELD)
local awake = call('LLEN', WAKE)
call('LLEN', QUARANTINE)
call('HLEN', IN_FLIGHT)
call('HLEN', UNIQUE)
call('ZCARD', DEAD)
call('ZCARD', DELAYED)

local function ready_left()
  for line = READY, READY + 9 do
    if waiting[line] > 0 then return 1 end
  end
  return 0
end

if NUMBER == last then
  local answer = cmsgpack.unpack(session[2])
  local head = call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
  local jobs = {}
  if #answer.tokens > 0 then
    for _, record in ipairs(call('HMGET', IN_FLIGHT, unpack(answer.tokens))) do
      if record then jobs[#jobs + 1] = record end
    end
  end
  call('ZADD', LEASES, now + ARGV[2], DAEMON)
  return {'done', now, jobs, answer.refused, answer.refused_acks, answer.dropped, ready_left(),
    math.min(waiting[SUSPECTS], 1), head[1] and math.max(0, math.ceil(head[2] - now)) or -1, answer.alone}
end

local counters = {}
local function count(name, by)
  if by > 0 then counters[name] = (counters[name] or 0) + by end
end

local function free(key, id)
  if call('HGET', UNIQUE, key) == id then call('HDEL', UNIQUE, key) end
end

-- ---------------------------------------------------------------------------------------------------- settle

local refused, refused_acks, released = {}, 0, {}
local suspected, died = false, false

local function push(record)
  local line = line_of(record)
  call('RPUSH', KEYS[line], record)
  waiting[line] = waiting[line] + 1
  suspected = suspected or line == SUSPECTS
end

local function settle_plain(first, size)
  if holding > 0 then
    for i, key in ipairs(call('HMGET', HELD, unpack(ARGV, first, first + size - 1))) do
      if key then free(key, sub(ARGV[first + i - 1], 1, 36)) end
    end
    holding = holding - call('HDEL', HELD, unpack(ARGV, first, first + size - 1))
  end
  local ours = call('HDEL', IN_FLIGHT, unpack(ARGV, first, first + size - 1))
  count('completed', ours)
  refused_acks = size - ours
end

local function settle(kind, token, delay, counted, err, result, life)
  local record = call('HGET', IN_FLIGHT, token)
  if not record then
    refused[#refused + 1] = token
    return
  end
  call('HDEL', IN_FLIGHT, token)
  if holding > 0 then holding = holding - call('HDEL', HELD, token) end
  if not is_sound(record) then
    quarantine(QUARANTINE, record)
    count('dead', 1)
    return
  end

  local id, claims, unique = sub(token, 1, 36), tonumber(sub(token, 38)), unique_of(record)
  if result ~= '' then call('SET', ARGV[11] .. id, result, 'PX', life) end
  if (kind == 'ack' or kind == 'dead') and unique ~= '' then free(unique, id) end
  if kind == 'ack' then
    count('completed', 1)
  elseif kind == 'dead' then
    call('ZADD', DEAD, now, rewritten(record, claims, counted, err))
    died = true
    count('dead', 1)
  elseif kind == 'release' then
    released[#released + 1] = rewritten(record, claims)
  else
    local again = rewritten(record, claims, kind == 'snooze' and kind or counted, kind == 'retry' and err or nil)
    if kind == 'retry' then count('retried', 1) end
    if delay == '0' then push(again) else call('ZADD', DELAYED, now + delay, again) end
  end
end

local plain = tonumber(ARGV[13])
if plain > 0 then settle_plain(14, plain) end
for i = 14 + plain, #ARGV, 7 do settle(unpack(ARGV, i, i + 6)) end
count('refused', #refused + refused_acks)

-- Pushed from the last to the first, so that the first is at the head again.
for i = #released, 1, -1 do
  local line = line_of(released[i])
  call('LPUSH', KEYS[line], released[i])
  waiting[line] = waiting[line] + 1
  suspected = suspected or line == SUSPECTS
end

if died then
  call('ZREMRANGEBYSCORE', DEAD, '-inf', '(' .. (now - ARGV[9]))
  call('ZREMRANGEBYRANK', DEAD, 0, -1 - ARGV[8])
  call('HSET', META, 'keep_dead_ms', ARGV[9])
end

-- ----------------------------------------------------------------------------------------------------- claim

call('ZADD', LEASES, now + ARGV[2], DAEMON)
local next_due = promote(DELAYED, QUARANTINE, 256, BYTES, function(line, size)
  waiting[line] = waiting[line] + size
  suspected = suspected or line == SUSPECTS
end)

local records, tokens, fields, held, dropped = {}, {}, {}, {}, {}
local claimed, size, popped = 0, 0, 0
local NEVER, NOW, VERSION, byte = '0000000000000', format('%013d', now), 49, string.byte

-- What the header behind the id says; false when it is none. Most jobs of a queue have the same, so it is read once.
local headers = {}
local function read_header(tail)
  local claims, expires, unique = match(tail, HEADER)
  local read = claims and {
    suffix = ':' .. (claims + 1),
    expired = expires ~= NEVER and expires <= NOW,
    unique = unique ~= '000',
  } or false
  headers[tail] = read
  return read
end

local function drop(record, read)
  local id = read and sub(record, 2, 37) or ''
  dropped[#dropped + 1] = id
  dropped[#dropped + 1] = read and 'expired' or 'corrupt'
  if not read then return quarantine(QUARANTINE, record) end
  if read.unique then free(unique_of(record), id) end
  if sub(record, 53, 53) == '1' then call('SET', ARGV[11] .. id, ARGV[12], 'PX', ARGV[7]) end
  count('expired', 1)
end

-- Pops from one line until `limit` jobs are claimed in all. Chunks grow from few, so that large jobs are not popped in
-- vain; what passes the limit of bytes goes back. At most 256 are popped, however many of them are dropped.
local function take(line, limit)
  local chunk = 4
  while claimed < limit and popped < 256 and size < BYTES and waiting[line] > 0 do
    local list = call('LPOP', KEYS[line], math.min(chunk, limit - claimed, 256 - popped))
    if not list then break end
    chunk = chunk * 8
    local used = #list
    for i = 1, #list do
      local record = list[i]
      local tail = sub(record, 38, 77)
      local read = headers[tail]
      if read == nil then read = read_header(tail) end
      if not read or byte(record) ~= VERSION then
        drop(record)
      elseif read.expired then
        drop(record, read)
      else
        local token = sub(record, 2, 37) .. read.suffix
        claimed = claimed + 1
        records[claimed], tokens[claimed] = record, token
        fields[2 * claimed - 1], fields[2 * claimed] = token, record
        if read.unique then
          held[#held + 1] = token
          held[#held + 1] = unique_of(record)
        end
        size = size + #record
        if size >= BYTES then
          used = i
          break
        end
      end
    end
    for i = #list, used + 1, -1 do call('LPUSH', KEYS[line], list[i]) end
    popped = popped + used
    waiting[line] = waiting[line] - used
  end
end

if WANT > 0 and ALONE and waiting[SUSPECTS] > 0 then take(SUSPECTS, 1) end
local alone = claimed

-- Every 8th number starts at the lowest priority, or it would starve.
if WANT > 0 and alone == 0 then
  local from, to, step = READY, READY + 9, 1
  if NUMBER % 8 == 0 then from, to, step = to, from, -1 end
  for line = from, to, step do take(line, WANT) end
end
if claimed > 0 then call('HSET', IN_FLIGHT, unpack(fields)) end
if #held > 0 then call('HSET', HELD, unpack(held)) end

-- ---------------------------------------------------------------------------------------------------- record

call('HSET', SESSION, 'n' .. LANE, NUMBER, 'a' .. LANE, cmsgpack.pack({
  tokens = tokens, refused = refused, refused_acks = refused_acks, dropped = dropped, alone = alone,
}))
for name, by in pairs(counters) do call('HINCRBY', META, name, by) end
if now > seen + 1000 then call('HSET', META, 'time', now) end
local more = ready_left()
if awake == 0 and (more == 1 or (suspected and waiting[SUSPECTS] > 0)) then call('RPUSH', WAKE, '1') end
return {'done', now, records, refused, refused_acks, dropped, more, math.min(waiting[SUSPECTS], 1),
  next_due, alone}
