import { createHash } from 'node:crypto';

/** A Lua script. All keys of one call are in one slot of a cluster. */
export interface Script {
  readonly lua: string;
  /** Its SHA-1, the name by which EVALSHA runs it. */
  readonly sha: string;
  /** How long after the start of a call it may still be sent. @default until the end of the call */
  readonly withinMs?: number;
}

// A script that is sent again because its answer was lost may run twice. Each run makes its own token,
// because the first one may have ended meanwhile.

const MAKE_TOKEN = `
local time = redis.call('TIME')
local token = call .. string.format('%x', (time[1] * 1000000 + time[2]) % 268435456)`;

export function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/** Splits the flat list that a script returns into groups. */
export function inGroups(found: readonly string[], size: number): string[][] {
  const count = Math.ceil(found.length / size);
  return Array.from({ length: count }, (_, index) => found.slice(index * size, (index + 1) * size));
}

// The hash of a connection (its "row") has these fields:
//   record         the connection record as JSON
//   details        "expiresAt json": the part of the record that each membership repeats
//   count, bytes   number of channels, and total length of their names
//   +channel       the token of the current membership
//   -channel       "token/call token/call": memberships being removed, each with the call that began it
//   by, was        the call that disconnected it, and the answer of that call
//   pruned         "expiresAt answer": the answer for the first disconnect after a prune
// The sorted set of a channel has one member for each connection, "sliceKey token details", with score 0.
// A separate key records for one minute that a token has ended in a channel.
//
// A token belongs to one membership and begins with the id of the call that created it. A membership
// ends first in the row, then in the channel; then its token is deleted from the row. So a call that
// repeats an interrupted removal finds what is left to do, and the channel refuses a membership that
// arrives late from an interrupted function. Each new membership ends the older ones of its connection
// in the same script, so that none of them can come back.
//
// Only the call that began a removal deletes the note of it from the row. If its answer is lost and it
// is sent again, it still finds the answer there.
//
// A server that is out of memory refuses a script whose first write adds something. Scripts that free
// memory must still run, so they begin with a write that removes something.

/** How long the end of a token is recorded, in milliseconds. */
export const ENDED_MS = 60_000;

/** How long the row of an ended connection is kept in case an answer was lost, in milliseconds. */
const ANSWER_MS = 10_000;

/**
 * Saves a connection. KEYS: row. ARGV: now, ttl, record, details, call, channels… Returns `channel,
 * token, removing` for each channel; the token is empty if there is only something to remove.
 */
