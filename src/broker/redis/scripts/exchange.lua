#!lua flags=allow-oom
-- Settles a batch and claims the next. The last number of the lane again: no effect but on the lease, the same answer.
--
-- KEYS 1 leases, 2 session, 3 meta, 4 dead, 5 unique, 6 wake, 7 quarantine, 8 inflight, 9 held, 10 delayed,
--      11 suspects, 12 to 21 ready:0 to ready:9
-- ARGV 1 daemon, 2 lease ms, 3 lane, 4 number, 5 want, 6 alone ('1' or '0'), 7 life of the result of a dropped job ms,
--      8 most dead jobs, 9 greatest age of a dead job ms, 10 most bytes to claim, 11 prefix of result keys,
--      12 result of an expired job, 13 number of plain acks, then their tokens, then the other settlements in groups
--      of seven: type, token, delay ms, count, error, result, life of the result ms ('' where there is none)
-- Returns {'done', now, records, refused tokens, refused acks, {id, reason, ...} dropped, more, suspects wait,
--          next due ms or -1, alone}, {'lost'}, {'stale'} or {'gap', last number}

local LEASES, SESSION, META, DEAD, UNIQUE = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local WAKE, QUARANTINE, IN_FLIGHT, HELD, DELAYED = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local DAEMON, LANE, NUMBER = ARGV[1], ARGV[3], tonumber(ARGV[4])
-- The line of jobs that name no priority.
local USUAL = READY + 5
local WANT, ALONE, BYTES = tonumber(ARGV[5]), ARGV[6] == '1', tonumber(ARGV[10])
local call = redis.call

local deadline = call('ZSCORE', LEASES, DAEMON)
-- As in heartbeat: a lease that somebody removed.
if not deadline and call('HLEN', IN_FLIGHT) > 0 then call('ZADD', LEASES, 1, DAEMON) end
if not deadline or tonumber(deadline) < 0 then return {'lost'} end
local session = call('HMGET', SESSION, 'n' .. LANE, 'a' .. LANE)
if not session[1] then return {'lost'} end
local last = tonumber(session[1])
if NUMBER < last or (NUMBER == last and not session[2]) then return {'stale'} end
if NUMBER > last + 1 then return {'gap', last} end

-- Types are looked at before the first write: Lua rolls nothing back, and a popped job must reach the in-flight hash.
-- What comes after the claim cannot fail (pcall).
local plain = tonumber(ARGV[13])
local others = 14 + plain
local meta = call('HMGET', META, 'time', 'paused')
local seen, paused = tonumber(meta[1]) or 0, meta[2]
if ARGV[others] then call('ZCARD', DEAD) end
-- Of these keys few exist at a time: they are looked at until all of those are found.
local hidden = call('EXISTS', unpack(KEYS, 8))
local waiting, holding, head = {}, 0, {}

local function found(size)
  if size > 0 then hidden = hidden - 1 end
  return size
end

