#!lua flags=allow-oom
-- Takes the lease of a dead daemon and moves what it had in flight back to the heads of the lines, a chunk per call,
-- the youngest first, so that the oldest ends at the head. The last chunk removes the lease and leaves a tombstone.
--
-- KEYS 1 leases, 2 session, 3 inflight, 4 held, 5 meta, 6 wake, 7 quarantine, 8 suspects, 9 to 18 ready:0 to ready:9
-- ARGV 1 daemon, 2 deadline as observed, 3 '1' when the daemon was proven dead, 4 life of the tombstone ms,
--      5 most jobs, 6 most bytes to move
-- Returns {'reclaimed', moved so far, more} or {'alive'}

local LEASES, SESSION, IN_FLIGHT, META, WAKE = KEYS[1], KEYS[2], KEYS[3], KEYS[5], KEYS[6]
local deadline = tonumber(redis.call('ZSCORE', LEASES, ARGV[1]) or '')
local moved = tonumber(redis.call('HGET', SESSION, 'tombstone') or 0)
if not deadline then return {'reclaimed', moved, 0} end
if deadline >= 0 and (deadline ~= tonumber(ARGV[2]) or (deadline > now and ARGV[3] ~= '1')) then return {'alive'} end
local tokens = redis.call('HKEYS', IN_FLIGHT)
local paused = redis.call('HGET', META, 'paused')
local awake = redis.call('LLEN', WAKE)
for i = 8, 18 do redis.call('LLEN', KEYS[i]) end

-- From here on the old owner is refused.
if deadline >= 0 then
  redis.call('ZADD', LEASES, -1, ARGV[1])
  redis.call('DEL', SESSION)
end

table.sort(tokens)
local left, size, lines, chunk = #tokens, 0, {}, 0
while left > 0 and chunk < tonumber(ARGV[5]) and size < tonumber(ARGV[6]) do
  local first = math.max(1, left - 15)
  local records = redis.call('HMGET', IN_FLIGHT, unpack(tokens, first, left))
  for i = #records, 1, -1 do
    local record, token = records[i], tokens[first + i - 1]
    size = size + #record
    local claims = tonumber(string.match(token, ':(%d+)$') or '')
    if claims and is_sound(record, sub(token, 1, 36)) then
      -- A suspect ran alone: its daemon's death is its own crash.
      record = rewritten(record, claims, sub(record, 50, 51) >= '02' and 'crash' or 'recovery')
      local line = line_of(record)
      lines[line] = lines[line] or {}
      table.insert(lines[line], record)
      chunk = chunk + 1
    else
      quarantine(KEYS[7], record)
    end
  end
  redis.call('HDEL', IN_FLIGHT, unpack(tokens, first, left))
  left = first - 1
end
for line, records in pairs(lines) do redis.call('LPUSH', KEYS[line], unpack(records)) end

moved = moved + chunk
redis.call('HSET', SESSION, 'tombstone', moved)
redis.pcall('HINCRBY', META, 'reclaimed', chunk)
if chunk > 0 and awake == 0 and not paused then redis.call('RPUSH', WAKE, '1') end
if left == 0 then
  redis.call('DEL', KEYS[4])
  redis.call('ZREM', LEASES, ARGV[1])
  redis.call('PEXPIRE', SESSION, ARGV[4])
end
return {'reclaimed', moved, left > 0 and 1 or 0}
