import { createHash } from 'node:crypto';

/** A Lua script. The keys of one script lie in one slot. */
export interface Script {
  readonly lua: string;
  /** The name that EVALSHA knows it by. */
  readonly sha: string;
  /** How long after the beginning of a call it may still be sent. @default as long as the call may take */
  readonly withinMs?: number;
}

// A script that is sent again because its answer was lost may run twice, and needs two tokens: the
// first one may have ended meanwhile.

const MAKE_TOKEN = `
local time = redis.call('TIME')
local token = call .. string.format('%x', (time[1] * 1000000 + time[2]) % 268435456)`;

function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

// The hash of a connection (its "row") holds
//   record         what the framework keeps, as JSON
//   facts          "expiresAt json": what each membership carries of the record
//   count, bytes   how many channels it has, and how long their names are together
//   +channel       the token of a membership that counts
//   -channel       "token/call token/call": memberships that are being removed, and which call began it
//   by, was        which call disconnected it, and what that call has to answer
//   pruned         "expiresAt answer": what the first disconnect after a prune has to answer
// The sorted set of a channel has members "sliceKey token facts", all with score 0, one a connection.
// A key of its own remembers for a minute each token that has ended in a channel.
//
// A token belongs to one membership, and begins with the id of the call that made it. A membership
// ends in the row first, then in the channel, and then the row forgets its token. So whoever repeats
// an interrupted removal finds what is left, and the channel refuses a membership that comes late,
// from a function that was interrupted. Each new membership ends the older ones of its connection in
// the same script, so that none of them comes back.
//
// Only the call that began a removal makes the row forget it: when its answer is lost and it is sent
// again, it still finds the answer there.
//
// A server that is out of memory refuses a script whose first write adds something. It must accept
// what relieves it, so the scripts that remove something begin with a write that removes.

/** How long a channel remembers that a token has ended, in milliseconds. */
export const ENDED_MS = 60_000;

/** How long the row of a connection that has ended is kept for an answer that was lost. */
const ANSWER_MS = 10_000;

/**
 * Keeps a connection. KEYS: row. ARGV: now, ttl, record, facts, call, channels… Returns
 * `channel, token, removing` for each; no token where there is only something to remove.
 */
export const keepScript: Script = script(`
local row, now, facts, call = KEYS[1], tonumber(ARGV[1]), ARGV[4], ARGV[5]
${MAKE_TOKEN}
local before = redis.call('HGET', row, 'facts')
local isLive = before and tonumber(string.match(before, '^%S+')) > now
local active, removing = {}, {}
local fields = redis.call('HGETALL', row)
for i = 1, #fields, 2 do
  local sign, channel = string.sub(fields[i], 1, 1), string.sub(fields[i], 2)
  if sign == '-' then removing[channel] = fields[i + 1] end
  if sign == '+' then active[channel] = fields[i + 1] end
end
redis.call('HSET', row, 'record', ARGV[3], 'facts', facts)
redis.call('HDEL', row, 'by', 'was', 'pruned')
redis.call('PEXPIRE', row, ARGV[2])
for channel, held in pairs(active) do
  if not isLive or before ~= facts then
    removing[channel] = (removing[channel] and removing[channel] .. ' ' or '') .. held .. '/' .. call
    redis.call('HSET', row, '-' .. channel, removing[channel])
    if isLive then
      active[channel] = token
      redis.call('HSET', row, '+' .. channel, token)
    else
      active[channel] = nil
      redis.call('HDEL', row, '+' .. channel)
    end
  end
end
for i = 6, #ARGV do
  if not active[ARGV[i]] then
    active[ARGV[i]] = token
    redis.call('HSET', row, '+' .. ARGV[i], token)
  end
end
local count, bytes, found = 0, 0, {}
for channel, held in pairs(active) do
  count, bytes = count + 1, bytes + #channel
  found[#found + 1] = channel
  found[#found + 1] = held
  found[#found + 1] = removing[channel] or ''
  removing[channel] = nil
end
redis.call('HSET', row, 'count', count, 'bytes', bytes)
for channel, ended in pairs(removing) do
  found[#found + 1] = channel
  found[#found + 1] = ''
  found[#found + 1] = ended
end
return found
`);

