-- Takes a place in all windows of a request, or says how long there is none: one atomic step.
--
-- KEYS[4], KEYS[5] sorted sets: the places of the account's and of the credentials' line, by when the request has arrived
-- at the latest   KEYS[6], KEYS[7] hashes: what the service said of them
-- ARGV[7] the place   then for each line: the number of its windows, and the limit and the period of each
-- Answer: what became of it, time to wait, line to wait in (1, 2), epoch, processes that hold places, time, places taken in each window
local place = ARGV[7]

if not current then
  if known ~= '' then return { 'publish', 0, 0, '', 0 } end
  local blind = newcomer()
  if blind > 0 then return { 'blind', blind, 0, '', 0 } end
elseif known ~= '' and known ~= epoch then
  return { 'publish', 0, 0, '', 0 }
end

local wait, line_to_wait_in, taken = 0, 0, {}
local argument = 8
for line = 1, 2 do
  local places, said = KEYS[3 + line], KEYS[5 + line]
  local free = now
  local windows = tonumber(ARGV[argument])
  argument = argument + 1
  for _ = 1, windows do
    local limit, period = tonumber(ARGV[argument]), tonumber(ARGV[argument + 1])
    argument = argument + 2
    local count = redis.call('ZCOUNT', places, '(' .. text(now - period), '+inf')
    taken[#taken + 1] = count
    if count >= limit then
      local last = redis.call('ZREVRANGE', places, limit - 1, limit - 1, 'WITHSCORES')
      free = math.max(free, tonumber(last[2]) + period)
    end
  end
  local hash = redis.call('HMGET', said, 'pause', 'pace_until', 'next', 'left', 'left_until')
  free = math.max(free, tonumber(hash[1] or 0))
  if tonumber(hash[2] or 0) > now then free = math.max(free, tonumber(hash[3] or 0)) end
  if hash[4] and tonumber(hash[4]) <= 0 then free = math.max(free, tonumber(hash[5] or 0)) end
  -- Whoever waits for an account keeps nobody of another account waiting: so its line comes first.
  if free > now and line_to_wait_in == 0 then
    wait, line_to_wait_in = free - now, line
  end
end

-- A step whose answer was lost is repeated with the same place: it is not taken twice.
local again = redis.call('ZSCORE', KEYS[4], place)
if line_to_wait_in ~= 0 and not again then
  local answer = { 'full', math.ceil(wait), line_to_wait_in, epoch, holders(), now }
  for _, count in ipairs(taken) do answer[#answer + 1] = count end
  return answer
end

local arrived = now + margin
for line = 1, 2 do
  local places, said = KEYS[3 + line], KEYS[5 + line]
  redis.call('ZADD', places, text(arrived), place)
  redis.call('ZREMRANGEBYSCORE', places, '-inf', text(now - longest))
  redis.call('PEXPIRE', places, keep)
  if not again then
    local hash = redis.call('HMGET', said, 'pace_until', 'gap', 'left')
    if tonumber(hash[1] or 0) > now then redis.call('HSET', said, 'next', text(now + tonumber(hash[2]))) end
    if hash[3] then redis.call('HINCRBY', said, 'left', -1) end
  end
end
hold(arrived + longest)
lives()
wrote()
local answer = { 'taken', 0, 0, epoch, holders(), now }
for _, count in ipairs(taken) do answer[#answer + 1] = count + 1 end
return answer
