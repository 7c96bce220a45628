-- The requests of wrk: 419-byte CXone events.
--
--   wrk ... -s events.lua URL -- new FIRST [THINK_MS]     distinct, numbered from FIRST
--   wrk ... -s events.lua URL -- same FIRST [THINK_MS]    a thousand, again and again
--
-- THINK_MS: each connection waits 0 to that many milliseconds before it sends
-- its next one. Ends with a line `RESULT name=value ...`.

local SAME = 1000
local head = '{"triggerId":"trg-5f0c1d","entityId":"ent-'
local tail = '","timestamp":"2026-05-01T12:00:00.000Z","data":{"eventType":"contact.created",'
	.. '"contactId":"c-1000042","queueId":"q-support-7","channel":"voice","direction":"inbound",'
	.. '"ani":"+4930123456789","agentId":"agent-0815","skill":"Caf\195\169","campaign":null,'
	.. '"priority":3,"holdSeconds":12.5,"attributes":{"language":"de-DE","tier":"gold",'
	.. '"tags":["vip","callback"]}}}'
local SIZE = 419
local width = SIZE - #head - #tail
local number, mode, think, count, before, pattern
local prepared = {}

local function event(n)
	return head .. string.format("%0" .. width .. "d", n) .. tail
end

function init(arguments)
	mode, number, think = arguments[1], tonumber(arguments[2]), tonumber(arguments[3] or 0)
	wrk.method = "POST"
	wrk.headers["Content-Type"] = "application/json"
	if #event(number) ~= SIZE then error("an event has " .. #event(number) .. " bytes") end
	for i = 0, SAME - 1 do
		prepared[i] = wrk.format(nil, nil, nil, event(number + i))
	end
	before = prepared[0]:sub(1, -SIZE - 1) .. head
	pattern = "%0" .. width .. "d"
	count = 0
	-- wrk asks for a wait only if there is this function
	if think > 0 then
		delay = function() return math.random(0, think) end
	end
end

function request()
	count = count + 1
	if mode == "same" then return prepared[count % SAME] end
	return before .. string.format(pattern, number + count) .. tail
end

function done(summary, latency)
	local e = summary.errors
	io.write(string.format(
		"RESULT requests=%d microseconds=%d failed=%d p50=%d p99=%d\n", summary.requests,
		summary.duration, e.connect + e.read + e.write + e.timeout + e.status,
		latency:percentile(50), latency:percentile(99)))
end
