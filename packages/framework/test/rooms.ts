import {
  Channel,
  type ChannelType,
  ClientError,
  type MessageContext,
  OnMessage,
  OnSubscribe,
  type SubscribeContext,
} from '@gatecast/framework';
import * as v from 'valibot';

export type Room = ChannelType<
  'rooms/:roomId',
  { message: { text: string; from: string }; typing: { who: string } }
>;

const Post = v.object({ text: v.pipe(v.string(), v.maxLength(2_000)) });

/** The channel of most tests. */
@Channel('rooms/:roomId')
export class RoomChannel {
  @OnSubscribe()
  join(ctx: SubscribeContext<Room>) {
    return { topic: `Welcome to ${ctx.params.roomId}` };
  }

  @OnMessage(Post)
  async post(message: { text: string }, ctx: MessageContext<Room>) {
    const from = ctx.connection.userId ?? 'someone';
    const { id, delivery } = await ctx.channel.publish('message', { text: message.text, from });
    return { id, delivery };
  }

  @OnMessage({ reply: false })
  async typing(_: unknown, ctx: MessageContext<Room>) {
    await ctx.channel.publish(
      'typing',
      { who: ctx.connection.id },
      { ephemeral: true, except: 'sender' },
    );
  }

  @OnMessage()
  echo(data: unknown) {
    return data;
  }

  @OnMessage()
  refuse() {
    throw new ClientError('ERR_ROOM_FULL', 'The room is full.', {
      details: { limit: 3 },
      retryAfterMs: 500,
    });
  }

  @OnMessage()
  fail() {
    throw new Error('secret detail of the database');
  }
}
