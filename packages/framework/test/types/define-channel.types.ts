// Compiled, never run, in both conventions of decorators. Each `@ts-expect-error` fails when nothing does.
import {
  type ChannelType,
  type ConnectContext,
  type DefinedChannel,
  type DisconnectContext,
  defineChannel,
  type EventType,
  event,
  type MessageContext,
  type SubscribeContext,
  type UnsubscribeContext,
} from '@gatecast/framework';
import type { ContractOf, EventsOf, NameOf } from '@gatecast/protocol';
import * as v from 'valibot';
import { type Equal, is } from './equal.js';

const Post = v.object({ text: v.string() });
// The input of the schema differs from its output: a string in, a number out.
const Page = v.object({ n: v.pipe(v.string(), v.transform(Number)) });

// ---- Everything at once ----

const rooms = defineChannel('rooms/:roomId', {
  events: {
    message: event<{ text: string; at: Date }>(),
    typing: v.object({ who: v.string() }),
    paged: Page,
  },
  name: 'rooms',
  access({ params, connection }) {
    is<Equal<typeof params, { readonly roomId: string }>>();
    return connection.userId === params.roomId;
  },
  onConnect: (ctx) => is<Equal<typeof ctx, ConnectContext>>(),
  onDisconnect: (ctx) => is<Equal<typeof ctx, DisconnectContext>>(),
  onSubscribe(ctx) {
    is<Equal<typeof ctx.params, { readonly roomId: string }>>();
    void ctx.channel.publish('typing', { who: 'Ada' });
    // @ts-expect-error the channel has no such event
    void ctx.channel.publish('joined', {});
    return { topic: ctx.params.roomId };
  },
  onUnsubscribe(ctx) {
    is<Equal<typeof ctx.cause, 'unsubscribe' | 'disconnect' | 'refused' | 'server'>>();
    // @ts-expect-error the pattern has no such parameter
    void ctx.params.room;
  },
  messages: ({ message }) => ({
    post: message(Post, async (data, ctx) => {
      is<Equal<typeof data, { text: string }>>();
      is<Equal<typeof ctx.params, { readonly roomId: string }>>();
      await ctx.channel.publish('message', { text: data.text, at: new Date() });
      await ctx.channel.publish('typing', { who: 'Ada' });
      // The type of an event is the output of its schema.
      await ctx.channel.publish('paged', { n: 1 });
      // @ts-expect-error the channel has no such event
      await ctx.channel.publish('mesage', { text: data.text, at: new Date() });
      // @ts-expect-error the data is that of another event
      await ctx.channel.publish('message', { who: 'Ada' });
      // @ts-expect-error the schema's `n` comes out as a number
      await ctx.channel.publish('paged', { n: '1' });
      // @ts-expect-error the schema makes no `body`
      void data.body;
      return { length: data.text.length };
    }),
    page: message(Page, ({ n }) => n.toFixed(), { reply: true }),
    raw: message((data) => is<Equal<typeof data, unknown>>()),
    wave: message((_data, ctx) => void ctx.messageId, { reply: false }),
  }),
});

// ---- It has the same type as a class with the same handlers ----

type Rooms = typeof rooms;
type RoomEvents = {
  readonly message: { text: string; at: Date };
  readonly typing: { who: string };
  readonly paged: { n: number };
};
is<Equal<ContractOf<Rooms>['pattern'], 'rooms/:roomId'>>();
is<Equal<NameOf<Rooms>, `rooms/${string}`>>();
is<EventsOf<Rooms> extends RoomEvents ? true : false>();
is<Equal<keyof EventsOf<Rooms>, keyof RoomEvents>>();
is<Equal<keyof Rooms, '~contract' | '~subscribed' | 'post' | 'page' | 'raw' | 'wave'>>();
is<Equal<NonNullable<Rooms['~subscribed']>, { topic: string }>>();
is<Equal<Parameters<Rooms['post']>[0], { text: string }>>();
// A client sends what the schema takes.
is<Equal<Parameters<Rooms['page']>[0], { n: string }>>();
is<Equal<Parameters<Rooms['raw']>[0], unknown>>();
is<Equal<ReturnType<Rooms['post']>, Promise<{ length: number }>>>();
is<Equal<ReturnType<Rooms['page']>, string>>();
is<Equal<ReturnType<Rooms['wave']>, undefined>>();

