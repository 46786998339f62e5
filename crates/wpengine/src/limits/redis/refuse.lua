-- Writes down what the service said of a line: a pause after a 429, or how many requests it has left.
--
-- KEYS[4] hash   KEYS[5] sorted set: the places of the line
-- ARGV[7] pause, or -1   ARGV[8] gap between two requests after it   ARGV[9] requests left, or -1   ARGV[10] for how long
local said = KEYS[4]
local pause, gap, left, left_for = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local stored = redis.call('HMGET', said, 'pace_until', 'left_until')
local last = math.max(now, tonumber(stored[1] or 0), tonumber(stored[2] or 0))
if pause >= 0 then
  local pause_until = math.max(now + pause, tonumber(redis.call('HGET', said, 'pause') or 0))
  local pace_until = pause_until + 20 * gap
  redis.call('HSET', said, 'pause', text(pause_until), 'gap', text(gap), 'next', text(pause_until),
    'pace_until', text(pace_until))
  last = math.max(last, pace_until)
end
if left >= 0 then
  -- What left a moment ago may not be in what the service counted.
  local places = redis.call('ZCOUNT', KEYS[5], '(' .. text(now), '+inf')
  redis.call('HSET', said, 'left', text(math.max(0, left - places)), 'left_until', text(now + left_for))
  last = math.max(last, now + left_for)
end
redis.call('PEXPIREAT', said, math.ceil(last / 1000) + 1000)
return { 1 }
