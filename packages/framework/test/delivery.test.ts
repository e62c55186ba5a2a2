import {
  Channel,
  type ChannelType,
  type ConnectContext,
  type ConnectionStore,
  createPublisher,
  type MessageContext,
  memoryStore,
  OnConnect,
  OnMessage,
  type Store,
  StoreError,
} from '@gatecast/framework';
import { createTestApp } from '@gatecast/framework/testing';
import { eventId } from '@gatecast/protocol';
import { describe, expect, it, vi } from 'vitest';

type Room = ChannelType<'rooms/:roomId', { said: { text: string } }>;

@Channel('rooms/:roomId')
class RoomChannel {
  @OnMessage()
  async say(_: unknown, ctx: MessageContext<Room>) {
    const first = await ctx.channel.publish('said', { text: '1' });
    const second = await ctx.channel.publish('said', { text: '2' });
    const elsewhere = await ctx.app.channel<Room>('rooms/other').publish('said', { text: '3' });
    return [first.id, second.id, elsewhere.id];
  }
}

const LONGEST_CONNECT_MS = 35_000;
const onError = vi.fn();
async function makeRoom(store?: Store) {
  onError.mockClear();
  const app = createTestApp({
    channels: [RoomChannel],
    ...(store && { store }),
    plugins: [{ name: 'errors', onError }],
  });
  const ann = await app.connect();
  await ann.subscribe('rooms/1');
  const room = app.app.channel<ChannelType>('rooms/1');
  return { app, ann, room };
}

function pagesOfOne(connections: ConnectionStore): ConnectionStore['subscribers'] {
  const subscribers = connections.subscribers.bind(connections);
  return (channel, range) => subscribers(channel, { ...range, limit: 1 });
}

const none = { delivered: 0, gone: 0, failed: 0 };

describe('a subscriber that is gone', () => {
  it('is forgotten', async () => {
    const { app, ann, room } = await makeRoom();
    app.clock.advance(LONGEST_CONNECT_MS);
    app.gateway.peers.delete(ann.id);
    expect((await room.publish('x', {})).delivery).toEqual({ ...none, gone: 1 });
    expect((await room.publish('x', {})).delivery).toEqual(none);
    expect(await app.store.connections.get(ann.id)).toBeUndefined();
  });

  it('does not keep the event from others if the store cannot remove it', async () => {
    const memory = memoryStore();
    const failure = StoreError.of({ store: 'any', operation: 'prune', reason: 'It is down.' });
    const connections = Object.assign(memory.connections, {
      prune: () => Promise.reject(failure),
      subscribers: pagesOfOne(memory.connections),
    });
    const { app, ann, room } = await makeRoom({ ...memory, connections });
    const bob = await app.connect();
    await bob.subscribe('rooms/1');
    app.clock.advance(LONGEST_CONNECT_MS);
    const [first, second] = [ann, bob].toSorted((a, b) => (a.id < b.id ? -1 : 1));
    app.gateway.peers.delete(first?.id ?? '');
    expect((await room.publish('x', {})).delivery).toEqual({ ...none, gone: 1, delivered: 1 });
    expect(second?.events).toMatchObject([{ event: 'x' }]);
    expect(onError).toHaveBeenCalledExactlyOnceWith(failure, expect.anything());
  });

  it('is kept while it may still be connecting', async () => {
    const { app, ann, room } = await makeRoom();
    app.clock.advance(LONGEST_CONNECT_MS - 1);
    app.gateway.faults = () => 'gone';
    expect((await room.publish('x', {})).delivery).toEqual({ ...none, gone: 1 });
    app.gateway.faults = () => undefined;
    expect((await room.publish('y', {})).delivery).toEqual({ ...none, delivered: 1 });
    expect(ann.events).toMatchObject([{ event: 'y' }]);
  });
});

