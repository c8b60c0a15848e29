#!lua flags=no-writes
-- Tells of a job. It is looked for in the way that jobs go (delayed, ready, in flight, dead), so that one which moves on
-- between two calls is met later.
--
-- KEYS 1 leases, 2 delayed, 3 dead, 4 suspects, 5 to 14 ready:0 to ready:9
-- ARGV 1 to 6 as parts/search.lua
-- Returns {'found', place, record, time or '', daemon or ''}, {'next', place, rank} or {'none'}

local found, answer = search({2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 1, 3})
if not found then return answer end
return {'found', found.place, found.record, found.at, found.daemon}
