// Compiled, never run: `tsc -p packages/client/test`. Each `@ts-expect-error` fails when nothing does.
import type {
  AnyChannelType,
  ChannelType,
  ContractCarrier,
  ContractOf,
  EventsOf,
  inputOf,
  NameOf,
  Params,
} from '@gatecast/protocol';
import { WebSocket } from 'ws';
import {
  type ChannelEvent,
  ClientRequestError,
  channelName,
  createClient,
  type MessageName,
  type MissedReason,
  type Payload,
  type Reply,
  type Sending,
  type SubscribeData,
  type WebSocketConstructor,
} from '../src/index.js';
import { type Equal, is } from './equal.js';

// ---- What the framework's types look like to a page ----

interface BaseContext {
  readonly connection: { readonly id: string };
}
interface ConnectContext extends BaseContext {
  readonly headers: Readonly<Record<string, string | undefined>>;
}
interface DisconnectContext extends BaseContext {
  readonly code: number;
}
interface ChannelContext<C extends AnyChannelType> extends BaseContext, ContractCarrier<C> {
  readonly params: Params<C['pattern']>;
}
interface MessageContext<C extends AnyChannelType = ChannelType> extends ChannelContext<C> {
  readonly messageId: string;
}
interface SubscribeContext<C extends AnyChannelType = ChannelType> extends ChannelContext<C> {
  readonly isRepeated: boolean;
}
interface UnsubscribeContext<C extends AnyChannelType> extends ChannelContext<C> {
  readonly cause: 'unsubscribe' | 'disconnect';
}
type FunctionalChannel<P extends string, E extends object, M, S = undefined> = {
  readonly '~contract'?: ChannelType<P, E>;
  readonly '~subscribed'?: S;
} & {
  [K in keyof M]: M[K] extends { input: infer I; reply: infer R }
    ? (message: I, ctx: { readonly connection: unknown } & ContractCarrier<ChannelType<P, E>>) => R
    : never;
};
interface App<L extends readonly unknown[]> {
  readonly '~channels'?: L;
  handler(event: unknown): Promise<unknown>;
}

// ---- Channels ----

type Room = ChannelType<
  'rooms/:roomId',
  { message: { text: string; at: Date }; typing: { who: string }; cleared: undefined }
>;

class Dto {
  text!: string;
  trimmed(): string {
    return this.text.trim();
  }
}

class RoomChannel {
  join(ctx: SubscribeContext<Room>): Promise<{ topic: string; since: Date }> {
    return Promise.resolve({ topic: ctx.params.roomId, since: new Date() });
  }
  leave(ctx: UnsubscribeContext<Room>): string {
    return ctx.cause;
  }
  async post(
    message: { text: string },
    ctx: MessageContext<Room>,
  ): Promise<{ id: string; at: Date }> {
    return { id: ctx.messageId + message.text, at: new Date() };
  }
  async typing(_message: unknown, _ctx: MessageContext<Room>): Promise<void> {}
  wave(message: { to: string } | undefined): string | undefined {
    return message?.to;
  }
  page(message: { n: number } & { readonly [inputOf]?: { n: string } }): number {
    return message.n;
  }
  dto(message: Dto): string {
    return this.helper(message);
  }
  nudge(message?: { times: number }): number {
    return message?.times ?? 1;
  }
  private helper(message: Dto): string {
    return message.text;
  }
}

class AlertChannel {
  ack(
    _message: unknown,
    ctx: MessageContext<ChannelType<'alerts', { raised: { level: number } }>>,
  ): object {
    return ctx.params;
  }
}

class PlainChannel {
  echo(message: { text: string }, ctx: MessageContext): string {
    return message.text + ctx.messageId;
  }
}

type Orders = FunctionalChannel<
  'orgs/:org/orders/:order',
  { shipped: { at: Date } },
  { cancel: { input: { reason: string }; reply: Promise<{ refund: number }> } }
>;

const url = 'ws://localhost:3000/dev';
const client = createClient({ url, token: async () => 'jwt', WebSocket });
createClient({ url: new URL(url), token: () => undefined });
is<typeof globalThis.WebSocket extends WebSocketConstructor ? true : false>();

// ---- From a class ----

