// Holds the Lua scripts of the Redis store. Redis runs each one as a whole, and by its own clock.

/** ms since the epoch: the first argument, for a test's clock, unless it is negative. */
const NOW = `
local now = tonumber(ARGV[1])
if now < 0 then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local function ends(length) return string.format('%.0f', now + tonumber(length)) end
local owner, done, ends_at, result = unpack(redis.call('HMGET', KEYS[1], 'owner', 'done', 'until', 'result'))
local remaining = ends_at and tonumber(ends_at) - now or 0
`;

/** The record as an answer: nothing if a claim would succeed, or 'processing' and ms, or 'done' and the result. */
const FOUND = `
if remaining > 0 and done == '1' then return { 'done', result or false } end
if remaining > 0 then return { 'processing', string.format('%.0f', remaining) } end
`;

/** Arguments: now, owner, lease, how much longer an expired record is kept. */
export const CLAIM = `${NOW}${FOUND}
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'owner', ARGV[2], 'done', '0', 'until', ends(ARGV[3]))
redis.call('PEXPIRE', KEYS[1], ARGV[3] + ARGV[4])
return { 'claimed' }
`;

/** Arguments: now. */
export const FIND = `${NOW}${FOUND}
return { 'absent' }
`;

/** Arguments: now, owner, lease, how much longer an expired record is kept. */
export const EXTEND = `${NOW}
if owner ~= ARGV[2] or done == '1' then return 0 end
redis.call('HSET', KEYS[1], 'until', ends(ARGV[3]))
redis.call('PEXPIRE', KEYS[1], ARGV[3] + ARGV[4])
return 1
`;

/** Arguments: now, owner, ttl, how much longer an expired record is kept, then the result if there is one. */
export const COMPLETE = `${NOW}
if owner ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'done', '1', 'until', ends(ARGV[3]))
if ARGV[5] then redis.call('HSET', KEYS[1], 'result', ARGV[5]) else redis.call('HDEL', KEYS[1], 'result') end
redis.call('PEXPIRE', KEYS[1], ARGV[3] + ARGV[4])
return 1
`;

/** Arguments: now, owner. */
export const RELEASE = `${NOW}
if owner ~= ARGV[2] or done == '1' then return 0 end
return redis.call('DEL', KEYS[1])
`;

/** Arguments: now. */
export const FORGET = `
return redis.call('DEL', KEYS[1])
`;
