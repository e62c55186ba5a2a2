import {
  Channel,
  type ChannelType,
  type MessageContext,
  OnMessage,
  OnSubscribe,
  type SubscribeContext,
} from '@gatecast/framework';
import { dto } from '@gatecast/framework/class-validator';
import { IsString, Length } from 'class-validator';
import { roomHistory } from './room-history.js';

type Room = ChannelType<
  'rooms/:roomId',
  { message: { text: string; from: string }; typing: { who: string } }
>;

class Post {
  @IsString()
  @Length(1, 2_000)
  text!: string;

  @IsString()
  @Length(1, 40)
  from!: string;
}

class Typing {
  @IsString()
  @Length(1, 40)
  who!: string;
}

/** One chat room. */
@Channel('rooms/:roomId', { history: roomHistory })
export class RoomChannel {
  @OnSubscribe()
  join(ctx: SubscribeContext<Room>) {
    return { topic: `Welcome to ${ctx.params.roomId}` };
  }

  @OnMessage(dto(Post))
  async post({ text, from }: Post, ctx: MessageContext<Room>) {
    // A message that is sent again, because its answer was lost, is in the history once.
    const { id, duplicate } = await ctx.channel.publish('message', { text, from });
    return { id, duplicate };
  }

  @OnMessage(dto(Typing), { reply: false })
  async typing({ who }: Typing, ctx: MessageContext<Room>) {
    await ctx.channel.publish('typing', { who }, { ephemeral: true, except: 'sender' });
  }
}
