#!lua
-- Makes a dead job ready again, or a delayed one due at once, if it is as it was seen; how it ended before is forgotten.
-- Refused when memory is full.
--
-- KEYS 1 leases, 2 delayed, 3 dead, 4 unique, 5 meta, 6 wake, 7 result of the job, 8 suspects,
--      9 to 18 ready:0 to ready:9
-- ARGV 1 to 6 as parts/search.lua, 7 claims as seen
-- Returns {'ready'}, {'held', id of the holder}, {'expired'}, {'in_flight'}, {'changed'}, {'next', place, rank} or {'none'}

local found, answer = search(operator_order())
if not found then return answer end
local place, record = found.place, found.record
if place == 1 then return {'in_flight'} end
if place >= SUSPECTS then return {'ready'} end
local claims = tonumber(ARGV[7])
if not is_sound(record, ID) or tonumber(sub(record, 38, 44)) ~= claims then return {'changed'} end
local expires = header_of(record).expires
if expires ~= 0 and expires <= now then return {'expired'} end
local unique = unique_of(record)
local holder = unique ~= '' and redis.call('HGET', KEYS[4], unique)
if holder and holder ~= ID then return {'held', holder} end

-- All reads come first: a key of the wrong type fails here, before anything is written.
local again = sub(record, 1, 37) .. format('%07d', math.min(claims + 1, 9999999)) .. '0000000' .. sub(record, 52)
local line = line_of(again)
redis.call('LLEN', KEYS[line])
local paused = redis.call('HGET', KEYS[5], 'paused')
local asleep = redis.call('LLEN', KEYS[6]) == 0
redis.call('ZREM', KEYS[place], record)
redis.call('DEL', KEYS[7])
if unique ~= '' and not holder then redis.call('HSET', KEYS[4], unique, ID) end
redis.call('RPUSH', KEYS[line], again)
if asleep and not paused then redis.call('RPUSH', KEYS[6], '1') end
return {'ready'}
