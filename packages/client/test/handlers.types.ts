// Compiled, never run: `tsc -p packages/client/test`. Each `@ts-expect-error` fails when nothing does.
// What can be told of the methods of a class, whose decorators do not show in its type.
import type { ChannelType, ContractCarrier, inputOf } from '@gatecast/protocol';
import {
  createClient,
  type MessageName,
  type Payload,
  type Reply,
  type SendOptions,
  type SubscribeData,
} from '../src/index.js';
import { type Equal, is } from './equal.js';

type Room = ChannelType<'rooms/:roomId', { message: string }>;

// ---- What the framework's contexts look like to a page ----

interface BaseContext {
  readonly connection: { readonly id: string };
}
interface ConnectContext extends BaseContext {
  readonly headers: object;
  readonly query: object;
}
interface DisconnectContext extends BaseContext {
  readonly code: number;
  readonly reason: string;
  readonly channels: readonly string[];
}
interface ChannelContext extends BaseContext, ContractCarrier<Room> {
  readonly params: { readonly roomId: string };
}
interface MessageContext extends ChannelContext {
  readonly messageId: string;
}
interface SubscribeContext extends ChannelContext {
  readonly isRepeated: boolean;
}
interface UnsubscribeContext extends ChannelContext {
  readonly cause: string;
}

const client = createClient({ url: 'ws://localhost:3000/dev' });

// ---- Messages ----

declare class Rooms {
  // Messages.
  post(message: { text: string; at: Date }, ctx: MessageContext): { id: string; at: Date };
  raw(message: unknown, ctx: MessageContext): void;
  // oxlint-disable-next-line typescript/no-explicit-any -- a handler may leave its message untyped.
  loose(message: any): Promise<undefined>;
  maybe(message?: { n: number }): number;
  typed(message: { n: number } & { readonly [inputOf]?: { n: string } }): number;
  list(): string[];
  count(): Promise<{ n: number; at: Date }>;
  // None.
  enter(ctx: SubscribeContext): { topic: string };
  leave(ctx: UnsubscribeContext): void;
  open(ctx: ConnectContext): void;
  close(ctx: DisconnectContext): void;
  audit(ctx: BaseContext): void;
  brief({ connection }: Pick<MessageContext, 'connection'>): string;
  optional(ctx?: ChannelContext): void;
  topic: string;
  private helper(): void;
  protected inherited(message: string): void;
}

is<Equal<MessageName<Rooms>, 'post' | 'raw' | 'loose' | 'maybe' | 'typed' | 'list' | 'count'>>();
is<Equal<Payload<Rooms, 'post'>, { text: string; at: string }>>();
is<Equal<Reply<Rooms, 'post'>, { id: string; at: string }>>();
is<Equal<Reply<Rooms, 'raw'>, undefined>>();
is<Equal<Reply<Rooms, 'loose'>, undefined>>();
is<Equal<Payload<Rooms, 'maybe'>, { n: number } | undefined>>();
is<Equal<Payload<Rooms, 'typed'>, { n: string }>>();
// A schema may want data that the handler does not ask for.
is<Equal<Payload<Rooms, 'list'>, unknown>>();
is<Equal<Reply<Rooms, 'list'>, string[]>>();
is<Equal<Reply<Rooms, 'count'>, { n: number; at: string }>>();

const room = client.channel<Rooms>('rooms/1');
void room.send('list').then((names) => is<Equal<typeof names, string[]>>());
void room.send('list', undefined, { timeoutMs: 1_000 } satisfies SendOptions);
void room.send('count').then(({ at }) => at.slice(0, 10));
void room.send('maybe');
void room.send('loose', { any: 'thing' });
// @ts-expect-error the data is missing
void room.send('post');
// @ts-expect-error a subscribe handler that takes its context is not a message
void room.send('enter');
// @ts-expect-error a private method is not a message
void room.send('helper');
// @ts-expect-error nor is a property
void room.send('topic');
// @ts-expect-error the answer is a list
void room.send('list').then((names) => names.toFixed());

// ---- What comes with a subscription ----

// The one that takes a `SubscribeContext` is known, whatever stands beside it.
is<Equal<SubscribeData<Rooms>, { topic: string }>>();

// Without a parameter it can be any of those.
declare class Alone {
  enter(): Promise<{ topic: string; since: Date }>;
  post(message: { text: string }, ctx: MessageContext): void;
  leave(ctx: UnsubscribeContext): string;
  open(ctx: ConnectContext): string;
  close(ctx: DisconnectContext): string;
}
is<Equal<SubscribeData<Alone>, { topic: string; since: string }>>();
const alone = client.channel<Alone>('rooms/1');
void alone.subscribe().then(({ data }) => data.since.slice(0, 10));
// It may be a message, too: then it is answered, else refused.
void alone.send('enter').then(({ topic }) => topic);

declare class Several {
  enter(): { topic: string };
  describe(ctx: MessageContext): number;
  list(): string[];
  post(message: { text: string }, ctx: MessageContext): void;
}
is<Equal<SubscribeData<Several>, { topic: string } | string[]>>();

// Nor does a wider context tell what it is for.
declare class Wide {
  enter(ctx: ChannelContext): { topic: string };
  post(message: string, ctx: MessageContext): void;
}
declare class Wider {
  enter({ connection }: BaseContext): { topic: string };
  greet(ctx: ChannelContext): string;
  list(): string[];
}
is<Equal<SubscribeData<Wide>, { topic: string }>>();
is<Equal<SubscribeData<Wider>, { topic: string } | string | string[]>>();

// A handler that returns nothing brings no data.
declare class Quiet {
  enter(ctx: SubscribeContext): Promise<void>;
  list(): string[];
}
is<Equal<SubscribeData<Quiet>, undefined>>();

// Where nothing can be the handler, nothing is known.
declare class Messages {
  post(message: string, ctx: MessageContext): void;
  // oxlint-disable-next-line typescript/no-explicit-any -- it is not a context.
  loose(message: any): string;
  raw(message: unknown): string;
}
is<Equal<SubscribeData<Messages>, unknown>>();
is<Equal<SubscribeData<object>, unknown>>();

// A class that inherits its handlers has them all.
declare class Heir extends Alone {
  list(): number[];
}
is<Equal<MessageName<Heir>, 'enter' | 'post' | 'list'>>();
is<Equal<SubscribeData<Heir>, { topic: string; since: string } | number[]>>();
