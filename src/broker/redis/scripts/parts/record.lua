-- A record by position (src/broker/job-record.ts), and the line it belongs to. Every script that uses this part has as
-- its last eleven keys: suspects, ready:0 to ready:9.

local SUSPECTS, READY = #KEYS - 10, #KEYS - 9
local sub, format = string.sub, string.format

local HEADER = '^(%d%d%d%d%d%d%d)%d%d%d%d%d%d%d%d%x(%d%d%d%d%d%d%d%d%d%d%d%d%d)(%d%d%d)(%d%d%d%d)(%d%d%d%d)$'
local VERSION = string.byte('1')

-- What the header behind the id says; false when it is none. Most jobs of a queue have the same there, so that it is
-- read once.
local headers = {}
local function header_of(record)
  local tail = sub(record, 38, 77)
  local header = headers[tail]
  if header == nil then
    local claims, expires, unique, meta, err = string.match(tail, HEADER)
    header = claims and {
      suffix = ':' .. (claims + 1),
      expires = tonumber(expires),
      unique = tonumber(unique),
      error_at = 78 + unique + meta,
      input_at = 78 + unique + meta + err,
    } or false
    headers[tail] = header
  end
  return string.byte(record) == VERSION and header
end

-- Whether it is the record of this job and its parts are where its header says, so that it can be rewritten.
local function is_sound(record, id)
  local header = header_of(record)
  return header and sub(record, 2, 37) == id and #record >= header.input_at - 1
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
  local header = header_of(record)
  return head .. format('%04d', #err) .. sub(record, 78, header.error_at - 1) .. err .. sub(record, header.input_at)
end

local function unique_of(record)
  return sub(record, 78, 77 + header_of(record).unique)
end

-- What is not a record is kept apart for a person to look at: the latest 100. It never fails: by then jobs are between
-- two places.
local function quarantine(key, entry)
  redis.pcall('LPUSH', key, entry)
  redis.pcall('LTRIM', key, 0, 99)
end

