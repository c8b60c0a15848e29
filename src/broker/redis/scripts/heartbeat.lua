#!lua flags=allow-oom
-- Renews a lease that nobody has taken, also when it has passed. Where somebody has removed the lease and left the jobs
-- in flight, it puts one there that is over: nobody else would find them.
--
-- KEYS 1 leases, 2 session, 3 inflight, 4 meta
-- ARGV 1 daemon, 2 lease ms
-- Returns {'renewed', jobs in flight, now} or {'lost'}

local deadline = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not deadline and redis.call('HLEN', KEYS[3]) > 0 then redis.call('ZADD', KEYS[1], 1, ARGV[1]) end
if not deadline or tonumber(deadline) < 0 then return {'lost'} end
if redis.call('HEXISTS', KEYS[2], 'n0') == 0 then return {'lost'} end
local in_flight = redis.call('HLEN', KEYS[3])
local seen = tonumber(redis.call('HGET', KEYS[4], 'time')) or 0

redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
if now > seen + 1000 then redis.call('HSET', KEYS[4], 'time', now) end
return {'renewed', in_flight, now}
