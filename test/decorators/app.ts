// The same source for both kinds of decorators and every compiler: see decorator-matrix.test.ts.
import {
  Channel,
  type ChannelType,
  createApp,
  type MessageContext,
  memoryStore,
  OnConnect,
  OnMessage,
  OnSubscribe,
  type SubscribeContext,
} from '@gatecast/framework';
import { makeConnectEvent, makeMessageEvent } from '@gatecast/framework/testing';

type Room = ChannelType<'rooms/:roomId', { message: { text: string } }>;

// A decorator of another library that replaces the method. The handler must still be found.
function Wrapped() {
  return (...args: unknown[]): never => {
    const [first, , descriptor] = args as [unknown, unknown, PropertyDescriptor | undefined];
    const inner = (descriptor?.value ?? first) as (...args: unknown[]) => unknown;
    const outer = function (this: unknown, ...rest: unknown[]): unknown {
      return inner.apply(this, rest);
    };
    return (descriptor ? { ...descriptor, value: outer } : outer) as never;
  };
}

class Base {
  readonly prefix = 'echo ';

  @OnMessage()
  inherited(text: unknown) {
    return this.prefix + String(text);
  }
}

@Channel('rooms/:roomId')
class RoomChannel extends Base {
  @OnConnect()
  open() {}

  @OnSubscribe()
  join(ctx: SubscribeContext<Room>) {
    return ctx.params.roomId;
  }

  @OnMessage()
  own(text: unknown, ctx: MessageContext<Room>) {
    return `${this.prefix}${String(text)} in ${ctx.params.roomId}`;
  }

  @Wrapped()
  @OnMessage()
  wrapped(text: unknown) {
    return this.prefix + String(text);
  }
}

const { handler, routes } = createApp({ channels: [RoomChannel], store: memoryStore() });
const connectionId = 'c1=';
await handler(makeConnectEvent({ connectionId }));
const replies: unknown[] = [];
for (const name of ['own', 'inherited', 'wrapped']) {
  const frame = { action: `rooms.${name}`, id: '1', channel: 'rooms/42', data: 'hi' };
  const response = await handler(makeMessageEvent({ connectionId, body: JSON.stringify(frame) }));
  replies.push(JSON.parse(('body' in response && response.body) || 'null').data);
}
process.stdout.write(JSON.stringify({ routes: routes.routes.map(({ key }) => key), replies }));