const bare = defineChannel('alerts');
is<Equal<NameOf<typeof bare>, 'alerts'>>();
is<Equal<keyof EventsOf<typeof bare>, never>>();
// A subscription to it has no data.
is<Equal<(typeof bare)['~subscribed'], undefined>>();

// Handlers that are defined elsewhere need explicit types.
type Alerts = ChannelType<'alerts', { raised: { level: number } }>;
const join = (ctx: SubscribeContext<Alerts>) => ctx.channel.publish('raised', { level: 1 });
const ack = (_data: unknown, ctx: MessageContext<Alerts>) => ctx.messageId;
const leave = (ctx: UnsubscribeContext<Alerts>) => ctx.cause;
const alerts = defineChannel('alerts', {
  events: { raised: event<{ level: number }>() },
  onSubscribe: join,
  onUnsubscribe: leave,
  messages: ({ message }) => ({ ack: message(ack) }),
});
is<typeof alerts extends DefinedChannel<'alerts', Alerts['events'], object> ? true : false>();

// @ts-expect-error a handler of another pattern
defineChannel('alarms/:id', { events: { raised: event<{ level: number }>() }, onSubscribe: join });
// @ts-expect-error a handler that publishes what was not declared
defineChannel('alerts', { onSubscribe: join });
// @ts-expect-error a handler of another pattern
defineChannel('rooms/:roomId', { messages: ({ message }) => ({ ack: message(ack) }) });

// ---- Events ----

is<Equal<ReturnType<typeof event<Date>>, EventType<Date>>>();
// @ts-expect-error the name of a type is not a declaration of an event
defineChannel('alerts', { events: { raised: 'level' } });
// @ts-expect-error nor is a value of its data
defineChannel('alerts', { events: { raised: { level: 1 } } });
// @ts-expect-error nor a class: `event<Date>()`
defineChannel('alerts', { events: { raised: Date } });

// ---- Messages ----

defineChannel('alerts', {
  messages: ({ message }) => ({
    // @ts-expect-error the schema makes `text`, not `body`
    post: message(Post, (data: { body: string }) => data.body),
    // @ts-expect-error without a schema the message is unknown
    raw: message((data: { text: string }) => data.text),
    // @ts-expect-error the message comes before the context
    swapped: message(Post, (ctx: MessageContext) => ctx.messageId),
    // @ts-expect-error there is no such option
    option: message(Post, () => 1, { timeoutMs: 1_000 }),
    // @ts-expect-error the pattern has no parameters
    params: message((_data, ctx) => ctx.params.roomId),
    // @ts-expect-error the handler is missing
    nothing: message(Post),
    // @ts-expect-error the schema comes first
    late: message(() => 1, Post),
    // @ts-expect-error the name of a message is its key
    named: message('say', Post, () => 1),
  }),
});
// @ts-expect-error a plain function is not a message; `message` makes one
defineChannel('alerts', { messages: () => ({ ping: () => 'pong' }) });
// @ts-expect-error messages come from a function
defineChannel('alerts', { messages: {} });

// ---- Options ----

defineChannel('announcements', { autoSubscribe: true });
const users = defineChannel('users/:userId', {
  autoSubscribe: ({ userId }) => (userId === undefined ? undefined : { userId }),
});
is<Equal<NameOf<typeof users>, `users/${string}`>>();
// @ts-expect-error the parameter has another name
defineChannel('users/:userId', { autoSubscribe: ({ id }) => ({ id }) });
// @ts-expect-error the parameter userId is missing
defineChannel('users/:userId', { autoSubscribe: true });
// @ts-expect-error there is no such option
defineChannel('alerts', { acess: 'public' });
// @ts-expect-error there is no such rule
defineChannel('alerts', { access: 'private' });
// @ts-expect-error the pattern has no parameter of that name
defineChannel('rooms/:roomId', { access: ({ params }) => params.room === '' });
// @ts-expect-error a connection that is being opened has left no channels
defineChannel('alerts', { onConnect: (ctx: DisconnectContext) => ctx.channels });
// @ts-expect-error a connection that has ended has no handshake
defineChannel('alerts', { onDisconnect: (ctx: ConnectContext) => ctx.headers });
// @ts-expect-error a pattern is a string
defineChannel(/rooms/);
