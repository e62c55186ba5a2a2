// Compiled, never run, in both conventions of decorators. Each `@ts-expect-error` fails when nothing does.
import {
  type App,
  type AppActions,
  Channel,
  type ChannelType,
  channelName,
  createApp,
  createPublisher,
  defineChannel,
  event,
  type MessageContext,
  memoryStore,
  OnMessage,
  type Publishing,
  type PublishResult,
  type ServerChannel,
} from '@gatecast/framework';
import { type Equal, is } from './equal.js';

type RoomEvents = {
  message: { text: string; at: Date };
  typing: { who: string };
  cleared: undefined;
};
type Room = ChannelType<'rooms/:roomId', RoomEvents>;
type Alerts = ChannelType<'alerts', { raised: { level: number } }>;

// ---- In a handler, on its own channel ----

@Channel('rooms/:roomId')
class RoomChannel {
  @OnMessage()
  async post(_message: unknown, ctx: MessageContext<Room>) {
    is<Equal<typeof ctx.channel, ServerChannel<RoomEvents>>>();
    is<Equal<typeof ctx.app, AppActions>>();
    const result = await ctx.channel.publish('message', { text: 'hi', at: new Date() });
    is<Equal<typeof result, PublishResult>>();
    is<Equal<typeof result.delivery.delivered, number>>();
    const { events } = await ctx.channel.history({ limit: 50 });
    const [first] = events;
    if (first?.event === 'typing') is<Equal<typeof first.data, { who: string }>>();
    if (first?.event === 'message') is<Equal<typeof first.data, RoomEvents['message']>>();
    await ctx.channel.publish('cleared', undefined);
    await ctx.channel.publish('typing', { who: 'Ada' }, { ephemeral: true, except: 'sender' });
    await ctx.channel.publish('typing', { who: 'Ada' }, { id: 'order-7' });

    // @ts-expect-error the channel has no such event
    await ctx.channel.publish('mesage', { text: 'hi', at: new Date() });
    // @ts-expect-error the data is that of another event
    await ctx.channel.publish('message', { who: 'Ada' });
    // @ts-expect-error a part of the data is missing
    await ctx.channel.publish('message', { text: 'hi' });
    // @ts-expect-error a part of the data is of another type
    await ctx.channel.publish('message', { text: 'hi', at: 'now' });
    // @ts-expect-error the event has no such part
    await ctx.channel.publish('typing', { who: 'Ada', where: 'here' });
    // @ts-expect-error the data is missing
    await ctx.channel.publish('typing');
    // @ts-expect-error the event has no data
    await ctx.channel.publish('cleared', { all: true });
    // @ts-expect-error one can only leave out the sender
    await ctx.channel.publish('typing', { who: 'Ada' }, { except: 'others' });
    // @ts-expect-error there is no such option
    await ctx.channel.publish('typing', { who: 'Ada' }, { volatile: true });
    // @ts-expect-error a message's name is not an event's
    await ctx.channel.publish('post', { text: 'hi' });
  }

  @OnMessage()
  async alarm(_message: unknown, { app }: MessageContext<Room>) {
    await app.channel<Alerts>('alerts').publish('raised', { level: 1 });
    await app.channel('anything/7').publish('free', { form: true });
    // @ts-expect-error an event of another channel
    await app.channel<Alerts>('alerts').publish('typing', { who: 'Ada' });
    // @ts-expect-error the name does not match the contract's pattern
    app.channel<Alerts>('alarms');
  }
}

@Channel('alerts')
class AlertChannel {
  @OnMessage()
  ack(_message: unknown, ctx: MessageContext<Alerts>) {
    return ctx.channel.name;
  }
}

const orders = defineChannel('orgs/:org/orders/:order', {
  events: { shipped: event<{ at: number }>() },
});

// ---- Through the app, which knows its channels ----

const store = memoryStore();
const app = createApp({ channels: [RoomChannel, new AlertChannel(), orders], store });
is<Equal<typeof app extends App<infer L> ? L['length'] : never, 3>>();

const roomId: string = app.routes.routes.length.toString();
is<Equal<ReturnType<typeof inRoom>, ServerChannel<RoomEvents>>>();
function inRoom() {
  return app.channel('rooms/42');
}
await app.channel('rooms/42').publish('typing', { who: 'Ada' });
await app.channel(`rooms/${roomId}`).publish('typing', { who: 'Ada' });
await app.channel(channelName('rooms/:roomId', { roomId })).publish('typing', { who: 'Ada' });
await app.channel('alerts').publish('raised', { level: 1 }, { id: 'a-1' });
await app.channel('orgs/acme/orders/7').publish('shipped', { at: 1 });
// @ts-expect-error an event of another channel
await app.channel('alerts').publish('typing', { who: 'Ada' });
// @ts-expect-error the data is that of another event
await app.channel('rooms/42').publish('typing', { level: 1 });
// @ts-expect-error an event that was not declared
await app.channel('orgs/acme/orders/7').publish('sent', { at: 1 });
// @ts-expect-error the data that was declared is a number
await app.channel('orgs/acme/orders/7').publish('shipped', { at: 'noon' });
// @ts-expect-error the app has no channel with that name
app.channel('invoices/1');
// @ts-expect-error an arbitrary string may not be the name of a channel of the app
app.channel(roomId);

