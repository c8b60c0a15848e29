#!lua flags=allow-oom
-- Removes a job that waits or is dead, if it is as it was seen. One that waited frees its unique key and ends cancelled.
--
-- KEYS 1 leases, 2 delayed, 3 dead, 4 unique, 5 meta, 6 result of the job, 7 suspects, 8 to 17 ready:0 to ready:9
-- ARGV 1 to 6 as parts/search.lua, 7 claims as seen, 8 result of a deleted job, 9 life of the result ms
-- Returns {'gone'}, {'in_flight'}, {'changed'}, {'next', place, rank} or {'none'}

local found, answer = search(operator_order())
if not found then return answer end
local place, record = found.place, found.record
if place == 1 then return {'in_flight'} end
if not is_sound(record, ID) or tonumber(sub(record, 38, 44)) ~= tonumber(ARGV[7]) then return {'changed'} end
local unique = unique_of(record)
local holder = unique ~= '' and redis.call('HGET', KEYS[4], unique)
redis.call('HGET', KEYS[5], 'cancelled')

if place == 2 or place == 3 then
  redis.call('ZREM', KEYS[place], record)
else
  -- From the nearer end.
  local first = found.rank < redis.call('LLEN', KEYS[place]) / 2
  redis.call('LREM', KEYS[place], first and 1 or -1, record)
end
if place == 3 then return {'gone'} end
if holder == ID then redis.call('HDEL', KEYS[4], unique) end
if sub(record, 53, 53) == '1' then redis.call('SET', KEYS[6], ARGV[8], 'PX', ARGV[9]) end
redis.pcall('HINCRBY', KEYS[5], 'cancelled', 1)
return {'gone'}
