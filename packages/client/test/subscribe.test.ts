import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Refusal } from '../src/index.js';
import {
  acceptSubscriptions,
  channelsOf,
  connect,
  TestingServer,
  untilState,
} from './testing-server.js';

beforeEach(() => {
  // Reconnect at once.
  vi.spyOn(Math, 'random').mockReturnValue(0);
  vi.spyOn(console, 'warn').mockReturnValue();
});
afterEach(() => vi.restoreAllMocks());

describe('subscribe', () => {
  it('resolves with what the server answered', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    server.script = ({ id }, connection) =>
      connection.reply(id, {
        channels: [{ channel: 'rooms/42', result: 'live', data: { topic: 'Tea' } }],
      });
    const answer = await client.channel('rooms/42').subscribe();
    expect(answer).toEqual({ channel: 'rooms/42', result: 'live', data: { topic: 'Tea' } });
    expect((await server.connection(0)).received).toEqual([
      { action: 'subscribe', id: expect.any(String), channels: [{ channel: 'rooms/42' }] },
    ]);
  });

  it('puts the channels of one tick into one frame', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    await untilState(client, 'connected');
    await Promise.all(['a', 'b', 'c'].map((name) => client.channel(name).subscribe()));
    const [connection] = server.connections;
    expect(connection?.received.map(channelsOf)).toEqual([['a', 'b', 'c']]);
  });

  it('asks for at most 50 channels a frame', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    const names = Array.from({ length: 120 }, (_, index) => `rooms/${index}`);
    await Promise.all(names.map((name) => client.channel(name).subscribe()));
    const { received } = await server.connection(0);
    expect(received.map((frame) => channelsOf(frame).length)).toEqual([50, 50, 20]);
    expect(received.flatMap(channelsOf)).toEqual(names);
  });

  it('asks once, and gives later calls the latest answer', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    let topic = 'Tea';
    server.script = ({ id }, connection) =>
      connection.reply(id, { channels: [{ channel: 'a', result: 'live', data: topic }] });
    const channel = client.channel('a');
    const [first, second] = await Promise.all([channel.subscribe(), channel.subscribe()]);
    expect([first.data, second.data]).toEqual(['Tea', 'Tea']);
    topic = 'Coffee';
    server.connections[0]?.webSocket.terminate();
    await vi.waitFor(async () => expect((await channel.subscribe()).data).toBe('Coffee'));
    expect(server.connections.map(({ received }) => received.length)).toEqual([1, 1]);
  });

  it('rejects with the code of a refused channel and forgets it', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    const error = {
      code: 'ERR_FORBIDDEN',
      message: 'Members only.',
      details: ['x'],
      retryAfterMs: 5,
    };
    server.script = ({ id }, connection) =>
      connection.reply(id, {
        channels: [
          { channel: 'a', error },
          { channel: 'b', result: 'live' },
        ],
      });
    const a = client.channel('a').subscribe();
    const b = client.channel('b').subscribe();
    await expect(a).rejects.toMatchObject({ name: 'ClientRequestError', ...error });
    await expect(b).resolves.toMatchObject({ result: 'live' });
    server.script = acceptSubscriptions;
    server.connections[0]?.webSocket.terminate();
    const [frame] = await (await server.connection(1)).frames('subscribe');
    expect(channelsOf(frame)).toEqual(['b']);
  });

  it('rejects with the code of a refused frame', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    server.script = ({ id }, connection) => connection.refuse(id, 'ERR_CHANNEL_LIMIT');
    await expect(client.channel('a').subscribe()).rejects.toMatchObject({
      code: 'ERR_CHANNEL_LIMIT',
    });
  });

  it('rejects when the answer does not name the channel', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    server.script = ({ id }, connection) => connection.reply(id, null);
    await expect(client.channel('a').subscribe()).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
  });

  it('waits for the connection, and asks again when it ends before the answer', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    server.script = (frame, connection) => {
      if (connection === server.connections[0]) connection.webSocket.terminate();
      else acceptSubscriptions(frame, connection);
    };
    await expect(client.channel('a').subscribe()).resolves.toMatchObject({ result: 'live' });
    expect(server.connections).toHaveLength(2);
  });
});

