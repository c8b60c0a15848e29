#!lua flags=allow-oom
-- Ends an empty session and leaves a tombstone, so that a late copy of `open` revives nothing. With jobs in flight, or
-- while the lease is being taken, nothing is done.
--
-- KEYS 1 leases, 2 session, 3 inflight, 4 held
-- ARGV 1 daemon, 2 life of the tombstone ms
-- Returns 1 when the session has ended now, else 0

local deadline = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not deadline or tonumber(deadline) < 0 then return 0 end
if redis.call('HLEN', KEYS[3]) > 0 then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2], KEYS[4])
redis.call('HSET', KEYS[2], 'tombstone', 0)
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
