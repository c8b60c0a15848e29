#!lua flags=allow-oom
-- Tells how far a schedule has come. One that is not known, or lies too far ahead (the clock was wrong), is set to now.
--
-- KEYS 1 schedules, 2 meta
-- ARGV 1 schedule, 2 how far it may lie ahead, ms, 3 schema, 4 epoch to write when there is none
-- Returns {'known', now, tick, id of the holder or ''} or {'unfit', schema that is there}

local schema = redis.call('HGET', KEYS[2], 'schema')
if schema and schema ~= ARGV[3] then return {'unfit', schema} end
local mark = redis.call('HGET', KEYS[1], ARGV[1])
local tick, holder = string.match(mark or '', '^(%d+) ?(%S*)$')
if tick and tonumber(tick) <= now + ARGV[2] then return {'known', now, tick, holder} end

if not schema then redis.call('HSET', KEYS[2], 'schema', ARGV[3], 'epoch', ARGV[4]) end
local seeded = string.format('%.0f', now)
redis.call('HSET', KEYS[1], ARGV[1], seeded)
return {'known', now, seeded, ''}