describe('a new connection', () => {
  it('is subscribed to everything before messages go', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    await Promise.all(['a', 'b'].map((name) => client.channel(name).subscribe()));
    const first = await server.connection(0);
    first.webSocket.terminate();
    await untilState(client, 'waiting');
    const sent = client.channel('a').send('post', 1);
    server.script = (frame, connection) => {
      if (frame.action === 'a.post') connection.reply(frame.id, 'done');
      else acceptSubscriptions(frame, connection);
    };
    await expect(sent).resolves.toBe('done');
    const { received } = await server.connection(1);
    expect(received.map(({ action }) => action)).toEqual(['subscribe', 'a.post']);
    expect(received.flatMap(channelsOf)).toEqual(['a', 'b']);
  });

  it('holds the messages of a channel until its subscription is answered', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    server.script = (frame, connection) => {
      if (frame.action !== 'subscribe') connection.reply(frame.id);
    };
    const subscribed = client.channel('a').subscribe();
    const held = client.channel('a').send('post');
    await client.channel('b').send('post');
    const connection = await server.connection(0);
    expect(connection.received.map(({ action }) => action)).toEqual(['subscribe', 'b.post']);
    acceptSubscriptions(connection.received[0] as never, connection);
    await Promise.all([subscribed, held]);
  });

  it('tells the app when a subscription is refused that an earlier one had', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    const refusals: Refusal[] = [];
    client.onRefused((refusal) => refusals.push(refusal));
    await Promise.all(['a', 'b'].map((name) => client.channel(name).subscribe()));
    const error = { code: 'ERR_FORBIDDEN', message: 'No more.' };
    server.script = ({ id }, connection) =>
      connection.reply(id, {
        channels: [
          { channel: 'a', error },
          { channel: 'b', result: 'live' },
        ],
      });
    server.connections[0]?.webSocket.terminate();
    await vi.waitFor(() => expect(refusals).toHaveLength(1));
    expect(refusals[0]).toMatchObject({ channel: 'a', error });
    server.script = acceptSubscriptions;
    server.connections[1]?.webSocket.terminate();
    const [frame] = await (await server.connection(2)).frames('subscribe');
    expect(channelsOf(frame)).toEqual(['b']);
  });

  it.each(['ERR_INTERNAL', 'ERR_RATE_LIMIT'])('asks again after %s', async (code) => {
    await using server = await TestingServer.start();
    using client = connect(server);
    const refusals: Refusal[] = [];
    client.onRefused((refusal) => refusals.push(refusal));
    await client.channel('a').subscribe();
    server.script = (frame, connection) => {
      if (connection.received.length < 3) connection.refuse(frame.id, code);
      else acceptSubscriptions(frame, connection);
    };
    server.connections[0]?.webSocket.terminate();
    await (await server.connection(1)).frames('subscribe', 3);
    expect(refusals).toEqual([]);
  });

  it('is opened when the server does not know the present one', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    server.script = (frame, connection) => {
      if (connection === server.connections[0])
        connection.refuse(frame.id, 'ERR_CONNECTION_UNKNOWN');
      else acceptSubscriptions(frame, connection);
    };
    await expect(client.channel('a').subscribe()).resolves.toMatchObject({ result: 'live' });
    expect(server.connections).toHaveLength(2);
  });
});

describe('unsubscribe', () => {
  it('tells the server, and later connections know nothing of the channel', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    await Promise.all(['a', 'b'].map((name) => client.channel(name).subscribe()));
    await client.channel('a').unsubscribe();
    const [frame] = await (await server.connection(0)).frames('unsubscribe');
    expect(frame.channels).toEqual(['a']);
    server.connections[0]?.webSocket.terminate();
    const [again] = await (await server.connection(1)).frames('subscribe');
    expect(channelsOf(again)).toEqual(['b']);
  });

  it('sends nothing for a channel that is not subscribed', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    await untilState(client, 'connected');
    await client.channel('a').unsubscribe();
    await client.channel('b').subscribe();
    expect(server.connections[0]?.received.map(({ action }) => action)).toEqual(['subscribe']);
  });

  it('waits for the answer to the subscription, which it rejects', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    server.script = () => {};
    const subscribed = client.channel('a').subscribe();
    const connection = await server.connection(0);
    const [frame] = await connection.frames('subscribe');
    const left = client.channel('a').unsubscribe();
    await expect(subscribed).rejects.toMatchObject({ code: 'ERR_UNSUBSCRIBED' });
    expect(connection.received).toHaveLength(1);
    server.script = acceptSubscriptions;
    acceptSubscriptions(frame, connection);
    await left;
    expect(connection.received.map(({ action }) => action)).toEqual(['subscribe', 'unsubscribe']);
  });

  it('lets messages go that waited for the subscription', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    await untilState(client, 'connected');
    server.script = ({ id }, connection) => connection.reply(id, 'done');
    const channel = client.channel('a');
    const subscribed = channel.subscribe();
    const sent = channel.send('post');
    void channel.unsubscribe();
    await expect(subscribed).rejects.toMatchObject({ code: 'ERR_UNSUBSCRIBED' });
    await expect(sent).resolves.toBe('done');
    expect(server.connections[0]?.received.map(({ action }) => action)).toEqual(['a.post']);
  });

  it('can be taken back in the same tick, which asks for a fresh answer', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    const channel = client.channel('a');
    await channel.subscribe();
    const left = channel.unsubscribe();
    await expect(channel.subscribe()).resolves.toMatchObject({ result: 'live' });
    await left;
    const actions = server.connections[0]?.received.map(({ action }) => action);
    expect(actions).toEqual(['subscribe', 'subscribe']);
  });

  it('can be taken back while it is under way', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    const channel = client.channel('a');
    await channel.subscribe();
    const connection = await server.connection(0);
    server.script = () => {};
    const left = channel.unsubscribe();
    const [frame] = await connection.frames('unsubscribe');
    server.script = acceptSubscriptions;
    const again = channel.subscribe();
    acceptSubscriptions(frame, connection);
    await expect(again).resolves.toMatchObject({ result: 'live' });
    await left;
    const actions = connection.received.map(({ action }) => action);
    expect(actions).toEqual(['subscribe', 'unsubscribe', 'subscribe']);
  });

  it('resolves when the connection ends', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    await client.channel('a').subscribe();
    server.script = (frame, connection) => connection.webSocket.terminate();
    await expect(client.channel('a').unsubscribe()).resolves.toBeUndefined();
  });

  it('rejects when the server refuses', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    await client.channel('a').subscribe();
    server.script = ({ id }, connection) => connection.refuse(id, 'ERR_INTERNAL');
    await expect(client.channel('a').unsubscribe()).rejects.toMatchObject({ code: 'ERR_INTERNAL' });
  });
});
