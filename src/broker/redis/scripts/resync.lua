#!lua flags=allow-oom
-- Brings broker and daemon together after lost writes: raises the numbers of the lanes to the daemon's own, voids the
-- stored answer of a lane only where it raises, lists what is in flight. What is in flight under no token at all (its
-- id is not text, so nobody can settle it) goes into quarantine.
--
-- KEYS 1 leases, 2 session, 3 inflight, 4 held, 5 quarantine
-- ARGV 1 daemon, 2 lease ms, 3 number of lane 0, 4 number of lane 1
-- Returns {'synced', now, tokens} or {'lost'}

local deadline = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not deadline or tonumber(deadline) < 0 then return {'lost'} end
local numbers = redis.call('HMGET', KEYS[2], 'n0', 'n1')
if not numbers[1] then return {'lost'} end
local tokens = {}
for _, token in ipairs(redis.call('HKEYS', KEYS[3])) do
  if string.find(token, '^[ -~]+$') then
    tokens[#tokens + 1] = token
  else
    redis.pcall('LPUSH', KEYS[5], redis.call('HGET', KEYS[3], token))
    redis.pcall('LTRIM', KEYS[5], 0, 99)
    redis.call('HDEL', KEYS[3], token)
    redis.call('HDEL', KEYS[4], token)
  end
end

for lane = 0, 1 do
  if tonumber(ARGV[3 + lane]) > tonumber(numbers[1 + lane]) then
    redis.call('HSET', KEYS[2], 'n' .. lane, ARGV[3 + lane])
    redis.call('HDEL', KEYS[2], 'a' .. lane)
  end
end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return {'synced', now, tokens}