describe('a post that is throttled', () => {
  it('is retried until it succeeds', async () => {
    const { app, ann, room } = await makeRoom();
    let tries = 0;
    app.gateway.faults = () => (++tries < 3 ? 'throttled' : undefined);
    expect((await room.publish('x', {})).delivery).toEqual({ ...none, delivered: 1 });
    expect(tries).toBe(3);
    expect(ann.events).toHaveLength(1);
    expect(onError).not.toHaveBeenCalled();
  });

  it.each([
    ['throttled', 'ERR_DELIVERY_THROTTLED'],
    ['failed', 'ERR_DELIVERY_FAILED'],
  ] as const)('or %s counts as failed when time runs out, and is reported', async (fault, code) => {
    const { app, ann, room } = await makeRoom();
    app.gateway.faults = () => {
      app.clock.advance(2_000);
      return fault;
    };
    expect((await room.publish('x', {})).delivery).toEqual({ ...none, failed: 1 });
    expect(onError.mock.calls).toMatchObject([
      [
        { name: 'DeliveryError', code },
        { route: 'publish', isAnswered: false },
      ],
    ]);
    app.gateway.faults = () => undefined;
    await room.publish('y', {});
    expect(ann.events).toMatchObject([{ event: 'y' }]);
  });

  it('is posted once if the event is ephemeral', async () => {
    const { app, room } = await makeRoom();
    let tries = 0;
    app.gateway.faults = () => {
      tries += 1;
      return 'throttled';
    };
    const { delivery } = await room.publish('x', {}, { ephemeral: true });
    expect(delivery).toEqual({ ...none, failed: 1 });
    expect(tries).toBe(1);
  });
});

describe('publish()', () => {
  it('derives an id for each publish from the message, unless one is given', async () => {
    const { ann, room } = await makeRoom();
    expect(await ann.sendFrame({ action: 'rooms.say', id: 'm', channel: 'rooms/1' })).toMatchObject(
      {
        data: [
          eventId('rooms/1', 'm', 0),
          eventId('rooms/1', 'm', 1),
          eventId('rooms/other', 'm', 0),
        ],
      },
    );
    expect(await room.publish('x', {}, { id: 'order-7' })).toMatchObject({
      id: 'order-7',
      duplicate: false,
    });
    expect(ann.events.at(-1)).toMatchObject({ id: 'order-7' });
    expect((await room.publish('x', {})).id).not.toBe((await room.publish('x', {})).id);
  });

  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  it.each([
    ['an event too large', 'rooms/1', 'x', 'é'.repeat(16_400), {}, 'ERR_EVENT_TOO_LARGE'],
    ['data with a cycle', 'rooms/1', 'x', cyclic, {}, 'ERR_PUBLISH_DATA'],
    ['a bigint', 'rooms/1', 'x', 1n, {}, 'ERR_PUBLISH_DATA'],
    ['no event name', 'rooms/1', '', {}, {}, 'ERR_PUBLISH_EVENT'],
    ['a long event name', 'rooms/1', 'x'.repeat(65), {}, {}, 'ERR_PUBLISH_EVENT'],
    ['an empty id', 'rooms/1', 'x', {}, { id: '' }, 'ERR_PUBLISH_ID'],
    ['a long id', 'rooms/1', 'x', {}, { id: 'x'.repeat(65) }, 'ERR_PUBLISH_ID'],
    ['a bad channel name', 'rooms/#', 'x', {}, {}, 'ERR_PUBLISH_CHANNEL'],
    [
      'a sender outside of a message',
      'rooms/1',
      'x',
      {},
      { except: 'sender' },
      'ERR_PUBLISH_SENDER',
    ],
  ] as const)('refuses %s', async (_what, channel, event, data, options, code) => {
    const { app, ann } = await makeRoom();
    await expect(
      app.app.channel<ChannelType>(channel).publish(event, data, options),
    ).rejects.toMatchObject({ name: 'UsageError', code });
    expect(ann.events).toEqual([]);
  });

  it('shows in each error the value that was refused', async () => {
    const { app } = await makeRoom();
    // oxlint-disable-next-line max-params -- as those of publish().
    const refusal = async (
      channel: unknown,
      event: unknown,
      options: object = {},
      data: unknown = 1,
    ) => {
      const publishing = app.app
        .channel<ChannelType>(channel as string)
        .publish(event as string, data, options);
      return ((await publishing.catch((error: unknown) => error)) as Error).message;
    };
    expect(await refusal('rooms/1', '')).toContain('"rooms/1"');
    expect(await refusal('rooms/1', 7)).toMatch(/"rooms\/1".* 7/);
    expect(await refusal('rooms/1', ['x'])).toMatch(/"rooms\/1".* a list/);
    // It may be the data.
    expect(await refusal('rooms/1', 'secret'.repeat(11))).toMatch(
      /"rooms\/1"(?!.*secret).* a text/,
    );
    expect(await refusal('rooms/1', 'x', { id: '' })).toContain('"rooms/1"');
    expect(await refusal('rooms/1', 'x', { except: 'sender' })).toContain('"rooms/1"');
    expect(await refusal('rooms/#', 'x')).toMatch(/channel "rooms\/#", .*character/);
    expect(await refusal(['rooms/1'], 'x')).toMatch(/"a list".*not a string/);
    expect(await refusal('rooms/1', 'large', {}, 'x'.repeat(40_000))).toMatch(
      /"large" on "rooms\/1".* 40\d{3} bytes.* 32768/,
    );
    for (const [options, option] of [
      [{ id: 7 }, 'id'],
      [{ except: 'others' }, 'except'],
      [{ ephemeral: 1 }, 'ephemeral'],
      [{ timeoutMs: 0 }, 'timeoutMs'],
      [{ only: 'sender' }, 'only'],
    ] as const) {
      const message = await refusal('rooms/1', 'x', options);
      expect(message).toContain('publish()');
      expect(message).toContain(option);
    }
  });

  it('accepts a name and an id of 64 characters', async () => {
    const { ann, room } = await makeRoom();
    const [name, id] = ['n'.repeat(64), 'i'.repeat(64)];
    await room.publish(name, 1, { id });
    expect(ann.events).toMatchObject([{ event: name, id }]);
  });

  it('accepts a time limit of 1 ms', async () => {
    const { room } = await makeRoom();
    await expect(room.publish('x', 1, { timeoutMs: 1 })).resolves.toHaveProperty('id');
  });

  it('carries an event of exactly 32768 bytes', async () => {
    const { ann, room } = await makeRoom();
    await room.publish('x', '', { id: 'i' });
    const bytes = Buffer.byteLength(JSON.stringify(ann.events[0]));
    const data = 'x'.repeat(32_768 - bytes);
    expect((await room.publish('x', data, { id: 'i' })).delivery.delivered).toBe(1);
    await expect(room.publish('x', `${data}x`, { id: 'i' })).rejects.toMatchObject({
      code: 'ERR_EVENT_TOO_LARGE',
    });
  });
});

