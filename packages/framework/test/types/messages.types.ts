// Compiled, never run, in both conventions of decorators. Each `@ts-expect-error` fails when nothing does.
import {
  Channel,
  type ChannelType,
  type Connection,
  type MessageContext,
  OnMessage,
  type UnsubscribeContext,
} from '@gatecast/framework';
import * as v from 'valibot';
import { type Equal, is } from './equal.js';

type Room = ChannelType<
  'rooms/:roomId',
  { message: { text: string; at: Date }; typing: { who: string } }
>;

const Post = v.object({ text: v.string() });
// The input of the schema differs from its output: a string in, a number out.
const Page = v.object({ n: v.pipe(v.string(), v.transform(Number)) });
const Filter = v.object({ tag: v.optional(v.string(), 'all') });
class Bare {
  text = '';
}

// ---- Handlers that fit ----

@Channel('rooms/:roomId')
class RoomChannel {
  @OnMessage(Post)
  post(message: { text: string }, ctx: MessageContext<Room>) {
    is<Equal<typeof ctx.params, { readonly roomId: string }>>();
    is<Equal<typeof ctx.connection, Connection>>();
    is<Equal<typeof ctx.messageId, string>>();
    is<Equal<typeof ctx.idempotencyKey, string>>();
    is<Equal<typeof ctx.attempt, number>>();
    // @ts-expect-error the pattern has no such parameter
    void ctx.params.room;
    // @ts-expect-error only the end of a subscription has a cause
    void ctx.cause;
    return message.text;
  }

  @OnMessage(Post, { reply: false })
  async quiet(message: v.InferOutput<typeof Post>) {
    await Promise.resolve(message);
  }

  @OnMessage(Page)
  page(message: { n: number }) {
    return message.n;
  }

  @OnMessage(Filter)
  filter(message: { tag: string }) {
    return message.tag;
  }

  @OnMessage(Post)
  wider(message: { text?: string }) {
    return message.text;
  }

  @OnMessage(Post)
  careless(message: unknown) {
    return message;
  }

  @OnMessage()
  raw(message: unknown, ctx: MessageContext<Room>) {
    return [message, ctx.params.roomId];
  }

  @OnMessage({ reply: false })
  ping() {}

  @OnMessage()
  loose(_message: unknown, ctx: MessageContext) {
    // Without a contract, any parameter can be read and may be missing.
    is<Equal<typeof ctx.params.roomId, string | undefined>>();
    void ctx.channel.publish('anything', { at: 'all' });
  }
}

// ---- Handlers that disagree with their schema ----

class WrongMessages {
  // @ts-expect-error the schema makes `text`, not `body`
  @OnMessage(Post)
  body(message: { body: string }, ctx: MessageContext<Room>) {
    return [message.body, ctx];
  }

  // @ts-expect-error the schema's text is a string
  @OnMessage(Post)
  typed(message: { text: number }) {
    return message.text;
  }

  // @ts-expect-error the schema only makes `text`
  @OnMessage(Post)
  more(message: { text: string; from: string }) {
    return message.from;
  }

  // @ts-expect-error the handler gets the schema's output, a number, not its input
  @OnMessage(Page)
  input(message: { n: string }) {
    return message.n;
  }

  // @ts-expect-error options do not change what the schema makes
  @OnMessage(Post, { reply: false })
  quiet(message: { body: string }) {
    return message.body;
  }

  // @ts-expect-error without a schema the message is unknown
  @OnMessage()
  unchecked(message: { text: string }) {
    return message.text;
  }

  // @ts-expect-error nor do options know it
  @OnMessage({ reply: false })
  uncheckedToo(message: { text: string }) {
    return message.text;
  }

  // @ts-expect-error the message comes first, then the context
  @OnMessage(Post)
  swapped(ctx: MessageContext<Room>, message: { text: string }) {
    return [ctx, message];
  }

  // @ts-expect-error a message is not the end of a subscription
  @OnMessage(Post)
  leave(_message: { text: string }, ctx: UnsubscribeContext<Room>) {
    return ctx.cause;
  }

  // @ts-expect-error message and context are the only arguments
  @OnMessage(Post)
  third(message: { text: string }, ctx: MessageContext<Room>, event: object) {
    return [message, ctx, event];
  }
}

// ---- Arguments that are neither a schema nor options ----

class WrongArguments {
  // @ts-expect-error a class is not a schema: `dto(Bare)` makes one from a class-validator class
  @OnMessage(Bare)
  bare(message: unknown) {
    return message;
  }

  // @ts-expect-error the method is the message's name, no other can be given
  @OnMessage('say', Post)
  post(message: unknown) {
    return message;
  }

  // @ts-expect-error there is no such option
  @OnMessage({ answer: false })
  option() {}

  // @ts-expect-error nor beside a schema
  @OnMessage(Post, { timeoutMs: 1_000 })
  optionToo() {}

  // @ts-expect-error `reply` is yes or no
  @OnMessage({ reply: 'no' })
  value() {}

  // @ts-expect-error the decorator has to be called
  @OnMessage
  uncalled() {}
}

// ---- Wrong places ----

class WrongPlaces {
  // @ts-expect-error a property is not a handler
  @OnMessage()
  text = '';

  // @ts-expect-error nor is an arrow function kept in a property
  @OnMessage()
  send = (message: unknown) => message;

  // @ts-expect-error nor a getter
  @OnMessage()
  get last() {
    return '';
  }

  // @ts-expect-error nor a setter
  @OnMessage()
  set next(text: string) {
    this.text = text;
  }

  // @ts-expect-error no one but the class can call a method behind a #
  @OnMessage()
  #secret() {}

  // @ts-expect-error a static method belongs to no instance
  @OnMessage()
  static raw() {}

  // @ts-expect-error a symbol is not a name that a client could send
  @OnMessage()
  [Symbol.iterator]() {}

  open() {
    this.#secret();
  }
}

// @ts-expect-error a class is not a handler
@OnMessage()
class WrongTarget {
  readonly topic = 'none';
}

export { RoomChannel, WrongArguments, WrongMessages, WrongPlaces, WrongTarget };
