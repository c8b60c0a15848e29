#!lua flags=allow-oom
-- Pauses or resumes a queue, unless the version has come before; resuming wakes whoever waits.
--
-- KEYS 1 meta, 2 wake
-- ARGV 1 '1' to pause, '0' to resume, 2 version, 3 schema, 4 epoch to write when there is none
-- Returns {'stands', version, since when it is paused or ''} as it is afterwards, or {'unfit', schema that is there}

local meta = redis.call('HMGET', KEYS[1], 'schema', 'pause_version', 'paused')
if meta[1] and meta[1] ~= ARGV[3] then return {'unfit', meta[1]} end
local asleep = redis.call('LLEN', KEYS[2]) == 0
local version = tonumber(meta[2]) or 0
if tonumber(ARGV[2]) <= version then return {'stands', version, meta[3] or ''} end

if not meta[1] then redis.call('HSET', KEYS[1], 'schema', ARGV[3], 'epoch', ARGV[4]) end
redis.call('HSET', KEYS[1], 'pause_version', ARGV[2])
if ARGV[1] == '1' then
  local since = meta[3] or string.format('%.0f', now)
  redis.call('HSET', KEYS[1], 'paused', since)
  return {'stands', ARGV[2], since}
end
redis.call('HDEL', KEYS[1], 'paused')
if asleep then redis.call('RPUSH', KEYS[2], '1') end
return {'stands', ARGV[2], ''}
