import type { Traffic } from '../../gateway/events.js';
import { parseJson } from '../../gateway/routes/json-path.js';
import { record } from './refusal-in-frames.js';

/**
 * The channels that a connection is subscribed to after a message, derived from Gatecast's `subscribe`
 * and `unsubscribe` frames and the replies. Changes by the app itself, such as `autoSubscribe`, are not
 * visible here.
 */
export function channelsAfter(
  channels: ReadonlySet<string>,
  { event = {}, frames: [answer] = [] }: Traffic,
): ReadonlySet<string> {
  const body = 'body' in event ? String(event.body) : '';
  // Other messages, which are most, need not be parsed.
  if (answer === undefined || !body.includes('subscribe')) return channels;
  const frame = record(parseJson(body));
  const reply = record(parseJson(answer));
  if (reply['type'] !== 'reply' || reply['id'] !== frame['id']) return channels;
  const outcomes = record(reply['data'])['channels'];
  if (!Array.isArray(outcomes)) return channels;
  const changed = new Set(channels);
  for (const { channel, error } of outcomes.map(record)) {
    if (typeof channel !== 'string' || error !== undefined) continue;
    if (frame['action'] === 'subscribe') changed.add(channel);
    if (frame['action'] === 'unsubscribe') changed.delete(channel);
  }
  return changed;
}
