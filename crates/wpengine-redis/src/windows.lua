-- Sliding windows, one sorted set for each line of requests: the members are requests, scored by when they leave. A
-- request that has to wait has its place in the future. All times are milliseconds of the server's clock.
--
-- KEYS: for each line its set, and the key that exists while it is paused.
-- ARGV: the command; then for each line its windows as "limit/period limit/period".
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local command, first = ARGV[1], tonumber(ARGV[2])
local lines = {}
for i = 1, #KEYS / 2 do
  local line = { set = KEYS[2 * i - 1], pause = KEYS[2 * i], windows = {}, longest = 0, gap = 0 }
  for limit, period in string.gmatch(ARGV[first + i - 1], '(%d+)/(%d+)') do
    table.insert(line.windows, { limit = tonumber(limit), period = tonumber(period) })
    line.longest = math.max(line.longest, tonumber(period))
    line.gap = math.max(line.gap, math.floor(period / limit))
  end
  redis.call('ZREMRANGEBYSCORE', line.set, '-inf', now - line.longest)
  table.insert(lines, line)
end

-- ask, member, longest wait, farthest place, percent left free: when the request leaves, whether it has a place, what is left.
if command == 'ask' then
  local member, within, horizon, free = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
  local leaves, left = now, {}
  for _, line in ipairs(lines) do
    local last = redis.call('ZREVRANGE', line.set, 0, 0, 'WITHSCORES')
    local paused = tonumber(redis.call('GET', line.pause) or 0)
    if paused > 0 then
      -- After a pause requests leave one by one.
      leaves = math.max(leaves, paused, last[2] and tonumber(last[2]) >= paused and last[2] + line.gap or 0)
    end
    for _, window in ipairs(line.windows) do
      local limit = math.max(1, window.limit - math.ceil(window.limit * free / 100))
      local before = redis.call('ZREVRANGE', line.set, limit - 1, limit - 1, 'WITHSCORES')
      if before[2] then leaves = math.max(leaves, before[2] + window.period) end
      local taken = redis.call('ZCOUNT', line.set, now - window.period, '+inf')
      table.insert(left, math.max(0, paused > now and 0 or limit - taken))
    end
  end
  local wait = leaves - now
  if wait > within or wait > horizon then return { wait, 0, left } end
  for _, line in ipairs(lines) do
    redis.call('ZADD', line.set, leaves, member)
    redis.call('PEXPIRE', line.set, wait + line.longest)
  end
  return { wait, 1, left }
end

-- pause, milliseconds, the pause if nothing explains it: without milliseconds it lasts until the fuller window has room, if
-- that is half full.
local fullest, most = nil, 0.5
for _, line in ipairs(lines) do
  for _, window in ipairs(line.windows) do
    local taken = redis.call('ZRANGEBYSCORE', line.set, now - window.period, now)
    if #taken / window.limit >= most then
      local oldest = redis.call('ZSCORE', line.set, taken[1])
      fullest, most = { line = line, wait = math.max(1000, oldest + window.period - now) }, #taken / window.limit
    end
  end
end
for _, line in ipairs(lines) do
  local wait = tonumber(ARGV[3])
  if wait < 0 then
    wait = math.min(tonumber(ARGV[4]), line.longest)
    if fullest then wait = fullest.line == line and fullest.wait or 0 end
  end
  if wait > 0 and now + wait > tonumber(redis.call('GET', line.pause) or 0) then
    redis.call('SET', line.pause, now + wait, 'PX', wait + 20 * line.gap)
  end
end
return { 0, 0, {} }