for line = SUSPECTS, READY + 9 do waiting[line] = 0 end
if hidden > 0 then waiting[USUAL] = found(call('LLEN', KEYS[USUAL])) end
if hidden > 0 then found(call('HLEN', IN_FLIGHT)) end
if hidden > 0 then holding = found(call('HLEN', HELD)) end
if hidden > 0 then
  head = call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
  found(#head)
end
if hidden > 0 then
  for line = SUSPECTS, READY + 9 do
    if line ~= USUAL then waiting[line] = found(call('LLEN', KEYS[line])) end
  end
end
-- Of a paused queue nothing is claimed or made due, and nobody is told that something could be.
if paused then WANT = 0 end

local function ready_left()
  if paused then return 0 end
  for line = READY, READY + 9 do
    if waiting[line] > 0 then return 1 end
  end
  return 0
end

local function suspects_left()
  return paused and 0 or math.min(waiting[SUSPECTS], 1)
end

if NUMBER == last then
  local answer = cmsgpack.unpack(session[2])
  local jobs = {}
  if #answer.tokens > 0 then
    for _, record in ipairs(call('HMGET', IN_FLIGHT, unpack(answer.tokens))) do
      if record then jobs[#jobs + 1] = record end
    end
  end
  call('ZADD', LEASES, now + ARGV[2], DAEMON)
  return {'done', now, jobs, answer.refused, answer.refused_acks, answer.dropped, ready_left(),
    suspects_left(), not paused and head[1] and math.max(0, math.ceil(head[2] - now)) or -1, answer.alone}
end

local counters = {}
local function count(name, by)
  if by > 0 then counters[name] = (counters[name] or 0) + by end
end

-- Frees those unique keys that these jobs still hold.
local function free(keys, ids)
  if #keys == 0 then return end
  local mine = {}
  for i, holder in ipairs(redis.pcall('HMGET', UNIQUE, unpack(keys))) do
    if holder == ids[i] then mine[#mine + 1] = keys[i] end
  end
  if #mine > 0 then call('HDEL', UNIQUE, unpack(mine)) end
end

-- ---------------------------------------------------------------------------------------------------- settle

local refused, refused_acks = {}, 0
local suspected = false
-- What the settlements write, by key: one command each.
local gone, died, delayed, released, lines = {}, {}, {}, {}, {}

local function settle_plain(first, size)
  if holding > 0 then
    local keys, ids = {}, {}
    for i, key in ipairs(call('HMGET', HELD, unpack(ARGV, first, first + size - 1))) do
      if key then
        keys[#keys + 1] = key
        ids[#keys] = sub(ARGV[first + i - 1], 1, 36)
      end
    end
    free(keys, ids)
    holding = holding - call('HDEL', HELD, unpack(ARGV, first, first + size - 1))
  end
  local ours = call('HDEL', IN_FLIGHT, unpack(ARGV, first, first + size - 1))
  count('completed', ours)
  refused_acks = size - ours
end

local function settle(record, kind, token, delay, counted, err, result, life)
  local id, claims = sub(token, 1, 36), tonumber(string.match(token, '^:(%d+)$', 37))
  if not claims or not is_sound(record, id) then
    quarantine(QUARANTINE, record)
    return count('dead', 1)
  end
  if result ~= '' then call('SET', ARGV[11] .. id, result, 'PX', life) end
  if kind == 'ack' or kind == 'dead' then
    local unique = unique_of(record)
    if unique ~= '' then free({unique}, {id}) end
  end
  if kind == 'ack' then
    count('completed', 1)
  elseif kind == 'dead' then
    died[#died + 1] = now
    died[#died + 1] = rewritten(record, claims, counted, err)
    count('dead', 1)
  elseif kind == 'release' then
    released[#released + 1] = rewritten(record, claims)
  else
    local again = rewritten(record, claims, kind == 'snooze' and kind or counted, kind == 'retry' and err or nil)
    if kind == 'retry' then count('retried', 1) end
    if delay == '0' then
      local line = line_of(again)
      lines[line] = lines[line] or {}
      table.insert(lines[line], again)
    else
      delayed[#delayed + 1] = now + delay
      delayed[#delayed + 1] = again
    end
  end
end

local function settle_others()
  local tokens, settled = {}, {}
  for i = others, #ARGV, 7 do tokens[#tokens + 1] = ARGV[i + 1] end
  local records = call('HMGET', IN_FLIGHT, unpack(tokens))
  for n, token in ipairs(tokens) do
    if records[n] and not settled[token] then
      settled[token] = true
      gone[#gone + 1] = token
      local i = others + 7 * (n - 1)
      settle(records[n], unpack(ARGV, i, i + 6))
    else
      refused[#refused + 1] = token
    end
  end
  if #gone == 0 then return end
  call('HDEL', IN_FLIGHT, unpack(gone))
  if holding > 0 then call('HDEL', HELD, unpack(gone)) end
end

if plain > 0 then settle_plain(14, plain) end
if ARGV[others] then settle_others() end
count('refused', #refused + refused_acks)

for line, records in pairs(lines) do
  call('RPUSH', KEYS[line], unpack(records))
  waiting[line] = waiting[line] + #records
  suspected = suspected or line == SUSPECTS
end
if #delayed > 0 then
  call('ZADD', DELAYED, unpack(delayed))
  head = call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
end
-- Pushed from the last to the first, so that the first is at the head again.
for i = #released, 1, -1 do
  local line = line_of(released[i])
  call('LPUSH', KEYS[line], released[i])
  waiting[line] = waiting[line] + 1
  suspected = suspected or line == SUSPECTS
end
if #died > 0 then
  call('ZADD', DEAD, unpack(died))
  call('ZREMRANGEBYSCORE', DEAD, '-inf', '(' .. (now - ARGV[9]))
  call('ZREMRANGEBYRANK', DEAD, 0, -1 - ARGV[8])
  call('HSET', META, 'keep_dead_ms', ARGV[9])
end

-- ----------------------------------------------------------------------------------------------------- claim

call('ZADD', LEASES, now + ARGV[2], DAEMON)
local next_due = paused and -1 or promote(DELAYED, head, QUARANTINE, 256, BYTES, function(line, size)
  waiting[line] = waiting[line] + size
  suspected = suspected or line == SUSPECTS
end)

local records, tokens, fields, held, dropped = {}, {}, {}, {}, {}
local claimed, size, popped = 0, 0, 0

local function drop(record, header)
  local id = header and sub(record, 2, 37) or ''
  dropped[#dropped + 1] = id
  dropped[#dropped + 1] = header and 'expired' or 'corrupt'
  if not header then return quarantine(QUARANTINE, record) end
  if header.unique > 0 then free({unique_of(record)}, {id}) end
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
      local header = header_of(record)
      if not header or (header.expires ~= 0 and header.expires <= now) then
        drop(record, header)
      else
        local token = sub(record, 2, 37) .. header.suffix
        claimed = claimed + 1
        records[claimed], tokens[claimed] = record, token
        fields[2 * claimed - 1], fields[2 * claimed] = token, record
        if header.unique > 0 then
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
for name, by in pairs(counters) do redis.pcall('HINCRBY', META, name, by) end
if now > seen + 1000 then call('HSET', META, 'time', now) end
local more = ready_left()
if (more == 1 or (suspected and suspects_left() == 1)) and redis.pcall('LLEN', WAKE) == 0 then
  call('RPUSH', WAKE, '1')
end
return {'done', now, records, refused, refused_acks, dropped, more, suspects_left(),
  next_due, alone}
