-- Shows what stands under a key, if it is a text with an end and no claim.
--   KEYS[1] the key
--   ARGV    how many bytes of it
-- Answers nil: nothing of the kind; or {value, life left (ms), now (ms)}.
local held = redis.pcall('GETRANGE', KEYS[1], 0, ARGV[1])
if type(held) == 'table' then
	-- Lists, hashes and the like are nobody's finished keys.
	if string.find(held.err, 'WRONGTYPE') then
		return false
	end
	return held
end
if #held == 0 or string.find(held, '^"?processing') then
	return false
end
local left = redis.call('PTTL', KEYS[1])
if left <= 0 then
	return false
end
local now = redis.call('TIME')
return {held, left, now[1] * 1000 + math.floor(now[2] / 1000)}
