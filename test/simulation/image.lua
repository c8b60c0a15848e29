-- Everything that one queue holds. ARGV 1: prefix of its keys.
local P = ARGV[1]
local ready = {}
for i = 0, 9 do ready[i + 1] = redis.call('LRANGE', P .. 'ready:' .. i, 0, -1) end
local function of_daemons(name, read)
  local prefix, found = P .. name .. ':', {}
  for _, key in ipairs(redis.call('KEYS', 'fl:*:' .. name .. ':*')) do
    if string.sub(key, 1, #prefix) == prefix then found[#found + 1] = read(string.sub(key, #prefix + 1), key) end
  end
  return found
end
return {
  ready,
  redis.call('LRANGE', P .. 'suspects', 0, -1),
  redis.call('ZRANGE', P .. 'delayed', 0, -1, 'WITHSCORES'),
  redis.call('ZRANGE', P .. 'dead', 0, -1, 'WITHSCORES'),
  redis.call('ZRANGE', P .. 'leases', 0, -1, 'WITHSCORES'),
  redis.call('HGETALL', P .. 'unique'),
  redis.call('HGETALL', P .. 'schedules'),
  of_daemons('inflight', function(daemon, key) return {daemon, redis.call('HGETALL', key)} end),
  of_daemons('held', function(daemon) return daemon end),
  redis.call('LLEN', P .. 'quarantine'),
  redis.call('HMGET', P .. 'meta', 'pause_version', 'paused'),
  redis.call('LLEN', P .. 'wake'),
}
