import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connect, type ServerConnection, TestingServer, untilState } from './testing-server.js';

beforeEach(() => {
  vi.spyOn(console, 'warn').mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** A client that is connected, its channel, and the server's end. */
async function open(server: TestingServer) {
  const client = connect(server);
  await untilState(client, 'connected');
  const connection = await server.connection(0);
  return { client, connection, room: client.channel('rooms/42') };
}

function event(data: unknown, id = 'e1'): Parameters<ServerConnection['send']>[0] {
  return { type: 'event', channel: 'rooms/42', event: 'message', data, id, at: 1_700_000_000_000 };
}

describe('events', () => {
  it('reach the handlers of their name with all that is known of them', async () => {
    await using server = await TestingServer.start();
    const { client, connection, room } = await open(server);
    using _ = client;
    const seen: unknown[] = [];
    room.on('message', (...args) => seen.push(args));
    room.on('message', (data) => seen.push(data));
    room.on('other', () => seen.push('never'));
    client.channel('rooms/43').on('message', () => seen.push('never'));
    connection.send(event({ text: 'hi' }));
    await vi.waitFor(() => expect(seen).toHaveLength(2));
    expect(seen).toEqual([
      [
        { text: 'hi' },
        {
          event: 'message',
          data: { text: 'hi' },
          id: 'e1',
          at: new Date('2023-11-14T22:13:20.000Z'),
        },
      ],
      { text: 'hi' },
    ]);
  });

  it('arrive one by one from a frame of several', async () => {
    await using server = await TestingServer.start();
    const { client, connection, room } = await open(server);
    using _ = client;
    const seen: unknown[] = [];
    room.on('message', (data, { id }) => seen.push([data, id]));
    connection.send({
      type: 'events',
      channel: 'rooms/42',
      events: [
        { event: 'message', data: 1, id: 'a', at: 0 },
        { event: 'unheard', data: 2, id: 'b', at: 0 },
        { event: 'message', data: 3, id: 'c', at: 0 },
      ],
    });
    await vi.waitFor(() => expect(seen).toHaveLength(2));
    expect(seen).toEqual([
      [1, 'a'],
      [3, 'c'],
    ]);
  });

  it('stop at the handler that was taken off, and only there', async () => {
    await using server = await TestingServer.start();
    const { client, connection, room } = await open(server);
    using _ = client;
    const seen: string[] = [];
    const handler = (data: unknown): number => seen.push(`twice ${String(data)}`);
    const off = room.on('message', handler);
    room.on('message', handler);
    room.on('message', (data) => seen.push(`once ${String(data)}`));
    off();
    off();
    connection.send(event(1));
    await vi.waitFor(() => expect(seen).toEqual(['twice 1', 'once 1']));
  });

  it('do not reach a handler that another one takes off or adds meanwhile', async () => {
    await using server = await TestingServer.start();
    const { client, connection, room } = await open(server);
    using _ = client;
    const seen: string[] = [];
    room.on('message', (data) => {
      off();
      room.on('message', (later) => seen.push(`added ${String(later)}`));
      seen.push(`first ${String(data)}`);
    });
    const off = room.on('message', () => seen.push('taken off'));
    connection.send(event(1, 'e1'));
    connection.send(event(2, 'e2'));
    await vi.waitFor(() => expect(seen).toEqual(['first 1', 'first 2', 'added 2']));
  });

  it('reach the other handlers when one throws', async () => {
    await using server = await TestingServer.start();
    const { client, connection, room } = await open(server);
    using _ = client;
    const reported = vi.fn<(error: unknown) => void>();
    vi.stubGlobal('reportError', reported);
    const seen: unknown[] = [];
    room.on('message', () => {
      throw new Error('mine');
    });
    room.on('message', (data) => seen.push(data));
    connection.send(event(1));
    await vi.waitFor(() => expect(seen).toEqual([1]));
    expect(reported).toHaveBeenCalledExactlyOnceWith(new Error('mine'));
  });

  it('throw what a handler throws where the runtime sees it, if there is no reportError', async () => {
    await using server = await TestingServer.start();
    const { client, connection, room } = await open(server);
    using _ = client;
    const before = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    try {
      const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve));
      room.on('message', () => {
        throw new Error('mine');
      });
      connection.send(event(1));
      expect(await uncaught).toEqual(new Error('mine'));
    } finally {
      for (const listener of before) process.on('uncaughtException', listener);
    }
  });
});

it('gives the same channel for the same name', async () => {
  await using server = await TestingServer.start();
  using client = connect(server);
  expect(client.channel('rooms/42')).toBe(client.channel('rooms/42'));
  expect(client.channel('rooms/42').name).toBe('rooms/42');
  expect(client.channel('rooms/42')).not.toBe(client.channel('rooms/43'));
});

it('ignores frames that it does not know', async () => {
  await using server = await TestingServer.start();
  const { client, connection, room } = await open(server);
  using _ = client;
  const seen: unknown[] = [];
  room.on('message', (data) => seen.push(data));
  for (const text of [
    '',
    'text',
    'null',
    '7',
    '[]',
    '{}',
    '{"type":1}',
    '{"type":"error"}',
    '{"type":"error","error":{"code":"ERR_FRAME_INVALID","message":"No id."}}',
    '{"type":"events","channel":"rooms/42"}',
    '{"type":"event","channel":"unheard"}',
    '{"type":"reply","id":"unasked"}',
    '{"type":"invented","channel":"rooms/42"}',
    '{"message":"Internal server error","connectionId":"c=","requestId":"r="}',
  ]) {
    connection.send(text);
  }
  connection.webSocket.send(Buffer.from('{"type":"bye"}'), { binary: true });
  connection.send(event('the end'));
  await vi.waitFor(() => expect(seen).toEqual(['the end']));
  expect(client.state).toBe('connected');
});
