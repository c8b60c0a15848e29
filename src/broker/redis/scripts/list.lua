#!lua flags=no-writes
-- Shows jobs of one state, the first in line first (dead: the latest first).
--
-- KEYS 1 leases, 2 delayed, 3 dead, 4 suspects, 5 to 14 ready:0 to ready:9
-- ARGV 1 state, 2 limit, 3 most bytes, 4 prefix of in-flight keys
-- Returns {record, due or death time or '', daemon or '', ...}

local LIMIT, BYTES = tonumber(ARGV[2]), tonumber(ARGV[3])
local found, listed, size = {}, 0, 0

local function show(record, at, daemon)
  if listed >= LIMIT or size >= BYTES then return false end
  listed, size = listed + 1, size + #record
  found[#found + 1], found[#found + 2], found[#found + 3] = record, at, daemon
  return true
end

-- Reads a line or a set by rank in chunks, so that a limit of bytes stops it in time.
local function walk(read, width)
  local start = 0
  while true do
    local chunk = read(start, start + 15)
    for i = 1, #chunk, width do
      if not show(chunk[i], width == 2 and chunk[i + 1] or '', '') then return end
    end
    if #chunk < 16 * width then return end
    start = start + 16
  end
end

if ARGV[1] == 'ready' then
  for i = 5, 14 do walk(function(from, to) return redis.call('LRANGE', KEYS[i], from, to) end, 1) end
  walk(function(from, to) return redis.call('LRANGE', KEYS[4], from, to) end, 1)
elseif ARGV[1] == 'delayed' then
  walk(function(from, to) return redis.call('ZRANGE', KEYS[2], from, to, 'WITHSCORES') end, 2)
elseif ARGV[1] == 'dead' then
  walk(function(from, to) return redis.call('ZRANGE', KEYS[3], from, to, 'REV', 'WITHSCORES') end, 2)
else
  local tokens = {}
  for _, daemon in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    for _, token in ipairs(redis.call('HKEYS', ARGV[4] .. daemon)) do tokens[#tokens + 1] = token .. ' ' .. daemon end
  end
  table.sort(tokens)
  for _, entry in ipairs(tokens) do
    local token, daemon = string.match(entry, '^(%S+) (.*)$')
    if not show(redis.call('HGET', ARGV[4] .. daemon, token), '', daemon) then break end
  end
end
return found
