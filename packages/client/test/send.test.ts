import { eventId } from '@gatecast/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClientRequestError } from '../src/index.js';
import { connect, TestingServer, untilState } from './testing-server.js';

beforeEach(() => {
  // Reconnect at once.
  vi.spyOn(Math, 'random').mockReturnValue(0);
  vi.spyOn(console, 'warn').mockReturnValue();
});
afterEach(() => vi.restoreAllMocks());

describe('send', () => {
  it('resolves with what the handler returned', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    server.script = ({ id, data }, connection) => connection.reply(id, { echo: data });
    const reply = await client.channel('rooms/42').send('post', { text: 'é' });
    expect(reply).toEqual({ echo: { text: 'é' } });
    expect(server.connections[0]?.received).toEqual([
      {
        action: 'rooms.post',
        id: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
        channel: 'rooms/42',
        data: { text: 'é' },
      },
    ]);
  });

  it('knows the id of the event it leads to', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    const first = client.channel('rooms/42').send('post', 1);
    const second = client.channel('rooms/7').send('post', 1);
    const frames = await (await server.connection(0)).frames('rooms.post', 2);
    for (const { id } of frames) server.connections[0]?.reply(id);
    await Promise.all([first, second]);
    expect([first.id, second.id]).toEqual(
      frames.map(({ channel = '', id }) => eventId(channel, id, 0)),
    );
    expect(first.id).not.toBe(second.id);
  });

  it('names the channel class as the option `as` says', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    server.script = ({ id }, connection) => connection.reply(id);
    await client.channel('orgs/1/rooms/2').send('post');
    await client.channel('orgs/1/rooms/3', { as: 'chat' }).send('post');
    expect(server.connections[0]?.received.map(({ action }) => action)).toEqual([
      'orgs.post',
      'chat.post',
    ]);
  });

  it('rejects with what the server refused it for', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    const error = {
      code: 'ERR_VALIDATION',
      message: 'The data does not fit.',
      details: [{ path: 'text', message: 'Required.' }],
      retryAfterMs: 50,
    };
    server.script = ({ id }, connection) => connection.send({ type: 'error', id, error });
    const caught = await client
      .channel('rooms/42')
      .send('post', {})
      .catch((reason: unknown) => reason);
    expect(caught).toBeInstanceOf(ClientRequestError);
    expect(ClientRequestError.is(caught)).toBe(true);
    // A browser's console shows only the message of an error that nobody caught.
    const message = 'The data does not fit. text: Required.';
    expect(caught).toMatchObject({ ...error, message });
  });

  it('rejects when no answer comes in time, and lets the next one go', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    server.script = ({ id, data }, connection) => {
      if (data === 'answered') connection.reply(id, data);
    };
    const channel = client.channel('rooms/42');
    // On a busy machine the handshake alone may take longer than that.
    await untilState(client, 'connected');
    const lost = channel.send('post', 'lost', { timeoutMs: 50 });
    const next = channel.send('post', 'answered');
    await expect(lost).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
    await expect(next).resolves.toBe('answered');
  });

  it('takes a time-out of any length', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    server.script = ({ id }, connection) => connection.reply(id, 'in time');
    const sent = client.channel('rooms/42').send('post', 1, { timeoutMs: Infinity });
    await expect(sent).resolves.toBe('in time');
  });

  it('ignores an answer that comes late or twice', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    const channel = client.channel('rooms/42');
    await expect(channel.send('post', 1, { timeoutMs: 1 })).rejects.toThrow('in time');
    server.script = ({ id }, connection) => {
      for (const answer of ['first', 'second']) connection.reply(id, answer);
      connection.refuse(id, 'ERR_INTERNAL');
    };
    await expect(channel.send('post', 2)).resolves.toBe('first');
    await expect(channel.send('post', 3)).resolves.toBe('first');
  });

  it('has one message of a channel in flight, in the order of sending', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    await untilState(client, 'connected');
    const connection = await server.connection(0);
    const a = client.channel('a');
    const sent = [a.send('post', 1), a.send('edit', 2), client.channel('b').send('post', 3)];
    await connection.frames('b.post');
    expect(connection.received.map(({ data }) => data)).toEqual([1, 3]);
    server.script = ({ id }) => connection.reply(id);
    for (const { id } of connection.received.slice()) connection.reply(id);
    await Promise.all(sent);
    expect(connection.received.map(({ data }) => data)).toEqual([1, 3, 2]);
  });

  it('sends what the data was when it was called', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    server.script = ({ id, data }, connection) => connection.reply(id, data);
    const data = { text: 'before' };
    const sent = client.channel('rooms/42').send('post', data);
    data.text = 'after';
    await expect(sent).resolves.toEqual({ text: 'before' });
  });

  it('rejects data that is not JSON', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    const sent = client.channel('rooms/42').send('post', { n: 1n });
    expect(sent.id).toMatch(/^[A-Za-z0-9_-]{22}$/);
    await expect(sent).rejects.toMatchObject({
      code: 'ERR_MESSAGE_INVALID',
      message: 'The data of "rooms.post" to "rooms/42" is not JSON. Send no cycles and no bigints.',
      cause: expect.any(TypeError),
    });
  });

  it('rejects a frame that API Gateway would close the connection for', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    server.script = ({ id, data }, connection) => connection.reply(id, String(data).length);
    const channel = client.channel('rooms/42');
    await expect(channel.send('post', 'é'.repeat(16_384))).rejects.toMatchObject({
      code: 'ERR_MESSAGE_INVALID',
      message: expect.stringContaining('Send at most 32768.'),
    });
    await expect(channel.send('post', 'e'.repeat(32_000))).resolves.toBe(32_000);
  });
});

