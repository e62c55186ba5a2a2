import {
  Channel,
  type ChannelType,
  ClientError,
  type MessageContext,
  OnMessage,
  OnSubscribe,
  type Plugin,
  type Store,
  type SubscribeContext,
} from '@gatecast/framework';
import { createTestApp, type TestConnection } from '@gatecast/framework/testing';
import type { HistoryReply, ReplyFrame, SubscribeOutcome } from '@gatecast/protocol';
import { expect } from 'vitest';

type Room = ChannelType<'rooms/:roomId', { message: { text: unknown } }>;

/** Operations that the access rule refuses for a while. */
export const limited = new Set<string>();
/** Operations that the access rule refuses. */
export const refused = new Set<string>();

@Channel('rooms/:roomId', {
  history: { retentionSeconds: 600, maxEntries: 1_000 },
  access({ operation }) {
    if (limited.has(operation)) {
      throw new ClientError('ERR_RATE_LIMIT', 'Later.', { retryAfterMs: 1_000 });
    }
    return !refused.has(operation);
  },
})
export class RoomChannel {
  @OnSubscribe()
  join({ isResume }: SubscribeContext<Room>) {
    return { isResume };
  }

  @OnMessage()
  post(text: unknown, { channel }: MessageContext<Room>) {
    return channel.publish('message', { text });
  }

  @OnMessage()
  hint(text: unknown, { channel }: MessageContext<Room>) {
    return channel.publish('message', { text }, { ephemeral: true });
  }

  @OnMessage()
  now(_: unknown, { channel }: MessageContext<Room>) {
    return channel.publish('message', { text: Math.random() });
  }
}

@Channel('news')
export class NewsChannel {
  readonly topic = 'none';
}

export function makeApp(plugins: readonly Plugin[] = [], store?: Store) {
  refused.clear();
  limited.clear();
  return createTestApp({ channels: [RoomChannel, NewsChannel], plugins, ...(store && { store }) });
}

/** Sends a message, and returns the position of its event. */
export async function post(connection: TestConnection, text: unknown): Promise<string> {
  const answer = await connection.send('rooms.post', 'rooms/1', text);
  return ((answer as ReplyFrame).data as { position: string }).position;
}

/** The data of the reply to a history frame about `rooms/1`. */
export async function history(connection: TestConnection, range: object): Promise<HistoryReply> {
  const answer = await connection.sendFrame({
    action: 'history',
    id: 'h',
    channel: 'rooms/1',
    ...range,
  });
  expect(answer).toMatchObject({ type: 'reply', id: 'h' });
  return (answer as ReplyFrame).data as HistoryReply;
}

/** The texts of the events in a reply. */
export function textsOf(reply: HistoryReply | SubscribeOutcome | undefined): unknown[] {
  const { events = [] } = reply as { events?: readonly { data: { text: unknown } }[] };
  return events.map(({ data }) => data.text);
}
