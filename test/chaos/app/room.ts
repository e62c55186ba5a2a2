import {
  Channel,
  type ChannelType,
  createApp,
  createPublisher,
  definePlugin,
  type HistoryPage,
  type MessageContext,
  OnMessage,
  type PublishResult,
  type Store,
} from '@gatecast/framework';
import * as v from 'valibot';
import { version } from './version.js';

/** What a publisher says: its name, and which of its messages on that channel this is. */
const Said = v.object({ by: v.string(), n: v.number() });
export type Said = v.InferOutput<typeof Said>;

type Room = ChannelType<'rooms/:roomId', { said: Said }>;

const history = { retentionSeconds: 86_400 };

@Channel('rooms/:roomId', { history })
export class RoomChannel {
  @OnMessage(Said)
  async say(said: Said, ctx: MessageContext<Room>) {
    const { position = '', duplicate } = await ctx.channel.publish('said', said);
    return { position, duplicate, version };
  }

  /** The server asks the sender's connection to be opened anew. */
  @OnMessage()
  async renew(_data: unknown, { app, attempt, connection }: MessageContext<Room>) {
    if (attempt === 1) await app.connection(connection.id).disconnect({ reconnect: true });
  }
}

// Refused on purpose, all the time.
const quiet = definePlugin({ name: 'quiet', onError() {} });

export function appOn(store: Store) {
  return createApp({ channels: [RoomChannel], store, plugins: [quiet] });
}

/** What the function without a route is asked for. */
export type Order =
  | { readonly channel: string; readonly id: string; readonly said: Said }
  | { readonly channel: string; readonly before?: string; readonly limit: number };

/** A function behind something else than a WebSocket, which publishes and reads the log. */
export function publisherOn(store: Store): (order: Order) => Promise<PublishResult | HistoryPage> {
  const realtime = createPublisher({
    store,
    plugins: [quiet],
    history: { 'rooms/:roomId': history },
  });
  return async ({ channel, ...order }) => {
    const room = realtime.channel<Room>(channel as `rooms/${string}`);
    if ('said' in order) return await room.publish('said', order.said, { id: order.id });
    return await room.history(order);
  };
}
