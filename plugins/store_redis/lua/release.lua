-- Forgets a claim.
--   KEYS[1] the key
--   ARGV    the claim's value
-- Answers 1: done; 0: somebody else has the key; -1: nobody has it.
local held = redis.call('GET', KEYS[1])
if held == ARGV[1] then
	redis.call('DEL', KEYS[1])
	return 1
end
return held and 0 or -1
