#!lua flags=allow-oom
-- Brings broker and daemon together after lost writes: raises the numbers of the lanes to the daemon's own, voids the
-- stored answer of a lane only where it raises, lists what is in flight.
--
-- KEYS 1 leases, 2 session, 3 inflight
-- ARGV 1 daemon, 2 lease ms, 3 number of lane 0, 4 number of lane 1
-- Returns {'synced', now, tokens} or {'lost'}

local deadline = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not deadline or tonumber(deadline) < 0 then return {'lost'} end
local numbers = redis.call('HMGET', KEYS[2], 'n0', 'n1')
if not numbers[1] then return {'lost'} end
local tokens = redis.call('HKEYS', KEYS[3])

for lane = 0, 1 do
  if tonumber(ARGV[3 + lane]) > tonumber(numbers[1 + lane]) then
    redis.call('HSET', KEYS[2], 'n' .. lane, ARGV[3 + lane])
    redis.call('HDEL', KEYS[2], 'a' .. lane)
  end
end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return {'synced', now, tokens}
