-- What every script begins with: the time of the server, which is the only clock that counts, and whether the windows in
-- this Redis can be trusted at all.
--
-- KEYS[1] hash: `epoch` (which start of Redis the windows belong to, and since when), `clock` (the last thing written), `empty` (when
-- somebody first found no epoch), `trust` (an operator says that nothing that matters was lost)
-- KEYS[2] sorted set: the processes that hold places, by when the last of them is free again
-- (and beside it, `:alive`: those that hold any, by when they were last here)
-- KEYS[3] hash: the roll call after a loss
-- ARGV[1] this process   ARGV[2] margin   ARGV[3] the epoch it knows, or ''   ARGV[4] the longest window   ARGV[5] how long everybody has
-- to publish after a loss   ARGV[6] '1' if an empty Redis counts as one that was never used
-- Times are microseconds.
local meta, members, roll = KEYS[1], KEYS[2], KEYS[3]
local me, margin, known, longest, settle = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local trusting = ARGV[6] == '1'

local function text(number) return string.format('%.0f', number) end

-- Whoever has other windows must not throw away what the others still count.
local widest = tonumber(redis.call('HGET', meta, 'longest') or 0)
if longest > widest then redis.call('HSET', meta, 'longest', text(longest)) else longest = widest end

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local keep = math.ceil((longest + 2 * margin) / 1000) + 1000
local horizon = longest + margin
-- The epoch outlives the windows: where it is missing, Redis is new or was emptied.
local keep_epoch = math.max(keep, 30 * 24 * 3600 * 1000)

if longest > widest then redis.call('PEXPIRE', meta, keep_epoch) end

local server = redis.call('INFO', 'server')
local run = string.match(server, 'run_id:(%w+)') or ''
local up = (tonumber(string.match(server, 'uptime_in_seconds:(%d+)')) or 0) * 1000000

local epoch = redis.call('HGET', meta, 'epoch')
local current = epoch and string.sub(epoch, 1, #run + 1) == run .. ':'

-- From here on the windows are known to be whole.
local function begin()
  epoch = run .. ':' .. text(now)
  current = true
  redis.call('DEL', roll)
  redis.call('HDEL', meta, 'empty', 'trust')
  redis.call('HSET', meta, 'epoch', epoch, 'clock', text(now))
  redis.call('PEXPIRE', meta, keep_epoch)
end

local function wrote()
  -- An operator's word is of one loss: where there was none, it must not wait for the next.
  redis.call('HDEL', meta, 'trust')
  redis.call('HSET', meta, 'clock', text(now))
  redis.call('PEXPIRE', meta, keep_epoch)
end

-- A process that remembers nothing finds no windows that it can trust. Begins them where that is safe, or says how long it is not.
local function newcomer()
  if redis.call('HGET', meta, 'trust') then
    begin()
    return 0
  end
  local since = redis.call('HGET', roll, 'since')
  local loss = now - up
  if since then
    loss = tonumber(since)
  elseif not epoch then
    -- Never used, or emptied just now: then those who held places say so.
    redis.call('HSETNX', meta, 'empty', text(now))
    redis.call('PEXPIRE', meta, keep_epoch)
    local seen = tonumber(redis.call('HGET', meta, 'empty'))
    if trusting then loss = 0 end
    if now - seen < settle then return math.ceil(math.max(seen + settle, loss + horizon) - now) end
  end
  if now - loss > horizon then
    begin()
    return 0
  end
  return math.ceil(loss + horizon - now)
end

-- Who was alive when Redis was: of those that had ended before nothing can be missing in what it has kept.
local alive = members .. ':alive'

local function lives()
  redis.call('ZADD', alive, text(now), me)
  redis.call('ZREMRANGEBYSCORE', alive, '-inf', text(now - horizon))
  redis.call('PEXPIRE', alive, keep)
end

local function hold(until_time)
  redis.call('ZADD', members, 'GT', text(until_time), me)
  redis.call('ZREMRANGEBYSCORE', members, '-inf', text(now))
  redis.call('PEXPIRE', members, keep)
end

local function holders()
  return redis.call('ZCOUNT', members, '(' .. text(now), '+inf')
end