/**
 * Adds channels to a row. KEYS: row. ARGV: now, call, maxChannels, maxBytes, channels… Returns
 * the facts, then `result, token, removing` for each channel; nothing when there is no such connection.
 */
export const subscribeScript: Script = script(`
local row, call = KEYS[1], ARGV[2]
${MAKE_TOKEN}
local state = redis.call('HMGET', row, 'facts', 'count', 'bytes')
local facts, count, bytes = state[1], tonumber(state[2]), tonumber(state[3])
if not facts or tonumber(string.match(facts, '^%S+')) <= tonumber(ARGV[1]) then return {} end
local found = { facts }
local before = count
for i = 5, #ARGV do
  local channel = ARGV[i]
  local fields = redis.call('HMGET', row, '+' .. channel, '-' .. channel)
  local held, result = fields[1], 'subscribed'
  if held then
    if string.sub(held, 1, #call) ~= call then result = 'present' end
  elseif count >= tonumber(ARGV[3]) or bytes + #channel > tonumber(ARGV[4]) then
    held, result = '', 'full'
  else
    held, count, bytes = token, count + 1, bytes + #channel
    redis.call('HSET', row, '+' .. channel, held)
  end
  found[#found + 1] = result
  found[#found + 1] = held
  found[#found + 1] = fields[2] or ''
end
if count > before then redis.call('HSET', row, 'count', count, 'bytes', bytes) end
return found
`);

/**
 * Takes channels out of a row. KEYS: row. ARGV: now, call, channels… Returns `held, removing` for each;
 * the first is empty where this call has taken nothing.
 */
export const unsubscribeScript: Script = script(`
local row, call = KEYS[1], ARGV[2]
local facts = redis.call('HGET', row, 'facts')
local isLive = facts and tonumber(string.match(facts, '^%S+')) > tonumber(ARGV[1])
local mark = '/' .. (isLive and call or '')
local found, count, bytes = {}, 0, 0
for i = 3, #ARGV do
  local channel = ARGV[i]
  local fields = redis.call('HMGET', row, '+' .. channel, '-' .. channel)
  local removing = fields[2] or ''
  if fields[1] then
    count, bytes = count + 1, bytes + #channel
    removing = (removing == '' and '' or removing .. ' ') .. fields[1] .. mark
    redis.call('HDEL', row, '+' .. channel)
    redis.call('HSET', row, '-' .. channel, removing)
  end
  found[#found + 1] = string.find(removing, '/' .. call, 1, true) and 'held' or ''
  found[#found + 1] = removing
end
if count > 0 then
  redis.call('HINCRBY', row, 'count', -count)
  redis.call('HINCRBY', row, 'bytes', -bytes)
end
return found
`);

/**
 * Ends a connection. KEYS: row. ARGV: now, call, 1 for a disconnect and 0 for a prune. Returns what it
 * was, as JSON, to the first disconnect, then `channel, removing` for all that is to be removed.
 */
export const retireScript: Script = script(`
local row, now, call, isDisconnect = KEYS[1], tonumber(ARGV[1]), ARGV[2], ARGV[3] == '1'
local ttl = redis.call('PTTL', row)
local fields = redis.call('HGETALL', row)
local state, active, found = {}, {}, { '' }
for i = 1, #fields, 2 do
  state[fields[i]] = fields[i + 1]
  if string.sub(fields[i], 1, 1) == '+' then active[#active + 1] = string.sub(fields[i], 2) end
end
if state.by == call then found[1] = state.was end
redis.call('HDEL', row, 'record', 'facts', 'count', 'bytes')
local left = state.pruned
if state.facts then
  local channels = #active > 0 and cjson.encode(active) or '[]'
  local answer = '{"record":' .. state.record .. ',"channels":' .. channels .. '}'
  left = string.match(state.facts, '^%S+') .. ' ' .. answer
end
if left and tonumber(string.match(left, '^%S+')) <= now then left = nil end
if left and isDisconnect then
  found[1] = string.match(left, '^%S+ (.*)')
  redis.call('HSET', row, 'by', call, 'was', found[1])
end
if left and not isDisconnect then redis.call('HSET', row, 'pruned', left) end
if not left or isDisconnect then redis.call('HDEL', row, 'pruned') end
for _, channel in ipairs(active) do
  local before = state['-' .. channel]
  local removing = (before and before .. ' ' or '') .. state['+' .. channel] .. '/' .. call
  state['-' .. channel] = removing
  redis.call('HDEL', row, '+' .. channel)
  redis.call('HSET', row, '-' .. channel, removing)
end
for field, removing in pairs(state) do
  if string.sub(field, 1, 1) == '-' then
    found[#found + 1] = string.sub(field, 2)
    found[#found + 1] = removing
  end
end
if #found == 1 and (not left or isDisconnect) then ttl = ${ANSWER_MS} end
redis.call('PEXPIRE', row, math.max(ttl, 1))
return found
`);