const room = client.channel<RoomChannel>('rooms/42');
client.channel<RoomChannel>(channelName('rooms/:roomId', { roomId: 'a b' }));
client.channel<RoomChannel>(`rooms/${url}`, { as: 'rooms' });
is<Equal<MessageName<RoomChannel>, 'post' | 'typing' | 'wave' | 'page' | 'dto' | 'nudge'>>();
is<Equal<Payload<RoomChannel, 'post'>, { text: string }>>();
is<Equal<Payload<RoomChannel, 'page'>, { n: string }>>();
is<Equal<Payload<RoomChannel, 'dto'>, { text: string }>>();
is<Equal<Payload<RoomChannel, 'typing'>, unknown>>();
is<Equal<Reply<RoomChannel, 'post'>, { id: string; at: string }>>();
is<Equal<Reply<RoomChannel, 'typing'>, undefined>>();
is<Equal<Reply<RoomChannel, 'wave'>, string | undefined>>();
is<Equal<SubscribeData<RoomChannel>, { topic: string; since: string }>>();

const sending = room.send('post', { text: 'hi' }, { timeoutMs: 1_000 });
is<Equal<typeof sending, Sending<{ id: string; at: string }>>>();
is<Equal<Awaited<typeof sending>, { id: string; at: string }>>();
is<Equal<typeof sending.id, string>>();
void room.send('typing');
void room.send('typing', { anything: true }, { reply: false });
void room.send('wave');
void room.send('wave', { to: 'Ada' });
void room.send('nudge');
void room.send('nudge', { times: 2 });
void room.send('dto', { text: 'no method needed' });
// @ts-expect-error the data is missing
void room.send('post');
// @ts-expect-error the data is of another type
void room.send('post', { body: 'hi' });
// @ts-expect-error the schema takes a string
void room.send('page', { n: 1 });
// @ts-expect-error there is no such message
void room.send('psot', { text: 'hi' });
// @ts-expect-error a handler of the channel's life is not a message
void room.send('join', {});
// @ts-expect-error a private method is not a message
void room.send('helper', { text: '' });
// @ts-expect-error there is no such option
void room.send('post', { text: 'hi' }, { timeout: 1_000 });

room.on('message', (data, event) => {
  is<Equal<typeof data, { text: string; at: string }>>();
  is<Equal<typeof event, ChannelEvent<{ text: string; at: string }, 'message'>>>();
  is<Equal<typeof event.at, Date>>();
});
// Published without data.
room.on('cleared', (data) => is<Equal<typeof data, null>>());
// @ts-expect-error there is no such event
room.on('mesage', () => {});
// @ts-expect-error the name does not match the pattern
client.channel<RoomChannel>('room/42');
void room.subscribe().then((answer) => {
  is<Equal<typeof answer.data, { topic: string; since: string }>>();
  is<Equal<typeof answer.result, 'live' | 'resumed' | 'reset'>>();
  if (answer.result === 'reset') is<Equal<typeof answer.reason, MissedReason>>();
});

void room.send('post', { text: 'hi' }, { reply: false }).then((answer) => {
  is<Equal<typeof answer, undefined>>();
});

// ---- From a class that also handles connections, whose contexts are of no channel ----

class LobbyChannel {
  open(ctx: ConnectContext): string | undefined {
    return ctx.headers.origin;
  }
  audit(ctx: BaseContext): string {
    return ctx.connection.id;
  }
  post(message: { text: string }, ctx: MessageContext<Room>): string {
    return message.text + ctx.messageId;
  }
  join({ params }: SubscribeContext<Room>): number {
    return params.roomId.length;
  }
  async close(ctx: DisconnectContext): Promise<number> {
    return ctx.code;
  }
}

is<Equal<ContractOf<LobbyChannel>, Room>>();
is<Equal<EventsOf<LobbyChannel>, Room['events']>>();
is<Equal<NameOf<LobbyChannel>, `rooms/${string}`>>();
is<Equal<MessageName<LobbyChannel>, 'post'>>();
is<Equal<SubscribeData<LobbyChannel>, number>>();
const lobby = client.channel<LobbyChannel>('rooms/lobby');
is<Equal<Parameters<typeof lobby.on>[0], keyof Room['events']>>();
lobby.on('typing', (data) => is<Equal<typeof data, { who: string }>>());
void lobby.send('post', { text: 'hi' }).then((answer) => is<Equal<typeof answer, string>>());
// @ts-expect-error there is no such event
lobby.on('typed', () => {});
// @ts-expect-error the event's data has no such part
lobby.on('typing', (data) => data.whose);
// @ts-expect-error the name does not match the pattern
client.channel<LobbyChannel>('lobby');
// @ts-expect-error a connect handler is not a message
void lobby.send('open', { headers: {} });
// @ts-expect-error nor is a disconnect handler
void lobby.send('close', { code: 1_000 });
// @ts-expect-error nor is what takes any context
void lobby.send('audit', {});