export const saveScript: Script = script(`
local row, now, details, call = KEYS[1], tonumber(ARGV[1]), ARGV[4], ARGV[5]
${MAKE_TOKEN}
local before = redis.call('HGET', row, 'details')
local isLive = before and tonumber(string.match(before, '^%S+')) > now
local active, removing = {}, {}
local fields = redis.call('HGETALL', row)
for i = 1, #fields, 2 do
  local sign, channel = string.sub(fields[i], 1, 1), string.sub(fields[i], 2)
  if sign == '-' then removing[channel] = fields[i + 1] end
  if sign == '+' then active[channel] = fields[i + 1] end
end
redis.call('HSET', row, 'record', ARGV[3], 'details', details)
redis.call('HDEL', row, 'by', 'was', 'pruned')
redis.call('PEXPIRE', row, ARGV[2])
for channel, current in pairs(active) do
  if not isLive or before ~= details then
    removing[channel] = (removing[channel] and removing[channel] .. ' ' or '') .. current .. '/' .. call
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
for channel, current in pairs(active) do
  count, bytes = count + 1, bytes + #channel
  found[#found + 1] = channel
  found[#found + 1] = current
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
 * Adds channels to a row. KEYS: row. ARGV: now, call, maxChannels, maxBytes, channels… Returns the
 * details, then `result, token, removing` for each channel; an empty list if the connection is gone.
 */
export const subscribeScript: Script = script(`
local row, call = KEYS[1], ARGV[2]
${MAKE_TOKEN}
local state = redis.call('HMGET', row, 'details', 'count', 'bytes')
local details, count, bytes = state[1], tonumber(state[2]), tonumber(state[3])
if not details or tonumber(string.match(details, '^%S+')) <= tonumber(ARGV[1]) then return {} end
local found = { details }
local before = count
for i = 5, #ARGV do
  local channel = ARGV[i]
  local fields = redis.call('HMGET', row, '+' .. channel, '-' .. channel)
  local current, result = fields[1], 'subscribed'
  if current then
    if string.sub(current, 1, #call) ~= call then result = 'present' end
  elseif count >= tonumber(ARGV[3]) or bytes + #channel > tonumber(ARGV[4]) then
    current, result = '', 'full'
  else
    current, count, bytes = token, count + 1, bytes + #channel
    redis.call('HSET', row, '+' .. channel, current)
  end
  found[#found + 1] = result
  found[#found + 1] = current
  found[#found + 1] = fields[2] or ''
end
if count > before then redis.call('HSET', row, 'count', count, 'bytes', bytes) end
return found
`);

/**
 * Removes channels from a row. KEYS: row. ARGV: now, call, channels… Returns two strings for each
 * channel: 'removed' if this call removed it, else '', and `removing`.
 */
export const unsubscribeScript: Script = script(`
local row, call = KEYS[1], ARGV[2]
local details = redis.call('HGET', row, 'details')
local isLive = details and tonumber(string.match(details, '^%S+')) > tonumber(ARGV[1])
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
  found[#found + 1] = string.find(removing, '/' .. call, 1, true) and 'removed' or ''
  found[#found + 1] = removing
end
if count > 0 then
  redis.call('HINCRBY', row, 'count', -count)
  redis.call('HINCRBY', row, 'bytes', -bytes)
end
return found
`);

/**
 * Ends a connection. KEYS: row. ARGV: now, call, 1 for a disconnect and 0 for a prune. Returns the
 * connection as JSON to the first disconnect, else '', then `channel, removing` for everything to remove.
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
redis.call('HDEL', row, 'record', 'details', 'count', 'bytes')
local left = state.pruned
if state.details then
  local channels = #active > 0 and cjson.encode(active) or '[]'
  local answer = '{"record":' .. state.record .. ',"channels":' .. channels .. '}'
  left = string.match(state.details, '^%S+') .. ' ' .. answer
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
 * Deletes the notes of finished removals. KEYS: row. ARGV: call, 1 if nothing else of the connection is
 * left, then `channel, removing` for each removal that this call began.
 */
export const forgetScript: Script = script(`
local row = KEYS[1]
for i = 3, #ARGV, 2 do
  local field = '-' .. ARGV[i]
  if redis.call('HGET', row, field) == ARGV[i + 1] then redis.call('HDEL', row, field) end
end
if redis.call('HGET', row, 'by') == ARGV[1] then redis.call('HDEL', row, 'by', 'was') end
local state = redis.call('HMGET', row, 'details', 'pruned')
if ARGV[2] == '1' and not state[1] and not state[2] then
  redis.call('PEXPIRE', row, ${ANSWER_MS})
end
return {}
`);

// It must be sent within 30 s of the start of its call, because the end of its token is recorded for
// one minute.
//
// Some connections end without a $disconnect. So each new member also removes up to two expired members
// of its channel. They must have expired by the clocks of both the server and the function: a function
// whose clock is ahead must not remove live memberships.
/**
 * Adds a member to a channel in place of an older one of its connection. KEYS: channel, the key for the
 * end of its token, and those for older tokens. ARGV: slice key, token, details, ttl, now. Does nothing
 * if the token has ended.
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

// The first ZREM removes nothing. It makes a server that is out of memory accept the script (see above).
/**
 * Ends tokens in a channel, and removes the member that has one of them. KEYS: channel, one key for the
 * end of each token. ARGV: slice key, tokens…
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
