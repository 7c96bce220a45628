-- Takes a key, or tells who has it: for servers whose SET cannot do NX and GET
-- together (before Redis 7.0), and for sliding windows.
--   KEYS[1] the key
--   ARGV    the claim's value, lock (ms), window (ms), 1 if the window slides
-- Answers nil: it is yours; or {value, life left (ms, -1 none), now (ms)}.
local held = redis.call('GET', KEYS[1])
if not held then
	redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
	return false
end
local left = redis.call('PTTL', KEYS[1])
local finished = not string.find(held, '^"?processing')
-- A key without an end would make duplicates for ever.
if left < 0 or (finished and ARGV[4] == '1') then
	redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
local now = redis.call('TIME')
return {held, left, now[1] * 1000 + math.floor(now[2] / 1000)}
