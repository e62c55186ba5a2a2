import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import { acceptSubscriptions, connect, TestingServer, untilState } from './testing-server.js';

/** Collects what nobody has any more. */
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Lets the current task end: a WeakRef holds what it was asked for until then. */
async function collected(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  collectGarbage();
}

describe('channel()', () => {
  it('F13 gives the same object for the same name, as long as somebody uses it', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    const room = client.channel('rooms/42');
    room.on('message', () => {});
    expect(client.channel('rooms/42')).toBe(room);
    expect(client.channel('rooms/43')).not.toBe(room);
    for (let index = 0; index < 200; index += 1) client.channel(`others/${index}`);
    expect(client.channel('rooms/42')).toBe(room);
    expect(room.name).toBe('rooms/42');
  });

  it('F13 takes `as` from whoever opens the channel, and refuses another', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    server.script = ({ id }, connection) => connection.reply(id);
    const room = client.channel('orgs/1/rooms/2', { as: 'chat' });
    expect(client.channel('orgs/1/rooms/2')).toBe(room);
    expect(client.channel('orgs/1/rooms/2', { as: 'chat' })).toBe(room);
    expect(() => client.channel('orgs/1/rooms/2', { as: 'orgs' })).toThrow(
      expect.objectContaining({
        name: 'TypeError',
        message:
          'The channel "orgs/1/rooms/2" was opened as "chat". Give the same `as` wherever it is opened.',
        hint: 'Give the same `as` wherever it is opened.',
      }) as Error,
    );
    const plain = client.channel('orgs/3');
    expect(() => client.channel('orgs/3', { as: 'chat' })).toThrow('was opened as "orgs"');
    await room.send('post');
    await plain.send('post');
    expect(server.connections[0]?.received.map(({ action }) => action)).toEqual([
      'chat.post',
      'orgs.post',
    ]);
  });

  it('F13 lets go of channels that nobody uses', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    await untilState(client, 'connected');
    const visit = async (index: number): Promise<void> => {
      const room = client.channel(`rooms/${index}/${'x'.repeat(180)}`);
      room.on('message', () => {})();
      if (index % 100 === 0) await room.subscribe();
      await room.unsubscribe();
    };
    await visit(0);
    await collected();
    const before = process.memoryUsage().heapUsed;
    for (let index = 1; index <= 2_000; index += 1) {
      await visit(index);
      if (index % 200 === 0) await collected();
    }
    const grownBytes = process.memoryUsage().heapUsed - before;
    // The name of each channel alone would take more.
    expect(grownBytes).toBeLessThan(1_500_000);
  });

  it('F13 keeps what somebody listens to, when the name is opened again', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    await untilState(client, 'connected');
    const seen: string[] = [];
    const listen = (name: string) =>
      client.channel('rooms/42').on('message', (data) => seen.push(`${name} ${String(data)}`));
    const off = listen('first');
    await collected();
    listen('second');
    await collected();
    listen('third');
    const connection = await server.connection(0);
    const publish = (data: number): void => {
      const event = { event: 'message', data, id: `e${data}`, at: 0 };
      connection.send({ type: 'event', channel: 'rooms/42', ...event });
    };
    publish(1);
    publish(1);
    await vi.waitFor(() => expect(seen).toHaveLength(3));
    off();
    off();
    publish(2);
    await vi.waitFor(() => expect(seen).toHaveLength(5));
    expect(seen).toEqual(['first 1', 'second 1', 'third 1', 'second 2', 'third 2']);
  });
});

it('F13 lets no listener of a channel that was let go silence those of the next', async () => {
  await using server = await TestingServer.start();
  using client = connect(server);
  await untilState(client, 'connected');
  const off = client.channel('a').on('message', () => {});
  off();
  await collected();
  const seen: unknown[] = [];
  client.channel('a').on('message', (data) => seen.push(data));
  off();
  const event = { event: 'message', data: 1, id: 'e1', at: 0 };
  (await server.connection(0)).send({ type: 'event', channel: 'a', ...event });
  await vi.waitFor(() => expect(seen).toEqual([1]));
});

describe('two parts of a page that use one channel', () => {
  it('F13 are subscribed once, until both have left', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    const channel = client.channel('a');
    const [first, second] = await Promise.all([channel.subscribe(), channel.subscribe()]);
    expect(second).toBe(first);
    await expect(channel.subscribe()).resolves.toBe(first);
    await channel.unsubscribe();
    await channel.unsubscribe();
    const { received } = await server.connection(0);
    expect(received.map(({ action }) => action)).toEqual(['subscribe']);
    await channel.unsubscribe();
    expect(received.map(({ action }) => action)).toEqual(['subscribe', 'unsubscribe']);
    await channel.unsubscribe();
    expect(received).toHaveLength(2);
  });

  it('F13 are still subscribed on a new connection when one of them has left', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    const channel = client.channel('a');
    await Promise.all([channel.subscribe(), channel.subscribe()]);
    await channel.unsubscribe();
    server.connections[0]?.webSocket.terminate();
    const second = await server.connection(1);
    await second.frames('subscribe');
    await channel.unsubscribe();
    expect(second.received.map(({ action }) => action)).toEqual(['subscribe', 'unsubscribe']);
  });

  it('F13 are both told when the subscription is refused, and begin anew', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    const channel = client.channel('a');
    server.script = ({ id }, connection) => connection.refuse(id, 'ERR_FORBIDDEN');
    const both = [channel.subscribe(), channel.subscribe()];
    for (const joined of both) {
      await expect(joined).rejects.toMatchObject({ code: 'ERR_FORBIDDEN' });
    }
    server.script = acceptSubscriptions;
    await channel.subscribe();
    await channel.unsubscribe();
    const [connection] = server.connections;
    expect(connection?.received.map(({ action }) => action)).toEqual([
      'subscribe',
      'subscribe',
      'unsubscribe',
    ]);
  });

  it('F13 are heard one by one while the answer is on its way', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    const channel = client.channel('a');
    server.script = () => {};
    const stays = channel.subscribe();
    void channel.subscribe();
    await channel.unsubscribe();
    const connection = await server.connection(0);
    const [frame] = await connection.frames('subscribe');
    acceptSubscriptions(frame, connection);
    await expect(stays).resolves.toMatchObject({ result: 'live' });
    expect(connection.received).toHaveLength(1);
  });
});
