#!lua
-- Stores a batch of jobs or nothing; a repeat answers what the first call answered. Refused when memory is full.
--
-- KEYS 1 batch marker, 2 meta, 3 unique, 4 delayed, 5 wake, then the lines (ready:0 to ready:9) that are needed
-- ARGV 1 not after, 2 schema, 3 epoch to write when there is none, then groups in the order of the batch, each
--      a kind, a count and so many items:
--        '0'..'9'  ready, for that line (0 is KEYS[6]): record
--        'd'       delayed: delay ms, record
--        'u'       with a unique key: index in the batch, unique key, id, line, delay ms, record
-- Returns {'stored', now, index, id of the holder, ...} naming the jobs that were not stored, {'late', now},
--         or {'unfit', schema that is there}

local limit = tonumber(ARGV[1])
local meta = redis.call('HMGET', KEYS[2], 'schema', 'time', 'paused')
if meta[1] and meta[1] ~= ARGV[2] then return {'unfit', meta[1]} end

-- The highest time seen, so that a late repeat stays late after the clock jumped ahead and back.
local seen = tonumber(meta[2]) or 0
local latest = math.max(now, seen)
if latest > limit then return {'late', latest} end

local answer = {'stored', latest}
local marker = redis.call('GET', KEYS[1])
if marker then
  for part in string.gmatch(marker, '%S+') do answer[#answer + 1] = part end
  return answer
end

-- Before anything is written a key of the wrong type has to fail: all reads come first. What goes to one line needs none of
-- it but its own push.
local woken = redis.call('LLEN', KEYS[5]) > 0
local stored = 0

local function store_one_line()
  redis.call('RPUSH', KEYS[6], unpack(ARGV, 6))
  stored = tonumber(ARGV[5])
end

local function store_groups()
  redis.call('ZCARD', KEYS[4])
  local holders, targets = {}, {}
  local i = 4
  while ARGV[i] do
    local kind, count = ARGV[i], tonumber(ARGV[i + 1])
    i = i + 2
    if kind == 'd' then
      i = i + 2 * count
    elseif kind == 'u' then
      local asked = {}
      for at = i, i + 6 * (count - 1), 6 do
        asked[#asked + 1] = ARGV[at + 1]
        targets[ARGV[at + 3]] = true
      end
      local held = redis.call('HMGET', KEYS[3], unpack(asked))
      for n, key in ipairs(asked) do
        local at = i + 6 * (n - 1)
        local holder = holders[key] or held[n]
        if holder then
          answer[#answer + 1] = ARGV[at]
          answer[#answer + 1] = holder
        end
        holders[key] = holder or ARGV[at + 2]
      end
      i = i + 6 * count
    else
      targets[kind] = true
      i = i + count
    end
  end
  for line in pairs(targets) do redis.call('LLEN', KEYS[6 + line]) end

  local refused = {}
  for at = 3, #answer, 2 do refused[answer[at]] = true end
  i = 4
  while ARGV[i] do
    local kind, count = ARGV[i], tonumber(ARGV[i + 1])
    i = i + 2
    if kind == 'd' then
      local delayed = {}
      for at = i, i + 2 * (count - 1), 2 do
        delayed[#delayed + 1] = now + ARGV[at]
        delayed[#delayed + 1] = ARGV[at + 1]
      end
      redis.call('ZADD', KEYS[4], unpack(delayed))
      stored = stored + count
      i = i + 2 * count
    elseif kind == 'u' then
      local held = {}
      for at = i, i + 6 * (count - 1), 6 do
        if not refused[ARGV[at]] then
          held[#held + 1] = ARGV[at + 1]
          held[#held + 1] = ARGV[at + 2]
          if ARGV[at + 4] == '0' then
            redis.call('RPUSH', KEYS[6 + ARGV[at + 3]], ARGV[at + 5])
          else
            redis.call('ZADD', KEYS[4], now + ARGV[at + 4], ARGV[at + 5])
          end
        end
      end
      if #held > 0 then redis.call('HSET', KEYS[3], unpack(held)) end
      stored = stored + #held / 2
      i = i + 6 * count
    else
      redis.call('RPUSH', KEYS[6 + kind], unpack(ARGV, i, i + count - 1))
      stored = stored + count
      i = i + count
    end
  end
end

if ARGV[4] == '0' and #ARGV == 5 + ARGV[5] then store_one_line() else store_groups() end

redis.call('SET', KEYS[1], table.concat(answer, ' ', 3), 'PXAT', limit + 60000)
if not meta[1] then redis.call('HSET', KEYS[2], 'schema', ARGV[2], 'epoch', ARGV[3]) end
if now > seen + 1000 then redis.call('HSET', KEYS[2], 'time', now) end
redis.pcall('HINCRBY', KEYS[2], 'enqueued', stored)
if stored > 0 and not meta[3] and not woken then redis.call('RPUSH', KEYS[5], '1') end
return answer
