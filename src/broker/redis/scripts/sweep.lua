#!lua flags=allow-oom
-- Makes due jobs ready unless the queue is paused, brings back leases that lie too far ahead (the clock stepped back), bounds the age of dead
-- jobs, and tells the leases.
--
-- KEYS 1 leases, 2 meta, 3 delayed, 4 dead, 5 wake, 6 quarantine, 7 suspects, 8 to 17 ready:0 to ready:9
-- ARGV 1 lease ms, 2 most bytes to promote
-- Returns {now, {daemon, deadline, ...}}

local meta = redis.call('HMGET', KEYS[2], 'time', 'keep_dead_ms', 'paused')
redis.call('ZCARD', KEYS[4])
local awake = redis.call('LLEN', KEYS[5])
for i = 7, 17 do redis.call('LLEN', KEYS[i]) end
local head = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')

local ahead = redis.call('ZRANGE', KEYS[1], '(' .. (now + ARGV[1] + 5000), '+inf', 'BYSCORE')
for _, daemon in ipairs(ahead) do redis.call('ZADD', KEYS[1], now + ARGV[1], daemon) end
if tonumber(meta[2]) then redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', '(' .. (now - meta[2])) end

local promoted = 0
if not meta[3] then
  promote(KEYS[3], head, KEYS[6], 1000, tonumber(ARGV[2]), function(_, size) promoted = promoted + size end)
end
if promoted > 0 and awake == 0 then redis.call('RPUSH', KEYS[5], '1') end
if now > (tonumber(meta[1]) or 0) + 1000 then redis.call('HSET', KEYS[2], 'time', now) end
return {now, redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')}
