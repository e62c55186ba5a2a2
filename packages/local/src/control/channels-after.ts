import { parseJson } from '../integration/json-path.js';

/** A message of a client, and the frame that answered it. */
export interface AnsweredMessage {
  readonly body: string;
  readonly answer: string | undefined;
}

/**
 * The channels that a connection is subscribed to after a message, as far as the message and its
 * answer tell: a `subscribe` or `unsubscribe` frame of Gatecast and the reply to it. What the app
 * does by itself, such as `autoSubscribe`, passes by unseen.
 */
export function channelsAfter(
  channels: ReadonlySet<string>,
  { body, answer }: AnsweredMessage,
): ReadonlySet<string> {
  // Most messages are others, and need not be parsed.
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
