// Compiled, never run, in both conventions of decorators. Each `@ts-expect-error` fails when nothing does.
import {
  type BaseContext,
  Channel,
  type ChannelContext,
  type ChannelType,
  type Claims,
  type ConnectContext,
  type Connection,
  type ContextVariables,
  type DisconnectContext,
  type MessageContext,
  OnConnect,
  OnDisconnect,
  OnSubscribe,
  OnUnsubscribe,
  type SubscribeContext,
  type UnsubscribeContext,
} from '@gatecast/framework';
import type { ContractOf, EventsOf, NameOf } from '@gatecast/protocol';
import { type Equal, is } from './equal.js';

type Events = { message: { text: string } };
type Room = ChannelType<'rooms/:roomId', Events>;

// ---- All lifecycle handlers of a connection and a channel ----

@Channel('rooms/:roomId')
class RoomChannel {
  @OnConnect()
  open(ctx: ConnectContext) {
    is<Equal<typeof ctx.connection, Connection>>();
    is<Equal<(typeof ctx.headers)['origin'], string | undefined>>();
    is<Equal<(typeof ctx.query)['token'], string | undefined>>();
    // @ts-expect-error a connection that is being opened is on no channel
    void ctx.channel;
    // @ts-expect-error and has no parameters
    void ctx.params;
  }

  @OnDisconnect()
  async close(ctx: DisconnectContext) {
    is<Equal<typeof ctx.code, number>>();
    is<Equal<typeof ctx.reason, string>>();
    is<Equal<typeof ctx.channels, readonly string[]>>();
    await ctx.app.channel<Room>('rooms/42').publish('message', { text: 'bye' });
    // @ts-expect-error there is no one to publish to
    void ctx.channel;
    // @ts-expect-error the handshake is long over
    void ctx.headers;
  }

  @OnSubscribe()
  join(ctx: SubscribeContext<Room>) {
    is<Equal<typeof ctx.params, { readonly roomId: string }>>();
    is<Equal<typeof ctx.connection.userId, string | undefined>>();
    is<Equal<typeof ctx.connection.claims, Claims>>();
    // @ts-expect-error the app has not registered what its tokens claim
    void ctx.connection.claims.role.length;
    // @ts-expect-error the pattern has no such parameter
    void ctx.params.room;
    // @ts-expect-error what comes from the client's name cannot be changed
    ctx.params.roomId = 'other';
    // @ts-expect-error only messages have an id
    void ctx.messageId;
    // @ts-expect-error only the end of a subscription has a cause
    void ctx.cause;
    return { topic: ctx.params.roomId };
  }

  @OnUnsubscribe()
  leave(ctx: UnsubscribeContext<Room>) {
    is<Equal<typeof ctx.cause, 'unsubscribe' | 'disconnect' | 'refused' | 'server'>>();
    void ctx.channel.publish('message', { text: ctx.cause });
    // @ts-expect-error there is no such cause
    return ctx.cause === 'kicked';
  }
}

// The contexts of a connection have no channel, and do not change the contract of the class.
is<Equal<ContractOf<RoomChannel>, Room>>();
is<Equal<EventsOf<RoomChannel>, Events>>();
is<Equal<NameOf<RoomChannel>, `rooms/${string}`>>();

// Nothing was registered in this program: `augmented` does.
is<Equal<Claims, Readonly<Record<string, unknown>>>>();
is<Equal<keyof ContextVariables, never>>();

// ---- Signatures that fit ----

class FreeChannel {
  @OnConnect()
  nothing() {}

  @OnDisconnect()
  less(ctx: BaseContext) {
    return ctx.route;
  }

  @OnSubscribe()
  async general(ctx: ChannelContext<Room>) {
    return ctx.params.roomId;
  }

  @OnUnsubscribe()
  picked({ connection }: Pick<UnsubscribeContext, 'connection'>) {
    return connection.id;
  }
}
is<Equal<ContractOf<FreeChannel>, Room>>();

// ---- Signatures that do not ----

class WrongContexts {
  // @ts-expect-error a connection that is being opened has no close code
  @OnConnect()
  open(ctx: DisconnectContext) {
    return ctx.code;
  }

  // @ts-expect-error nor is it on a channel
  @OnConnect()
  enter(ctx: SubscribeContext<Room>) {
    return ctx.params.roomId;
  }

  // @ts-expect-error a connection that has ended has no handshake
  @OnDisconnect()
  close(ctx: ConnectContext) {
    return ctx.headers;
  }

  // @ts-expect-error it has left several channels, not one
  @OnDisconnect()
  leave(ctx: UnsubscribeContext<Room>) {
    return ctx.params.roomId;
  }

  // @ts-expect-error only messages have an id
  @OnSubscribe()
  join(ctx: MessageContext<Room>) {
    return ctx.messageId;
  }

  // @ts-expect-error a subscription that begins has no end
  @OnSubscribe()
  joinToo(ctx: UnsubscribeContext<Room>) {
    return ctx.cause;
  }

  // @ts-expect-error what comes is a context
  @OnSubscribe()
  byName(channel: string) {
    return channel;
  }

  // @ts-expect-error what comes is a context
  @OnConnect()
  byId(connectionId: string) {
    return connectionId;
  }
}

class WrongParameters {
  // @ts-expect-error the context is the only argument
  @OnConnect()
  open(ctx: ConnectContext, event: object) {
    return [ctx, event];
  }

  // @ts-expect-error the context is the only argument
  @OnDisconnect()
  close(ctx: DisconnectContext, code: number) {
    return [ctx, code];
  }

  // @ts-expect-error no data comes with a subscription
  @OnSubscribe()
  join(data: { since: number }, ctx: SubscribeContext<Room>) {
    return [data, ctx];
  }

  // @ts-expect-error no data comes with the end of one
  @OnUnsubscribe()
  leave(data: unknown, ctx: UnsubscribeContext<Room>) {
    return [data, ctx];
  }
}

// ---- Wrong places ----

class WrongPlaces {
  // @ts-expect-error a property is not a handler
  @OnSubscribe()
  topic = 'none';

  // @ts-expect-error nor is an arrow function kept in a property
  @OnConnect()
  open = () => {};

  // @ts-expect-error nor a getter
  @OnUnsubscribe()
  get left() {
    return 'never';
  }

  // @ts-expect-error no one but the class can call a method behind a #
  @OnDisconnect()
  #close() {}

  // @ts-expect-error the decorator has to be called
  @OnSubscribe
  join() {}

  // @ts-expect-error a static method belongs to no instance
  @OnConnect()
  static begin() {}

  // @ts-expect-error the framework finds handlers by name
  @OnSubscribe()
  [Symbol.iterator]() {}

  closeNow() {
    this.#close();
  }
}

// @ts-expect-error a class is not a handler
@OnConnect()
class WrongTarget {
  readonly topic = 'none';
}

// @ts-expect-error there are no options
void OnSubscribe({ reply: false });

export { FreeChannel, RoomChannel, WrongContexts, WrongParameters, WrongPlaces, WrongTarget };
