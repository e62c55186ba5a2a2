import { type Script, script } from '../scripts.js';

// The log of a channel has these keys, all with the tag {channel}:
//   head (hash)     epoch, top and tag: the position of the last entry; audience
//   stream          the entries, with the ids 1-0, 2-0 …, without a gap: t tag, p tag of the entry before it,
//                   a time, d payload
//   key (string)    "epoch offset tag prev time attempt hash": where the publish with this key is
//
// The stream only ever loses entries at its beginning, so nothing else records what was trimmed or purged.
//
// A fail-over may forget the end of a log and use its offsets again. Each tag is a hash of all keys and hashes
// up to its entry, so a position of the forgotten end is noticed: the entry after it says another tag.
//
// An append that is sent again because its answer was lost finds its own attempt with the key.
//
// A server that is out of memory refuses a script whose first write adds something, so the first write of an
// append is its entry. If that is refused, old entries are still trimmed, and the error is returned.

/** How long entries and keys are kept beyond their retention, because clocks differ, in milliseconds. */
const LATE_MS = 60_000;
/** How long a stream that nobody appends to is kept beyond the retention of its entries, in milliseconds. */
const STREAM_MS = 3_600_000;
/** Most old entries that one append removes. More than one, so that a backlog ends. */
const TRIMMED = 4;
/** Entries that are read from the stream at once. */
const BATCH = 32;

const LOG = `
local head, stream, headMs, now, keepMs = KEYS[1], KEYS[2], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local function extend(key, leastMs, ms)
  if redis.call('PTTL', key) < leastMs then redis.call('PEXPIRE', key, ms) end
end
local function range(command, from, to, count)
  local entries = redis.call(command, stream, from, to, 'COUNT', count)
  for i, raw in ipairs(entries) do
    local entry = {}
    for j = 1, #raw[2], 2 do entry[raw[2][j]] = raw[2][j + 1] end
    entry.n = tonumber(string.match(raw[1], '%d+'))
    entries[i] = entry
  end
  return entries
end
local function read(n) return range('XRANGE', n, n, 1)[1] or {} end
local function isOver(at, lateMs) return tonumber(at) + keepMs + lateMs < now end
local state = redis.call('HMGET', head, 'epoch', 'top', 'tag', 'audience')
if not state[1] then
  state = { ARGV[1], '0', '', false }
  redis.call('HSET', head, 'epoch', ARGV[1], 'top', 0, 'tag', '')
  redis.call('UNLINK', stream)
end
local epoch, top, last = state[1], tonumber(state[2]), state[3]`;

/**
 * Appends an entry. KEYS: head, stream, key. ARGV: epoch of a new log, life of the head, now, retention, key,
 * attempt, hash, payload, 1 to refuse another hash. Times are in milliseconds. Returns 'new', 'own' or 'known',
 * then `epoch, offset, tag, prev, time`, and the payload of an entry that was there already; an empty list if it
 * is refused.
 */
export const appendScript: Script = {
  ...script(`${LOG}
local known = redis.call('GET', KEYS[3])
if known then
  local was, n, tag, prev, at, by, hash = string.match(known, '^(%S+) (%S+) (%S+) (%S*) (%S+) (%S+) (.*)')
  if was == epoch and not isOver(at, ${LATE_MS}) then
    if hash ~= ARGV[7] and ARGV[9] == '1' then return {} end
    return { by == ARGV[6] and 'own' or 'known', epoch, n, tag, prev, at, read(n).d }
  end
end
local n, tag = top + 1, string.sub(redis.sha1hex(last .. ARGV[5] .. ARGV[7]), 1, 12)
local added = redis.pcall('XADD', stream, n .. '-0', 't', tag, 'p', last, 'a', ARGV[3], 'd', ARGV[8])
for _ = 1, ${TRIMMED} do
  local first = range('XRANGE', '-', '+', 1)[1]
  if not first or not isOver(first.a, ${LATE_MS}) then break end
  redis.call('XDEL', stream, first.n .. '-0')
end
if type(added) == 'table' then return added end
redis.call('HSET', head, 'top', n, 'tag', tag)
local found = { epoch, tostring(n), tag, last, ARGV[3] }
local place = table.concat(found, ' ') .. ' ' .. ARGV[6] .. ' ' .. ARGV[7]
redis.call('SET', KEYS[3], place, 'PX', keepMs + ${LATE_MS})
extend(stream, keepMs + ${STREAM_MS}, keepMs + ${STREAM_MS})
extend(head, headMs, headMs)
return { 'new', unpack(found) }
`),
  withinMs: LATE_MS,
};

/**
 * Reads the end of a log and the entries after or before a position. KEYS: head, stream. ARGV: epoch of a new
 * log, life of the head, now, retention, the least life that the head must have left, maxEntries or '', limit,
 * maxBytes, 1 to read onwards and -1 backwards, then `epoch, offset, tag` of the position, or ''. Returns
 * `epoch, top, tag, audience, reset, more`, then `offset, tag, prev, time, payload` for each entry in the order
 * of the read.
 */
export const readScript: Script = script(`${LOG}
extend(head, tonumber(ARGV[5]), headMs)
local floor = ARGV[6] == '' and 0 or math.max(0, top - ARGV[6])
local found = { epoch, state[2], last, state[4] or '', '', '' }
local limit, step, n, bytes = tonumber(ARGV[7]), tonumber(ARGV[9]), top, 0
if ARGV[10] ~= '' then
  n = tonumber(ARGV[11])
  local tag = n == top and last or read(n + 1).p
  if ARGV[10] ~= epoch then found[5] = 'epoch'
  elseif n > top or n > 0 and tag and tag ~= ARGV[12] then found[5] = 'forked'
  elseif step == 1 and n < floor then found[5] = 'trimmed' end
  if found[5] ~= '' then return found end
  n = n + step
end
local function walk()
  while n > floor and n <= top do
    local entries = step == 1 and range('XRANGE', n, '+', ${BATCH}) or range('XREVRANGE', n, '-', ${BATCH})
    for _, entry in ipairs(entries[1] and entries or { {} }) do
      if n <= floor then return end
      local isFull = #found >= 6 + 5 * limit
      if isFull and step == 1 then
        found[6] = '1'
        return
      end
      if entry.n ~= n or not entry.d or isOver(entry.a, 0) then
        if step == 1 then found[5] = 'trimmed' end
        return
      end
      bytes = bytes + #entry.d
      if isFull or #found > 6 and bytes > tonumber(ARGV[8]) then
        found[6] = '1'
        return
      end
      for _, value in ipairs({ tostring(n), entry.t, entry.p, entry.a, entry.d }) do found[#found + 1] = value end
      n = n + step
    end
  end
end
if limit > 0 then walk() end
return found
`);

/** Keeps an estimate of the subscribers. KEYS: head. ARGV: epoch, estimate. */
export const audienceScript: Script = script(`
if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then redis.call('HSET', KEYS[1], 'audience', ARGV[2]) end
return {}
`);
