// Compiled, never run, in both conventions of decorators. Each `@ts-expect-error` fails when nothing does.
import {
  type ChannelName,
  type ChannelType,
  channelName,
  type MessageContext,
  type Params,
  type UnsubscribeContext,
} from '@gatecast/framework';
import type { ContractOf, EventsOf, NameOf } from '@gatecast/protocol';
import { type Equal, is } from './equal.js';

// ---- Parameters of a pattern ----

is<Equal<Params<'rooms/:roomId'>, { readonly roomId: string }>>();
is<Equal<Params<':tenant'>, { readonly tenant: string }>>();
is<
  Equal<
    Params<'orgs/:org/orders/:order/:line'>,
    { readonly org: string; readonly order: string; readonly line: string }
  >
>();
// oxlint-disable-next-line typescript/no-generated-empty-object-type -- this is what the test expects.
is<Equal<keyof Params<'alerts'>, never>>();
// With an unknown pattern, any parameter can be read.
is<Equal<Params<string>, Readonly<Record<string, string>>>>();

// ---- Names that match a pattern ----

is<Equal<ChannelName<'alerts'>, 'alerts'>>();
is<Equal<ChannelName<'rooms/:roomId'>, `rooms/${string}`>>();
is<Equal<ChannelName<':tenant/alerts'>, `${string}/alerts`>>();
is<Equal<ChannelName<'orgs/:org/orders/:order'>, `orgs/${string}/orders/${string}`>>();
is<Equal<ChannelName<string>, string>>();

const lobby: ChannelName<'rooms/:roomId'> = 'rooms/lobby';
// @ts-expect-error the first segment is another one
const hall: ChannelName<'rooms/:roomId'> = 'halls/lobby';
// @ts-expect-error the parameter is missing
const noRoom: ChannelName<'rooms/:roomId'> = 'rooms';
void [lobby, hall, noRoom];

const name = channelName('orgs/:org/orders/:order', { org: 'acme & co', order: '7' });
is<Equal<typeof name, `orgs/${string}/orders/${string}`>>();
// @ts-expect-error a parameter is missing
channelName('orgs/:org/orders/:order', { org: 'acme' });
// @ts-expect-error the pattern has no such parameter
channelName('rooms/:roomId', { roomId: '1', room: '1' });
// @ts-expect-error parameters are text
channelName('rooms/:roomId', { roomId: 42 });

// ---- The contract in the handlers of a class ----

type Room = ChannelType<'rooms/:roomId', { message: { text: string }; cleared: undefined }>;

class RoomChannel {
  readonly topic = 'none';
  post(message: { text: string }, ctx: MessageContext<Room>) {
    return [message, ctx];
  }
  leave(ctx: UnsubscribeContext<Room>) {
    return ctx;
  }
  echo(message: unknown) {
    return message;
  }
}
is<Equal<ContractOf<RoomChannel>, Room>>();
is<Equal<NameOf<RoomChannel>, `rooms/${string}`>>();
is<Equal<EventsOf<RoomChannel>, { message: { text: string }; cleared: undefined }>>();

// A parameter of type `any` does not determine the contract.
class CarelessChannel extends RoomChannel {
  // oxlint-disable-next-line typescript/no-explicit-any -- this tests `any`.
  log(anything: any, more?: any) {
    return [anything, more];
  }
}
is<Equal<ContractOf<CarelessChannel>, Room>>();
is<Equal<NameOf<CarelessChannel>, `rooms/${string}`>>();

// A class without a contract accepts any name and any event.
class PlainChannel {
  post(message: unknown, ctx: MessageContext) {
    return [message, ctx];
  }
}
is<Equal<ContractOf<PlainChannel>, ChannelType>>();
is<Equal<NameOf<PlainChannel>, string>>();
is<Equal<EventsOf<PlainChannel>, Record<string, unknown>>>();
class SilentChannel {
  echo(message: unknown) {
    return message;
  }
}
is<Equal<ContractOf<SilentChannel>, never>>();
is<Equal<EventsOf<SilentChannel>, Record<string, unknown>>>();
is<Equal<NameOf<SilentChannel>, string>>();