// A name belongs to one class, as at run time: by its segments, a literal before a parameter.
const nested = createApp({
  channels: [
    RoomChannel,
    defineChannel('rooms/lobby', { events: { opened: event<number>() } }),
    defineChannel('rooms/:roomId/files', { events: { added: event<number>() } }),
  ],
  store,
});
await nested.channel('rooms/42').publish('typing', { who: 'Ada' });
await nested.channel('rooms/lobby').publish('opened', 1);
await nested.channel('rooms/42/files').publish('added', 1);
await nested.channel(`rooms/${roomId}/files`).publish('added', 1);
// @ts-expect-error an event of the channel above
await nested.channel('rooms/42/files').publish('typing', { who: 'Ada' });
// @ts-expect-error an event of the channel below
await nested.channel('rooms/42').publish('added', 1);

// The same applies if the first segment is a parameter or unknown, and to several names.
const tenants = createApp({
  channels: [
    defineChannel(':tenant/alerts', { events: { raised: event<number>() } }),
    defineChannel('acme/:topic', { events: { told: event<number>() } }),
    defineChannel('news', { events: { printed: event<number>() } }),
  ],
  store,
});
await tenants.channel('globex/alerts').publish('raised', 1);
await tenants.channel('acme/alerts').publish('told', 1);
await tenants.channel('acme/sales').publish('told', 1);
await tenants.channel('news').publish('printed', 1);
await tenants.channel(`${roomId}/alerts`).publish('raised', 1);
// @ts-expect-error an event of the channel with a parameter, but the literal takes precedence
await tenants.channel('acme/alerts').publish('raised', 1);
// @ts-expect-error the app has no channel with that name
tenants.channel('globex/sales');
// @ts-expect-error nor a channel whose name is only that first segment
tenants.channel('acme');
declare const either: 'rooms/lobby' | `rooms/${string}/files`;
// @ts-expect-error an event of only one of the two
await nested.channel(either).publish('opened', 1);

// A class without a known pattern gets none of the names of a class with one.
class FreeChannel {
  @OnMessage()
  list() {
    return ['a'];
  }
}
const mixed = createApp({ channels: [RoomChannel, FreeChannel], store });
await mixed.channel('free/7').publish('anything', 1);
await mixed.channel('rooms/42').publish('typing', { who: 'Ada' });
// @ts-expect-error the room has no such event
await mixed.channel('rooms/42').publish('anything', 1);

// A contract can also describe a channel of another app on the same store.
type Invoices = ChannelType<'invoices/:id', { paid: { cents: number } }>;
is<Equal<ReturnType<typeof elsewhere>, ServerChannel<{ paid: { cents: number } }>>>();
function elsewhere() {
  return app.channel<Invoices>('invoices/1');
}
await app.channel<Room>('rooms/42').publish('typing', { who: 'Ada' });
// @ts-expect-error an event of another channel
await app.channel<Room>('rooms/42').publish('raised', { level: 1 });
// @ts-expect-error the name does not match the contract's pattern
app.channel<Room>('alerts');

// ---- Through a publisher ----

const publisher = createPublisher({ store });
is<Equal<typeof publisher, Publishing>>();
await publisher.channel<Room>('rooms/42').publish('typing', { who: 'Ada' });
await publisher.channel('anything/7').publish('free', { form: true });
// @ts-expect-error an event of another channel
await publisher.channel<Room>('rooms/42').publish('raised', { level: 1 });
// @ts-expect-error the data is of another type
await publisher.channel<Room>('rooms/42').publish('typing', { who: 7 });
// @ts-expect-error the name does not match the contract's pattern
publisher.channel<Room>('room/42');

const typed = createPublisher<typeof app>({ store });
await typed.channel('rooms/42').publish('typing', { who: 'Ada' });
await typed.channel('alerts').publish('raised', { level: 1 });
await typed.channel<Invoices>('invoices/1').publish('paid', { cents: 1 });
// @ts-expect-error an event of another channel
await typed.channel('alerts').publish('typing', { who: 'Ada' });
// @ts-expect-error the app has no channel with that name
typed.channel('invoices/1');
// @ts-expect-error a publisher handles no events
void typed.handler;
// @ts-expect-error a contract is not an app
createPublisher<Room>({ store });
// @ts-expect-error a publisher reads the subscribers from a store
createPublisher({});
// @ts-expect-error it loads no channel
createPublisher({ store, channels: [RoomChannel] });
