-- Adds to a counter and lets it live for a while from now. In one step: a
-- counter whose end got lost would stay for ever.
--   KEYS[1] the counter
--   ARGV    what to add, life (ms)
redis.call('INCRBY', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