/**
 * Forgets what was removed. KEYS: row. ARGV: call, 1 when nothing else of the connection is left,
 * then `channel, removing` for each that this call has begun to remove.
 */
export const settleScript: Script = script(`
local row = KEYS[1]
for i = 3, #ARGV, 2 do
  local field = '-' .. ARGV[i]
  if redis.call('HGET', row, field) == ARGV[i + 1] then redis.call('HDEL', row, field) end
end
if redis.call('HGET', row, 'by') == ARGV[1] then redis.call('HDEL', row, 'by', 'was') end
local state = redis.call('HMGET', row, 'facts', 'pruned')
if ARGV[2] == '1' and not state[1] and not state[2] then
  redis.call('PEXPIRE', row, ${ANSWER_MS})
end
return {}
`);

// It is sent within half a minute of its call's beginning, because the end of its token is remembered
// for a minute.
//
// Nobody is told of the end of some connections. Each new member removes up to two others of its
// channel that have expired, by the server's clock as well as by the function's: one function whose
// clock is ahead must not take live memberships away.
/**
 * Puts a member into a channel, in the place of an older one of its connection. KEYS: channel, the
 * end of its token, and the ends of older ones. ARGV: slice key, token, facts, ttl, now. Does
 * nothing when the token has ended.
 */
export const addScript: Script = {
  ...script(`
local channel, key, member = KEYS[1], ARGV[1], ARGV[1] .. ' ' .. ARGV[2] .. ' ' .. ARGV[3]
for i = 3, #KEYS do redis.call('SET', KEYS[i], '', 'PX', ${ENDED_MS}) end
if redis.call('EXISTS', KEYS[2]) == 1 then return {} end
for _, older in ipairs(redis.call('ZRANGEBYLEX', channel, '[' .. key .. ' ', '(' .. key .. '!')) do
  if older == member then return {} end
  redis.call('ZREM', channel, older)
end
redis.call('ZADD', channel, 0, member)
local time = redis.call('TIME')
local now = math.min(tonumber(ARGV[5]), time[1] * 1000 + time[2] / 1000)
for _, other in ipairs(redis.call('ZRANDMEMBER', channel, 2)) do
  local expiresAt = tonumber(string.match(other, '^%S+ %S+ (%S+)'))
  if expiresAt <= now and other ~= member then redis.call('ZREM', channel, other) end
end
if redis.call('PTTL', channel) < tonumber(ARGV[4]) then
  redis.call('PEXPIRE', channel, ARGV[4])
end
return {}
`),
  withinMs: ENDED_MS / 2,
};

// The first ZREM finds nothing. It is there because a server that is out of memory has to accept this.
/**
 * Ends tokens in a channel, and removes the member that has one of them. KEYS: channel, the ends of
 * the tokens. ARGV: slice key, tokens…
 */
export const removeScript: Script = script(`
local channel, key = KEYS[1], ARGV[1]
local ended = {}
redis.call('ZREM', channel, key)
for i = 2, #ARGV do ended[ARGV[i]] = true end
for _, member in ipairs(redis.call('ZRANGEBYLEX', channel, '[' .. key .. ' ', '(' .. key .. '!')) do
  if ended[string.match(member, '^%S+ (%S+)')] then redis.call('ZREM', channel, member) end
end
for i = 2, #KEYS do redis.call('SET', KEYS[i], '', 'PX', ${ENDED_MS}) end
return {}
`);
