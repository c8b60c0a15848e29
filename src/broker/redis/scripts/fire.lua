#!lua
-- Stores the job of a tick and moves its schedule there, if the schedule is at the previous tick. Refused when memory is
-- full.
--
-- KEYS 1 schedules, 2 meta, 3 unique, 4 wake, 5 ready line of the job
-- ARGV 1 schedule, 2 previous tick, 3 tick, 4 schema, 5 id, 6 unique key or '', 7 record
-- Returns {'known', now, tick, id of the holder or ''} as it is afterwards, {'none', now} when the schedule is not known,
--         or {'unfit', schema that is there}

local schema, paused = unpack(redis.call('HMGET', KEYS[2], 'schema', 'paused'))
if schema and schema ~= ARGV[4] then return {'unfit', schema} end
local mark = redis.call('HGET', KEYS[1], ARGV[1])
local tick, holder = string.match(mark or '', '^(%d+) ?(%S*)$')
if not tick then return {'none', now} end
local due = tonumber(ARGV[3]) > tonumber(ARGV[2]) and tonumber(ARGV[3]) <= now
if tick ~= ARGV[2] or not due then return {'known', now, tick, holder} end

-- All reads come first: a key of the wrong type fails here, before anything is written.
local asleep = redis.call('LLEN', KEYS[4]) == 0
redis.call('LLEN', KEYS[5])
holder = ARGV[6] ~= '' and redis.call('HGET', KEYS[3], ARGV[6])
if holder then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3] .. ' ' .. holder)
  return {'known', now, ARGV[3], holder}
end

redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if ARGV[6] ~= '' then redis.call('HSET', KEYS[3], ARGV[6], ARGV[5]) end
redis.call('RPUSH', KEYS[5], ARGV[7])
redis.pcall('HINCRBY', KEYS[2], 'enqueued', 1)
if asleep and not paused then redis.call('RPUSH', KEYS[4], '1') end
return {'known', now, ARGV[3], ''}
