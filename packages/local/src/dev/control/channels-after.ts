import { parseJson } from '../../gateway/routes/json-path.js';

/** A message of a client, and the answer. */
export interface AnsweredMessage {
  readonly body: string;
  readonly answer: string | undefined;
}

/**
 * The channels that a connection is subscribed to after a message, derived from Gatecast's `subscribe`
 * and `unsubscribe` frames and the replies. Changes by the app itself, such as `autoSubscribe`, are not
 * visible here.
 */
export function channelsAfter(
  channels: ReadonlySet<string>,
  { body, answer }: AnsweredMessage,
): ReadonlySet<string> {
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

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
