-- Gives a claim its lock again, counted from now.
--   KEYS[1] the key
--   ARGV    the claim's value, lock (ms), 1 if an expired claim may be restored
-- Answers 1: done; 0: somebody else has the key; -1: nobody has it.
local held = redis.call('GET', KEYS[1])
if held == ARGV[1] then
	redis.call('PEXPIRE', KEYS[1], ARGV[2])
	return 1
end
if held then
	return 0
end
if ARGV[3] ~= '1' then
	return -1
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