describe('publishing in a connect handler', () => {
  let except: 'sender' | undefined;
  @Channel('news', { autoSubscribe: true })
  class NewsChannel {
    @OnConnect()
    async announce({ app }: ConnectContext) {
      await app.channel('news').publish('joined', {}, except ? { except } : {});
    }
  }

  it('to a channel of the new connection is refused', async () => {
    except = undefined;
    onError.mockClear();
    const app = createTestApp({
      channels: [NewsChannel],
      plugins: [{ name: 'errors', onError }],
    });
    await expect(app.connect()).rejects.toMatchObject({ status: 500 });
    expect(onError.mock.calls).toMatchObject([
      [{ name: 'UsageError', code: 'ERR_SEND_IN_CONNECT' }, {}],
    ]);
  });

  it('reaches the others when the sender is left out', async () => {
    except = 'sender';
    const app = createTestApp({ channels: [NewsChannel] });
    const [ann, bob] = [await app.connect(), await app.connect()];
    expect(ann.events).toMatchObject([{ event: 'joined' }]);
    expect(bob.events).toEqual([]);
  });
});

it('createPublisher() publishes without the app', async () => {
  const { app, ann } = await makeRoom();
  const { store, gateway } = app;
  const publisher = createPublisher<typeof app.app>({ store, gateway });
  const { delivery } = await publisher.channel('rooms/1').publish('said', { text: 'hi' });
  expect(delivery).toEqual({ ...none, delivered: 1 });
  expect(ann.events).toMatchObject([{ channel: 'rooms/1', event: 'said', data: { text: 'hi' } }]);
});

it('createPublisher() needs an endpoint, because it has no event with one', async () => {
  vi.stubEnv('GATECAST_ENDPOINT', '');
  vi.stubEnv('AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI', '');
  const { store } = createTestApp({ channels: [RoomChannel] });
  await expect(
    createPublisher({ store }).channel('rooms/1').publish('x', {}),
  ).rejects.toMatchObject({
    name: 'ConfigurationError',
    code: 'ERR_ENDPOINT_UNKNOWN',
    message: 'The endpoint of the @connections API is not known.',
    hint: expect.stringContaining(
      'set GATECAST_ENDPOINT to https://{api-id}.execute-api.{region}.amazonaws.com/{stage}',
    ),
  });
  vi.unstubAllEnvs();
});