// One that handles nothing else names no contract: any event, of which nothing is known.
class DoorChannel {
  open(ctx: ConnectContext): string | undefined {
    return ctx.headers.origin;
  }
  close(ctx: DisconnectContext): number {
    return ctx.code;
  }
}

is<Equal<ContractOf<DoorChannel>, never>>();
is<Equal<SubscribeData<DoorChannel>, unknown>>();
const door = client.channel<DoorChannel>('doors/1');
door.on('opened', (data) => is<Equal<typeof data, unknown>>());
// @ts-expect-error it has no messages
void door.send('open', {});

// ---- From a class without a contract, from `defineChannel`, from nothing ----

const plain = client.channel<PlainChannel>('anything/1');
is<Equal<Payload<PlainChannel, 'echo'>, { text: string }>>();
is<Equal<SubscribeData<PlainChannel>, unknown>>();
plain.on('whatever', (data) => is<Equal<typeof data, unknown>>());

const order = client.channel<Orders>('orgs/acme/orders/7');
is<Equal<MessageName<Orders>, 'cancel'>>();
is<Equal<Reply<Orders, 'cancel'>, { refund: number }>>();
is<Equal<SubscribeData<Orders>, undefined>>();
type Boards = FunctionalChannel<'boards/:id', object, object, Promise<{ opened: Date }>>;
is<Equal<SubscribeData<Boards>, { opened: string }>>();
is<Equal<MessageName<Boards>, never>>();
void order.send('cancel', { reason: 'late' });
order.on('shipped', (data) => is<Equal<typeof data, { at: string }>>());
// @ts-expect-error the reason is missing
void order.send('cancel', {});
// @ts-expect-error the name does not match the pattern
client.channel<Orders>('orgs/acme/invoices/7');

const untyped = client.channel('anything');
is<Equal<Awaited<ReturnType<typeof untyped.send>>, unknown>>();
void untyped.send('post');
void untyped.send('post', { any: 'thing' }, { reply: false });
untyped.on('message', (data) => is<Equal<typeof data, unknown>>());

// ---- From the whole app ----

type TheApp = App<readonly [typeof RoomChannel, AlertChannel, Orders]>;
const typed = createClient<TheApp>({ url });
const id: string = url;
typed.channel('rooms/42').on('typing', (data) => is<Equal<typeof data, { who: string }>>());
typed.channel(`rooms/${id}`).on('message', (data) => is<Equal<typeof data.at, string>>());
typed.channel('alerts').on('raised', (data) => is<Equal<typeof data, { level: number }>>());
void typed.channel('orgs/acme/orders/7').send('cancel', { reason: 'late' });
typed.onState((state, reason) => [state, reason?.retryInMs]);
// @ts-expect-error no channel of the app has that name
typed.channel('invoices/1');
// @ts-expect-error an event of another channel
typed.channel('alerts').on('typing', () => {});

const withLobby = createClient<App<readonly [typeof LobbyChannel, AlertChannel]>>({ url });
withLobby.channel('rooms/1').on('typing', (data) => is<Equal<typeof data, { who: string }>>());
withLobby.channel('alerts').on('raised', (data) => is<Equal<typeof data, { level: number }>>());
// @ts-expect-error no channel of the app has that name
withLobby.channel('lobby');
// @ts-expect-error an event of another channel
withLobby.channel('alerts').on('typing', () => {});
// @ts-expect-error a message of another channel
void withLobby.channel('alerts').send('post', { text: 'hi' });

// ---- Errors ----

const caught: unknown = undefined;
if (ClientRequestError.is(caught)) {
  is<Equal<typeof caught.retryAfterMs, number | undefined>>();
  // Ours are suggested, the app's own are allowed.
  void [
    caught.code === 'ERR_TIMEOUT',
    caught.code === 'ERR_FORBIDDEN',
    caught.code === 'ROOM_FULL',
  ];
}
