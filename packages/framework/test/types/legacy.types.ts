// Compiled, never run. class-validator only supports `experimentalDecorators`.
import { type ChannelType, type MessageContext, OnMessage, OnSubscribe } from '@gatecast/framework';
import { dto } from '@gatecast/framework/class-validator';
import { IsString, ValidateNested } from 'class-validator';
import { type Equal, is } from './equal.js';

type Room = ChannelType<'rooms/:roomId', { message: { text: string } }>;

class Author {
  @IsString() name!: string;
}
class Post {
  @IsString() text!: string;
  @ValidateNested() author?: Author;

  trimmed() {
    return this.text.trim();
  }
}

class RoomChannel {
  @OnMessage(dto(Post))
  async post(message: Post, ctx: MessageContext<Room>) {
    // The handler gets an instance, methods and all.
    is<Equal<ReturnType<typeof message.trimmed>, string>>();
    await ctx.channel.publish('message', { text: message.text });
  }

  @OnMessage(dto(Post), { reply: false })
  less(message: { text: string }) {
    return message.text;
  }
}

class Undecorated {
  text = '';
}
class NeedsText {
  constructor(readonly text: string) {}
}

class WrongChannel {
  // @ts-expect-error the schema makes a Post, not an Author
  @OnMessage(dto(Post))
  post(message: Author) {
    return message.name;
  }

  // @ts-expect-error the author may be missing
  @OnMessage(dto(Post))
  nested(message: { author: Author }) {
    return message.author;
  }

  // @ts-expect-error the class alone is not a schema
  @OnMessage(Post)
  bare(message: unknown) {
    return message;
  }
}

// @ts-expect-error class-transformer makes the instance, with no arguments
dto(NeedsText);
// @ts-expect-error an instance is not a class
dto(new Post());
// Whether a class is decorated is only known at run time.
dto(Undecorated);

// ---- Names ----

const secret = Symbol('secret');
class SymbolNames {
  // @ts-expect-error a symbol is not a name that a client could send
  @OnMessage()
  [secret]() {}

  // @ts-expect-error nor one that the framework would find again
  @OnSubscribe()
  [Symbol.iterator]() {}
}

export { RoomChannel, SymbolNames, WrongChannel };
