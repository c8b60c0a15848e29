-- A record by position (src/broker/job-record.ts), and the line it belongs to. Every script that uses this part has as
-- its last eleven keys: suspects, ready:0 to ready:9.

local SUSPECTS, READY = #KEYS - 10, #KEYS - 9
local sub, format = string.sub, string.format

-- The header behind the id: captures claims, expires, length of the unique key.
local HEADER = '^(%d%d%d%d%d%d%d)%d%d%d%d%d%d%d%d%x(%d%d%d%d%d%d%d%d%d%d%d%d%d)(%d%d%d)%d%d%d%d%d%d%d%d$'

local function is_record(text)
  return string.find(text, '^1' .. string.rep('[%x%-]', 36)) ~= nil and string.find(sub(text, 38, 77), HEADER) ~= nil
end

-- Whether its parts are where its header says, so that it can be rewritten.
local function is_sound(record)
  return is_record(record)
    and #record >= 77 + sub(record, 67, 69) + sub(record, 70, 73) + sub(record, 74, 77)
end

-- The index in KEYS of the line in which a job waits.
local function line_of(record)
  if sub(record, 50, 51) >= '02' then return SUSPECTS end
  return READY + tonumber(sub(record, 52, 52))
end

local function raised(digits, width)
  return format('%0' .. width .. 'd', math.min(tonumber(digits) + 1, 10 ^ width - 1))
end

-- A sound record with the claims of its token and one counter raised; a settled attempt (failure, snooze) sets
-- recoveries back. `err` replaces the error unless it is nil.
local function rewritten(record, claims, count, err)
  local failures, crashes, recoveries = sub(record, 45, 47), sub(record, 48, 49), sub(record, 50, 51)
  if count == 'failure' then failures = raised(failures, 3) end
  if count == 'crash' then crashes = raised(crashes, 2) end
  if count == 'recovery' then recoveries = raised(recoveries, 2) end
  if count == 'failure' or count == 'snooze' then recoveries = '00' end
  local head = sub(record, 1, 37) .. format('%07d', math.min(claims, 9999999))
    .. failures .. crashes .. recoveries .. sub(record, 52, 73)
  if err == nil or #err > 9999 then return head .. sub(record, 74) end
  local before = 77 + sub(record, 67, 69) + sub(record, 70, 73)
  return head .. format('%04d', #err) .. sub(record, 78, before) .. err
    .. sub(record, before + 1 + sub(record, 74, 77))
end

local function unique_of(record)
  return sub(record, 78, 77 + sub(record, 67, 69))
end

-- What is not a record is kept apart for a person to look at: the latest 100.
local function quarantine(key, entry)
  redis.call('LPUSH', key, entry)
  redis.call('LTRIM', key, 0, 99)
end

