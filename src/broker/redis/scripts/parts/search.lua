-- Looks for a job, a bounded number of entries per call. Every script that uses this part has as its first keys leases,
-- delayed, dead and as its last suspects, ready:0 to ready:9; as its first arguments: 1 id, 2 place to begin (an index in
-- KEYS; '' = the first of the order), 3 rank to begin, 4 most entries, 5 most bytes, 6 prefix of in-flight keys.

local ID = ARGV[1]

local function in_flight()
  for _, daemon in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    for _, token in ipairs(redis.call('HKEYS', ARGV[6] .. daemon)) do
      if sub(token, 1, 36) == ID then
        return {place = 1, record = redis.call('HGET', ARGV[6] .. daemon, token), at = '', daemon = daemon}
      end
    end
  end
end

-- Returns what was found, or nil and what the script is to answer: {'next', place, rank} or {'none'}.
local function search(order)
  local entries, bytes = tonumber(ARGV[4]), tonumber(ARGV[5])
  local rank, begun = tonumber(ARGV[3]), ARGV[2] == ''
  for _, place in ipairs(order) do
    begun = begun or place == tonumber(ARGV[2])
    if begun and place == 1 then
      local found = in_flight()
      if found then return found end
    elseif begun then
      local ranked = place == 2 or place == 3
      repeat
        if entries <= 0 or bytes <= 0 then return nil, {'next', place, rank} end
        local chunk = ranked and redis.call('ZRANGE', KEYS[place], rank, rank + 49, 'WITHSCORES')
          or redis.call('LRANGE', KEYS[place], rank, rank + 49)
        local width = ranked and 2 or 1
        for i = 1, #chunk, width do
          if sub(chunk[i], 2, 37) == ID then
            return {place = place, record = chunk[i], at = ranked and chunk[i + 1] or '', daemon = '', rank = rank}
          end
          bytes = bytes - #chunk[i]
        end
        local read = #chunk / width
        entries, rank = entries - read, rank + read
      until read < 50
    end
    if begun then rank = 0 end
  end
  return nil, {'none'}
end

-- Delayed or dead first: where an operator's job mostly is.
local function operator_order()
  local order = {3, 2}
  for line = SUSPECTS, SUSPECTS + 10 do order[#order + 1] = line end
  order[#order + 1] = 1
  return order
end