describe('a message without an answer when the connection ends', () => {
  it('is sent again with the same id, saying which attempt it is', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    server.script = ({ id, attempt }, connection) => {
      if (attempt === 3) connection.reply(id, 'done');
      else connection.webSocket.terminate();
    };
    const channel = client.channel('a');
    const sent = [channel.send('post', 'x'), channel.send('post', 'y')];
    await expect(sent[0]).resolves.toBe('done');
    const first = server.connections.map(({ received }) => received[0]);
    expect(first.map((frame) => frame?.attempt)).toEqual([undefined, 2, 3]);
    expect(new Set(first.map((frame) => frame?.id)).size).toBe(1);
    expect(first.map((frame) => frame?.data)).toEqual(['x', 'x', 'x']);
    await expect(sent[1]).resolves.toBe('done');
    const second = server.connections.flatMap(({ received }) =>
      received.filter(({ data }) => data === 'y'),
    );
    expect(second.map(({ attempt }) => attempt)).toEqual([undefined, 2, 3]);
  });

  it('is not sent again after its deadline', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    server.refuseWith = 503;
    const sent = client.channel('a').send('post', 'late', { timeoutMs: 20 });
    await expect(sent).rejects.toMatchObject({ code: 'ERR_NOT_SENT' });
    server.refuseWith = undefined;
    server.script = ({ id }, connection) => connection.reply(id);
    await client.channel('b').send('post', 'in time');
    expect(server.connections[0]?.received.map(({ data }) => data)).toEqual(['in time']);
  });

  it('is sent again when the server does not know the connection', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    server.script = ({ id }, connection) => {
      if (connection === server.connections[0]) connection.refuse(id, 'ERR_CONNECTION_UNKNOWN');
      else connection.reply(id, 'done');
    };
    await expect(client.channel('a').send('post')).resolves.toBe('done');
  });
});

describe('the queue', () => {
  it('takes 100 messages and rejects more at once', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    server.script = ({ id, data }, connection) => connection.reply(id, data);
    const channel = client.channel('a');
    const sent = Array.from({ length: 100 }, (_, index) => channel.send('post', index));
    await expect(channel.send('post', 100)).rejects.toMatchObject({ code: 'ERR_QUEUE_FULL' });
    expect(await Promise.all(sent)).toEqual(Array.from({ length: 100 }, (_, index) => index));
    await expect(channel.send('post', 101)).resolves.toBe(101);
  });
});

describe('a message without a reply', () => {
  it('resolves when it is written, past those that wait for theirs', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    await untilState(client, 'connected');
    const channel = client.channel('rooms/42');
    const answered = channel.send('post', 1);
    await expect(channel.send('typing', 2, { reply: false })).resolves.toBeUndefined();
    const connection = await server.connection(0);
    await connection.frames('rooms.typing');
    expect(connection.received.map(({ data }) => data)).toEqual([1, 2]);
    connection.reply(connection.received[0]?.id ?? '');
    await answered;
  });

  it('is rejected when there is no connection', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    const early = client.channel('rooms/42').send('typing', 1, { reply: false });
    await expect(early).rejects.toMatchObject({ code: 'ERR_NOT_CONNECTED' });
  });

  it('is never sent again', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    await untilState(client, 'connected');
    const channel = client.channel('a');
    await channel.send('typing', 1, { reply: false });
    await (await server.connection(0)).frames('a.typing');
    server.script = ({ id }, connection) => connection.reply(id);
    server.connections[0]?.webSocket.terminate();
    const second = await server.connection(1);
    await channel.send('post', 2);
    expect(second.received.map(({ data }) => data)).toEqual([2]);
  });
});
