#!lua flags=no-writes
-- Looks for a job, a bounded number of entries per call. It goes the way that jobs go (delayed, ready, in flight, dead),
-- so that a job which moves on between two calls is met later.
--
-- KEYS 1 leases, 2 delayed, 3 dead, 4 suspects, 5 to 14 ready:0 to ready:9
-- ARGV 1 id, 2 place to begin (2, 4 to 14, 1, 3 in this order, as keys above), 3 rank to begin, 4 most entries,
--      5 most bytes, 6 prefix of in-flight keys
-- Returns {'found', place, record, time or '', daemon or ''}, {'next', place, rank} or {'none'}

local ID, ORDER = ARGV[1], {2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 1, 3}
local entries, bytes = tonumber(ARGV[4]), tonumber(ARGV[5])

local function in_flight()
  for _, daemon in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    for _, token in ipairs(redis.call('HKEYS', ARGV[6] .. daemon)) do
      if string.sub(token, 1, 36) == ID then
        return {'found', 1, redis.call('HGET', ARGV[6] .. daemon, token), '', daemon}
      end
    end
  end
end

local rank, begun = tonumber(ARGV[3]), false
for _, place in ipairs(ORDER) do
  begun = begun or place == tonumber(ARGV[2])
  if begun and place == 1 then
    local found = in_flight()
    if found then return found end
  elseif begun then
    local ranked = place == 2 or place == 3
    repeat
      if entries <= 0 or bytes <= 0 then return {'next', place, rank} end
      local chunk = ranked and redis.call('ZRANGE', KEYS[place], rank, rank + 49, 'WITHSCORES')
        or redis.call('LRANGE', KEYS[place], rank, rank + 49)
      local width = ranked and 2 or 1
      for i = 1, #chunk, width do
        if string.sub(chunk[i], 2, 37) == ID then
          return {'found', place, chunk[i], ranked and chunk[i + 1] or '', ''}
        end
        bytes = bytes - #chunk[i]
      end
      local read = #chunk / width
      entries, rank = entries - read, rank + read
    until read < 50
  end
  if begun then rank = 0 end
end
return {'none'}
