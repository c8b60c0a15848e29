#!lua flags=no-writes
-- Counts the jobs of each state.
--
-- KEYS 1 leases, 2 meta, 3 delayed, 4 dead, 5 suspects, 6 to 15 ready:0 to ready:9
-- ARGV 1 prefix of in-flight keys
-- Returns {now, ready, delayed, in flight, dead, ids at the heads of the lines, {counter, value, ...} of meta}

local ready, heads, in_flight = 0, {}, 0
for i = 5, 15 do
  local length = redis.call('LLEN', KEYS[i])
  if length > 0 then heads[#heads + 1] = string.sub(redis.call('LINDEX', KEYS[i], 0), 2, 37) end
  ready = ready + length
end
for _, daemon in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  in_flight = in_flight + redis.call('HLEN', ARGV[1] .. daemon)
end
return {now, ready, redis.call('ZCARD', KEYS[3]), in_flight, redis.call('ZCARD', KEYS[4]), heads,
  redis.call('HGETALL', KEYS[2])}
