-- Moves due jobs from the delayed set to the ends of their lines: at most `limit` of them, and no more once they have
-- `bytes`. `head` is the first delayed job with its score, read before. `pushed(line, count)` is told. Returns how long until the next is due, -1 when none is delayed.
local function promote(delayed, head, quarantined, limit, bytes, pushed)
  local moved, size, chunk = 0, 0, 4
  while head[1] and tonumber(head[2]) <= now and moved < limit and size < bytes do
    local due = redis.call('ZRANGE', delayed, '-inf', now, 'BYSCORE', 'LIMIT', 0, math.min(chunk, limit - moved))
    redis.call('ZREM', delayed, unpack(due))
    local lines = {}
    for _, record in ipairs(due) do
      size = size + #record
      if header_of(record) then
        local line = line_of(record)
        lines[line] = lines[line] or {}
        table.insert(lines[line], record)
      else
        quarantine(quarantined, record)
      end
    end
    for line, records in pairs(lines) do
      redis.call('RPUSH', KEYS[line], unpack(records))
      pushed(line, #records)
    end
    moved = moved + #due
    chunk = math.min(chunk * 4, 256)
    head = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  end
  return head[1] and math.max(0, math.ceil(head[2] - now)) or -1
end

