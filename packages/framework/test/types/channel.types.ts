// Compiled, never run, in both conventions of decorators. Each `@ts-expect-error` fails when nothing does.
import {
  type AccessContext,
  type AccessRule,
  Channel,
  type ChannelType,
  type Connection,
  defineChannel,
  type MessageContext,
  OnConnect,
  OnMessage,
  OnSubscribe,
  type SubscribeContext,
  type UnsubscribeContext,
} from '@gatecast/framework';
import { type Equal, is } from './equal.js';

type Room = ChannelType<'rooms/:roomId', { message: { text: string } }>;
type Hall = ChannelType<'halls/:hallId', { opened: { at: number } }>;

// ---- The pattern and the contract of the handlers ----

@Channel('rooms/:roomId')
class RoomChannel {
  @OnMessage()
  post(_message: unknown, ctx: MessageContext<Room>) {
    return ctx.params.roomId;
  }
}

// @ts-expect-error the handlers are typed for `rooms/:roomId`
@Channel('room/:roomId')
class WrongLiteral {
  @OnMessage()
  post(_message: unknown, ctx: MessageContext<Room>) {
    return ctx.params.roomId;
  }
}

// @ts-expect-error `ctx.params.roomId` would be missing
@Channel('rooms/:id')
class WrongParameter {
  @OnSubscribe()
  join(ctx: SubscribeContext<Room>) {
    return ctx.params.roomId;
  }
}

// @ts-expect-error a channel below another is another channel
@Channel('rooms/:roomId/files')
class WrongDepth {
  leave(ctx: UnsubscribeContext<Room>) {
    return ctx.params.roomId;
  }
}

// @ts-expect-error the handlers are typed for two patterns
@Channel('rooms/:roomId')
class TwoContracts {
  @OnSubscribe()
  join(ctx: SubscribeContext<Room>) {
    return ctx.params.roomId;
  }
  @OnMessage()
  open(_message: unknown, ctx: MessageContext<Hall>) {
    return ctx.params.hallId;
  }
}

// @ts-expect-error the inherited handler is typed for `rooms/:roomId`
@Channel('halls/:hallId')
class WrongHeir extends RoomChannel {
  @OnMessage()
  close() {}
}

// A context without a channel does not determine the pattern.
@Channel('plain')
class PlainChannel {
  @OnConnect()
  open() {}
  @OnMessage()
  echo(message: unknown, ctx: MessageContext) {
    return [message, ctx.params];
  }
}

// @ts-expect-error a class that cannot be made has no instance to handle anything
@Channel('abstract')
abstract class AbstractChannel {
  abstract post(message: unknown): void;
}

class MethodChannel {
  // @ts-expect-error a method is not a channel
  @Channel('rooms/:roomId')
  post() {}
}

// @ts-expect-error a channel has a pattern
@Channel()
class NoPattern {
  readonly topic = 'none';
}

// @ts-expect-error the decorator has to be called
@Channel
class Uncalled {
  readonly topic = 'none';
}

// ---- Access ----

@Channel('inbox/:userId', {
  access({ connection, params, channel, operation }) {
    is<Equal<typeof connection, Connection>>();
    is<Equal<typeof params, { readonly userId: string }>>();
    is<Equal<typeof channel, string>>();
    is<Equal<typeof operation, 'subscribe' | 'message' | 'history'>>();
    return connection.userId === params.userId;
  },
})
class InboxChannel {
  readonly topic = 'none';
}

const isOwner = ({ connection, params }: AccessContext<'inbox/:userId'>) =>
  connection.userId === params.userId;
const byNames = async (ctx: AccessContext) => ctx.params.userId === ctx.connection.userId;
Channel('inbox/:userId', { access: isOwner });
Channel('inbox/:userId', { access: byNames });
Channel('inbox/:userId', { access: 'public' });
Channel('inbox/:userId', { access: 'authenticated' });
// @ts-expect-error the pattern has no parameter of that name
Channel('inbox/:userId', { access: ({ params }) => params.user === '' });
// @ts-expect-error the rule is of another pattern
Channel('inbox/:ownerId', { access: isOwner });
// @ts-expect-error there is no such rule
Channel('inbox/:userId', { access: 'private' });
// @ts-expect-error a rule returns a boolean
Channel('inbox/:userId', { access: ({ connection }) => connection.userId });
// @ts-expect-error a rule must return a value
Channel('inbox/:userId', { access: () => {} });

// ---- Auto-subscribe ----

Channel('announcements', { autoSubscribe: true });
Channel('users/:userId', {
  autoSubscribe: ({ userId }) => (userId === undefined ? undefined : { userId }),
});
// @ts-expect-error the parameter userId is missing
Channel('users/:userId', { autoSubscribe: true });
// @ts-expect-error the parameter may be missing
Channel('users/:userId', { autoSubscribe: ({ userId }) => ({ userId }) });
// @ts-expect-error the parameter has another name
Channel('users/:userId', { autoSubscribe: ({ id }) => ({ id }) });
// @ts-expect-error a pattern without parameters needs no function
Channel('announcements', { autoSubscribe: () => ({}) });

// @ts-expect-error the handlers are typed for `rooms/:roomId`, whatever the function returns
@Channel('halls/:hallId', { autoSubscribe: ({ id }) => ({ hallId: id }) })
class WrongAuto extends RoomChannel {}

// ---- The instance that an access rule gets ----

@Channel('rooms/:roomId', {
  access: (ctx, channel: GuardedChannel) => {
    is<Equal<typeof ctx.params, { readonly roomId: string }>>();
    return channel.mayUse(ctx);
  },
})
class GuardedChannel extends RoomChannel {
  readonly #members = new Set<string>();

  mayUse({ connection }: AccessContext<'rooms/:roomId'>) {
    return this.#members.has(connection.userId ?? '');
  }
}

@Channel('rooms/:roomId', { access: async (ctx, channel: GuardedChannel) => channel.mayUse(ctx) })
class GuardedHeir extends GuardedChannel {}

// @ts-expect-error the rule takes an instance of another class
@Channel('rooms/:roomId', { access: (ctx, channel: GuardedChannel) => channel.mayUse(ctx) })
class GuardedByAnother extends RoomChannel {}

const sharedRule: AccessRule = ({ connection }) => connection.userId !== undefined;
@Channel('rooms/:roomId', { access: sharedRule })
class SharedRuleChannel extends RoomChannel {}

Channel('rooms/:roomId', {
  // @ts-expect-error nothing is known of the instance without a type
  access: (ctx, channel) => channel.mayUse(ctx),
});
defineChannel('rooms/:roomId', {
  // @ts-expect-error there is no instance
  access: (ctx, channel: GuardedChannel) => channel.mayUse(ctx),
});

// ---- Other options ----

Channel('chat-rooms/:roomId', { name: 'rooms' });
// @ts-expect-error there is no such option
Channel('rooms/:roomId', { acces: 'public' });
// @ts-expect-error a name is a string
Channel('rooms/:roomId', { name: 7 });

export {
  AbstractChannel,
  GuardedByAnother,
  GuardedChannel,
  GuardedHeir,
  InboxChannel,
  MethodChannel,
  NoPattern,
  PlainChannel,
  RoomChannel,
  SharedRuleChannel,
  TwoContracts,
  Uncalled,
  WrongAuto,
  WrongDepth,
  WrongHeir,
  WrongLiteral,
  WrongParameter,
};
