#!lua flags=allow-oom
-- Removes the first jobs of one state; a repeat answers what the first call answered. Those that waited free their unique
-- keys and end cancelled.
--
-- KEYS 1 marker, 2 meta, 3 unique, 4 delayed, 5 dead, 6 suspects, 7 to 16 ready:0 to ready:9
-- ARGV 1 not after, 2 state, 3 most jobs, 4 most bytes, 5 prefix of result keys, 6 result of a deleted job,
--      7 life of the result ms
-- Returns {'purged', now, removed, 1 when jobs of that state are left, else 0} or {'late', now}

local call = redis.call
local latest = math.max(now, tonumber(call('HGET', KEYS[2], 'time')) or 0)
if latest > tonumber(ARGV[1]) then return {'late', latest} end

-- All reads come first: a key of the wrong type fails here, before anything is written.
local STATE, LIMIT, BYTES = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local places = STATE == 'delayed' and {4} or STATE == 'dead' and {5} or {6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
local left = 0
for _, place in ipairs(places) do left = left + call(place < 6 and 'ZCARD' or 'LLEN', KEYS[place]) end
call('HLEN', KEYS[3])
local marker = call('GET', KEYS[1])
if marker then return {'purged', latest, tonumber(marker) or 0, left > 0 and 1 or 0} end

local removed, size = 0, 0

-- The keys of jobs that waited and now hold them no more.
local function free(keys, holders)
  if #keys == 0 then return end
  local mine = {}
  for i, holder in ipairs(call('HMGET', KEYS[3], unpack(keys))) do
    if holder == holders[i] then mine[#mine + 1] = keys[i] end
  end
  if #mine > 0 then call('HDEL', KEYS[3], unpack(mine)) end
end

local function cancelled(records)
  local keys, holders = {}, {}
  for _, record in ipairs(records) do
    local header = header_of(record)
    if header then
      local id = sub(record, 2, 37)
      if header.unique > 0 then
        keys[#keys + 1] = unique_of(record)
        holders[#keys] = id
      end
      if sub(record, 53, 53) == '1' then call('SET', ARGV[5] .. id, ARGV[6], 'PX', ARGV[7]) end
    end
  end
  free(keys, holders)
  redis.pcall('HINCRBY', KEYS[2], 'cancelled', #records)
end

for _, place in ipairs(places) do
  local chunk
  repeat
    -- One at first, then as many as should fit: large jobs are not read by the dozen.
    local fit = removed == 0 and 1 or math.floor((BYTES - size) * removed / size) + 1
    local want = math.min(64, LIMIT - removed, fit)
    if want <= 0 or size >= BYTES then break end
    if place < 6 then
      chunk = call('ZRANGE', KEYS[place], 0, want - 1)
      call('ZREMRANGEBYRANK', KEYS[place], 0, want - 1)
    else
      chunk = call('LPOP', KEYS[place], want) or {}
    end
    for _, record in ipairs(chunk) do size = size + #record end
    removed = removed + #chunk
    if #chunk > 0 and STATE ~= 'dead' then cancelled(chunk) end
  until #chunk < want
end
call('SET', KEYS[1], removed, 'PXAT', tonumber(ARGV[1]) + 60000)
return {'purged', latest, removed, left > removed and 1 or 0}
