#!lua flags=allow-oom
-- Creates a daemon's lease and session. Refused for an id whose lease was taken or whose session has ended.
--
-- KEYS 1 leases, 2 session, 3 meta
-- ARGV 1 daemon, 2 lease ms, 3 schema, 4 epoch to write when there is none
-- Returns {'opened'}, {'refused'} or {'unfit', schema that is there}

local schema = redis.call('HGET', KEYS[3], 'schema')
if schema and schema ~= ARGV[3] then return {'unfit', schema} end
local session = redis.call('HMGET', KEYS[2], 'tombstone', 'n0', 'n1')
local deadline = redis.call('ZSCORE', KEYS[1], ARGV[1])
if session[1] or (deadline and tonumber(deadline) < 0) then return {'refused'} end

-- A late copy that meets a session in use must not keep a dead daemon's lease alive.
if session[2] and (session[2] ~= '0' or session[3] ~= '0') then return {'opened'} end

if not schema then redis.call('HSET', KEYS[3], 'schema', ARGV[3], 'epoch', ARGV[4]) end
redis.call('HSET', KEYS[2], 'n0', 0, 'n1', 0)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return {'opened'}
