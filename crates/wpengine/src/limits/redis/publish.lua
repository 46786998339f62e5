-- Tells Redis what this process knows of its own places: what changed, and after a loss all of it.
--
-- After a loss nothing is granted until everybody has had the time to publish, and either as many processes have as were known
-- to hold places, or all that they know of is still there; or until the longest window is over.
--
-- KEYS[4..] sorted sets: the places of one line each
-- ARGV[7] how many processes held places when this one last heard of it   ARGV[8] time of the server when that was   ARGV[9] 1 if
-- this process holds places and all of them are told here, 2 if it holds others too, else 0   then for each line: the number of its places, and the
-- place and its age of each; then the number of places to give back in it, and each; then the number of windows, and the period of each
-- Answer: 'known' or 'blind', time to wait, epoch, processes that hold places, time, then places taken in each window of each line
local heard_of, heard_at, holds = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])

local argument, latest, taken = 10, 0, {}
for line = 4, #KEYS do
  local places = KEYS[line]
  local own = tonumber(ARGV[argument])
  argument = argument + 1
  for _ = 1, own do
    local arrived = now - tonumber(ARGV[argument + 1])
    redis.call('ZADD', places, 'GT', text(arrived), ARGV[argument])
    latest = math.max(latest, arrived)
    argument = argument + 2
  end
  local unused = tonumber(ARGV[argument])
  argument = argument + 1
  for _ = 1, unused do
    redis.call('ZREM', places, ARGV[argument])
    argument = argument + 1
  end
  redis.call('PEXPIRE', places, keep)
  local windows = tonumber(ARGV[argument])
  argument = argument + 1
  for _ = 1, windows do
    taken[#taken + 1] = redis.call('ZCOUNT', places, '(' .. text(now - tonumber(ARGV[argument])), '+inf')
    argument = argument + 1
  end
end
if latest > 0 then hold(latest + longest) end

local wait = 0
if not current and known == '' then
  wait = newcomer()
elseif not current then
  -- A Redis that was restarted lost what it lost before it started; one that was emptied, at some time until now.
  local restarted = string.sub(known, 1, #run + 1) ~= run .. ':'
  redis.call('HSETNX', roll, 'since', text(restarted and now - up or now))
  redis.call('HSETNX', roll, 'first', text(now))
  local expected = math.max(1, heard_of, tonumber(redis.call('HGET', roll, 'expected') or 0))
  redis.call('HSET', roll, 'expected', text(expected))
  if holds == 1 then redis.call('HSET', roll, 'm:' .. me, '1') end
  redis.call('PEXPIRE', roll, keep)
  local present = redis.call('HLEN', roll) - 3
  local loss, first = tonumber(redis.call('HGET', roll, 'since')), tonumber(redis.call('HGET', roll, 'first'))
  local written = tonumber(redis.call('HGET', meta, 'clock') or 0)
  local intact = epoch and written >= heard_at
  -- Nothing of this process is missing. Of one that was alive at the end of the data and says nothing, something may be.
  local whole = intact and present >= redis.call('ZCOUNT', alive, text(written - settle), '+inf')
  if not intact then
    redis.call('HSET', meta, 'clock', '0')
    redis.call('PEXPIRE', meta, keep_epoch)
  end
  local trusted = redis.call('HGET', meta, 'trust')
  if (now - first >= settle and (present >= expected or whole or trusted)) or now - loss > horizon then
    begin()
  else
    wait = math.ceil(loss + horizon - now)
  end
end
if current then
  if holds > 0 then lives() end
  wrote()
end

local answer = { current and 'known' or 'blind', wait, epoch or '', holders(), now }
for _, count in ipairs(taken) do answer[#answer + 1] = count end
return answer
