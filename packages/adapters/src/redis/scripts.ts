import { createHash } from 'node:crypto';

/** A Lua script, and the name that EVALSHA knows it by. Each touches one key. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

// The hash of a connection holds
//   record                      what the framework keeps, as JSON
//   facts                       "expiresAt connectedAt identityExpiresAt": what a membership copies
//   +channel                    "token facts": a membership that counts
//   -channel token facts        a membership that is being removed; no value
// and the sorted set of a channel has members "connectionId token facts", all with score 0.
//
// A token belongs to one subscription. Once it no longer stands behind a "+" it never does again, so
// whoever sees that may remove its member, whatever else goes on. A "-" goes only after its member
// has gone: whoever repeats an interrupted removal finds what is left.

/** KEYS: connection. ARGV: now, ttl, record, facts, token, channels… Returns active and dying. */
export const keepScript: Script = script(`
local now, ttl, facts = tonumber(ARGV[1]), ARGV[2], ARGV[4]
local fresh = ARGV[5] .. ' ' .. facts
local before = redis.call('HGET', KEYS[1], 'facts')
local isLive = before and tonumber(string.match(before, '^%S+')) > now
local fields = redis.call('HGETALL', KEYS[1])
redis.call('HSET', KEYS[1], 'record', ARGV[3], 'facts', facts)
redis.call('PEXPIRE', KEYS[1], ttl)
local dying = {}
for i = 1, #fields, 2 do
  local kind, channel = string.match(fields[i], '^([+-])(%S+)')
  if kind == '-' then
    dying[#dying + 1] = fields[i]
  elseif kind == '+' and not (isLive and before == facts) then
    local old = '-' .. channel .. ' ' .. fields[i + 1]
    redis.call('HSET', KEYS[1], old, '')
    redis.call('HDEL', KEYS[1], fields[i])
    dying[#dying + 1] = old
    if isLive then redis.call('HSET', KEYS[1], fields[i], fresh) end
  end
end
for i = 6, #ARGV do redis.call('HSETNX', KEYS[1], '+' .. ARGV[i], fresh) end
local active = {}
fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  if string.sub(fields[i], 1, 1) == '+' then
    active[#active + 1] = fields[i] .. ' ' .. fields[i + 1]
  end
end
return { active, dying }
`);

/** KEYS: connection. ARGV: now, channel, maxChannels, token. Returns 'gone', 'full' or what the "+" holds. */
export const subscribeScript: Script = script(`
local facts = redis.call('HGET', KEYS[1], 'facts')
if not facts or tonumber(string.match(facts, '^%S+')) <= tonumber(ARGV[1]) then return 'gone' end
local field = '+' .. ARGV[2]
local held = redis.call('HGET', KEYS[1], field)
if held then return held end
local count = 0
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(name, 1, 1) == '+' then count = count + 1 end
end
if count >= tonumber(ARGV[3]) then return 'full' end
held = ARGV[4] .. ' ' .. facts
redis.call('HSET', KEYS[1], field, held)
return held
`);

// The first write takes something away: a full server refuses a script whose first write adds, and it
// has to accept what relieves it. That may leave the key empty, which would lose its expiry.
/** KEYS: connection. ARGV: channel, or '' for the whole connection. Returns what is dying. */
export const retireScript: Script = script(`
local ttl = redis.call('PTTL', KEYS[1])
if ARGV[1] == '' then redis.call('HDEL', KEYS[1], 'record', 'facts') end
local dying = {}
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local kind, channel = string.match(fields[i], '^([+-])(%S+)')
  if kind and (ARGV[1] == '' or ARGV[1] == channel) then
    local field = fields[i]
    if kind == '+' then
      redis.call('HDEL', KEYS[1], field)
      field = '-' .. channel .. ' ' .. fields[i + 1]
      redis.call('HSET', KEYS[1], field, '')
    end
    dying[#dying + 1] = field
  end
end
if #dying > 0 and ttl > 0 then redis.call('PEXPIRE', KEYS[1], ttl) end
return dying
`);

// Who reads a channel removes what has expired. In one that nobody reads, each new member removes some
// of what connections have left whose end nobody was told of.
/** KEYS: channel. ARGV: member, ttl, connection id, now. Returns all members of that connection. */
export const addScript: Script = script(`
redis.call('ZADD', KEYS[1], 0, ARGV[1])
for _, member in ipairs(redis.call('ZRANDMEMBER', KEYS[1], 2)) do
  local expiresAt = tonumber(string.match(member, '^%S+ %S+ (%S+)'))
  if expiresAt <= tonumber(ARGV[4]) and member ~= ARGV[1] then
    redis.call('ZREM', KEYS[1], member)
  end
end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('ZRANGEBYLEX', KEYS[1], '[' .. ARGV[3] .. ' ', '(' .. ARGV[3] .. '!')
`);
