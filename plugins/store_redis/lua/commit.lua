-- Finishes a key, unless somebody else has it.
--   KEYS[1] the key
--   ARGV    the claim's value, head and tail of the new value, window (ms),
--           1 if the claim may have expired, as long as nobody took over
-- The time of the commit, by this server's clock, goes between head and tail.
-- Answers 1: done; 0: somebody else has the key; -1: nobody has it.
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then
	-- This very result: it is sent again because the answer got lost.
	local same = string.sub(held, 1, #ARGV[2]) == ARGV[2]
		and string.sub(held, -#ARGV[3]) == ARGV[3]
	return same and 1 or 0
end
if not held and ARGV[5] ~= '1' then
	return -1
end
local now = redis.call('TIME')
local at = string.format('%d%03d', now[1], math.floor(now[2] / 1000))
redis.call('SET', KEYS[1], ARGV[2] .. at .. ARGV[3], 'PX', ARGV[4])
return 1
