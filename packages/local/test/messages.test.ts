import { once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import type { InvocationResult } from '../src/gateway/lambda-function.js';
import { openLocalApi, type SeenEvent } from './local-api.js';
import { Peer } from './peer.js';

const oneWay = ['$connect', '$default'];
const twoWay = [{ routeKey: '$default', twoWay: true }];
const pong = { routeKey: 'ping', integration: 'mock', response: '{"type":"pong"}' } as const;

/** A two-way route whose answer shows that all earlier frames have arrived. */
const last = { routeKey: 'last', twoWay: true };

/** The frames for one message, up to the answer of the route `last`. */
async function framesFor(answer: unknown, options = { twoWay: false }): Promise<string[]> {
  await using api = await openLocalApi({
    routes: [{ routeKey: '$default', twoWay: options.twoWay }, last],
    respond: ({ requestContext }) =>
      requestContext.routeKey === 'last' ? { statusCode: 200, body: 'last' } : answer,
  });
  await using peer = await Peer.connect(api.url);
  peer.send('one');
  await vi.waitFor(() => expect(api.log).toHaveLength(1));
  peer.send({ action: 'last' });
  const frames: string[] = [];
  for (;;) {
    const frame = await peer.next();
    if (frame === 'last') return frames;
    frames.push(frame);
  }
}

describe('the answer of a message route', () => {
  it('5.1 is missing unless the route is two-way', async () => {
    expect(await framesFor({ statusCode: 200, body: 'hello' })).toEqual([]);
  });

  it('5.2 is the body in one text frame if the route is two-way', async () => {
    const headers = { 'x-a': '1' };
    const answer = { statusCode: 200, headers, body: '{"ok": true}' };
    expect(await framesFor(answer, { twoWay: true })).toEqual(['{"ok": true}']);
  });

  it.each([{ statusCode: 200 }, { statusCode: 200, body: null }])(
    '5.3 is an empty frame when a two-way route returns %j',
    async (answer) => {
      expect(await framesFor(answer, { twoWay: true })).toEqual(['']);
    },
  );

  it.each([201, 301, 401, 501])('5.4 does not depend on the status %i', async (statusCode) => {
    const answer = { statusCode, body: 'hello' };
    expect(await framesFor(answer)).toEqual([]);
    expect(await framesFor(answer, { twoWay: true })).toEqual(['hello']);
  });
});

describe('a message whose function fails', () => {
  it('5.5 is answered with Internal server error, and the connection stays', async () => {
    await using api = await openLocalApi({
      routes: [{ routeKey: 'throw' }, last],
      respond: ({ requestContext }) => {
        if (requestContext.routeKey === 'throw') throw new RangeError('broken');
        return { statusCode: 200, body: 'last' };
      },
    });
    await using peer = await Peer.connect(api.url);
    peer.send({ action: 'throw' });
    const frame = await peer.next();
    const { connectionId, requestId } = api.handler.events[0]?.requestContext ?? {};
    expect(frame).toBe(
      `{"message": "Internal server error", "connectionId":"${connectionId}", "requestId":"${requestId}"}`,
    );
    expect(api.log[0]).toMatchObject({ result: 'failed', detail: 'RangeError: broken' });
    peer.send({ action: 'last' });
    expect(await peer.next()).toBe('last');
  });

  it.each([
    ['an unknown key', { ConnectionId: 'x', Data: 'hello', statusCode: 200 }],
    ['text', 'ok'],
    ['a number', 200],
    ['an array', [{ statusCode: 200 }]],
    ['a body that is an object', { statusCode: 200, body: { ok: true } }],
    ['a body that is a number', { statusCode: 200, body: 1 }],
    ['no status', { body: 'hello' }],
    ['nothing', undefined],
  ])('5.6 is answered that way for %s, on every kind of route', async (_what, answer) => {
    for (const options of [{ twoWay: false }, { twoWay: true }]) {
      expect(await framesFor(answer, options)).toEqual([
        expect.stringMatching(/^\{"message": "Internal server error", /),
      ]);
    }
  });

  it('5.6 may return every key of a proxy response', async () => {
    const answer = {
      statusCode: 200,
      headers: {},
      multiValueHeaders: {},
      body: 'x',
      isBase64Encoded: false,
    };
    expect(await framesFor(answer)).toEqual([]);
  });

  it('5.7 is answered that way if the function may not be invoked', async () => {
    await using api = await openLocalApi({ routes: twoWay });
    const denied: InvocationResult = {
      type: 'error',
      errorType: 'AccessDeniedException',
      errorMessage: 'not authorized',
    };
    api.gateway.use({ routes: twoWay, handler: { invoke: () => Promise.resolve(denied) } });
    await using peer = await Peer.connect(api.url);
    peer.send('one');
    expect(await peer.next()).toContain('"Internal server error"');
  });

  it('is answered that way if the function breaks its contract and rejects', async () => {
    await using api = await openLocalApi({ routes: twoWay });
    const invoke = () => Promise.reject(new Error('broken'));
    api.gateway.use({ routes: twoWay, handler: { invoke } });
    await using peer = await Peer.connect(api.url);
    peer.send('one');
    expect(await peer.next()).toContain('"Internal server error"');
    expect(api.log[0]).toMatchObject({ result: 'failed' });
  });

  it('5.8 is answered if it takes longer than the gateway waits, and keeps running', async () => {
    let finish = () => {};
    let finished = false;
    await using api = await openLocalApi({
      integrationTimeoutMs: 50,
      routes: ['slow', last],
      respond: async ({ requestContext }) => {
        if (requestContext.routeKey === 'slow') {
          await new Promise<void>((resolve) => {
            finish = resolve;
          });
          finished = true;
        }
        return { statusCode: 200, body: 'last' };
      },
    });
    await using peer = await Peer.connect(api.url);
    peer.send({ action: 'slow' });
    const frame = await peer.next();
    const { connectionId, requestId } = api.handler.events[0]?.requestContext ?? {};
    expect(frame).toBe(
      `{"message": "Endpoint request timed out", "connectionId":"${connectionId}", "requestId":"${requestId}"}`,
    );
    expect(api.log[0]).toMatchObject({ result: 'timed out' });
    finish();
    await vi.waitFor(() => expect(finished).toBe(true));
    peer.send({ action: 'last' });
    expect(await peer.next()).toBe('last');
  });
});

describe('messages of one connection', () => {
  it('5.11 start at once and in order, and answer whenever they are ready', async () => {
    const waiting = new Map<string, () => void>();
    await using api = await openLocalApi({
      routes: twoWay,
      respond: async ({ body = '' }) => {
        await new Promise<void>((resolve) => waiting.set(body, resolve));
        return { statusCode: 200, body };
      },
    });
    await using peer = await Peer.connect(api.url);
    for (const text of ['1', '2', '3', '4']) peer.send(text);
    await vi.waitFor(() => expect(waiting.size).toBe(4));
    expect(api.handler.events.map(({ body }) => body)).toEqual(['1', '2', '3', '4']);
    for (const text of ['3', '1', '4', '2']) {
      waiting.get(text)?.();
      expect(await peer.next()).toBe(text);
    }
  });

  it('5.12 end with 1003 at a binary frame, without an event', async () => {
    await using api = await openLocalApi({ routes: [...oneWay, '$disconnect'] });
    await using peer = await Peer.connect(api.url);
    peer.webSocket.send(Buffer.from('{}'));
    peer.send('after');
    expect((await peer.closed).code).toBe(1003);
    await vi.waitFor(() => expect(api.handler.of('$disconnect')).toHaveLength(1));
    expect(api.handler.of('$default')).toEqual([]);
    expect(api.handler.of('$disconnect')[0]?.requestContext).toMatchObject({
      disconnectStatusCode: 1003,
    });
  });

  it('5.17 may have pings between them, which are answered but are not events', async () => {
    await using api = await openLocalApi();
    await using peer = await Peer.connect(api.url);
    const pongs = once(peer.webSocket, 'pong') as Promise<[Buffer]>;
    peer.webSocket.ping('payload');
    const [data] = await pongs;
    expect(data.toString()).toBe('payload');
    peer.send('one');
    await vi.waitFor(() => expect(api.handler.of('$default')).toHaveLength(1));
    expect(api.handler.events).toHaveLength(2);
  });

  it('are not lost on a function that is invoked after the client has left', async () => {
    const seen: string[] = [];
    await using api = await openLocalApi({
      routes: [...twoWay, '$disconnect'],
      respond: ({ body = '', requestContext }: SeenEvent) => {
        seen.push(requestContext.routeKey);
        return { statusCode: 200, body };
      },
    });
    const peer = await Peer.connect(api.url);
    for (let index = 0; index < 20; index++) peer.send('x'.repeat(10_000));
    peer.webSocket.close();
    await vi.waitFor(() => expect(seen).toHaveLength(21));
    expect(seen.at(-1)).toBe('$disconnect');
  });
});

describe('a mock integration', () => {
  it('8 answers a ping itself if the route is two-way', async () => {
    await using api = await openLocalApi({ routes: ['$default', { ...pong, twoWay: true }] });
    await using peer = await Peer.connect(api.url);
    peer.send({ action: 'ping' });
    expect(await peer.next()).toBe('{"type":"pong"}');
    expect(api.handler.events).toEqual([]);
    expect(api.log).toMatchObject([{ route: 'ping', result: 'ok', detail: '200' }]);
  });

  it('8 sends nothing if the route is one-way', async () => {
    await using api = await openLocalApi({ routes: [pong, last] });
    await using peer = await Peer.connect(api.url);
    peer.send({ action: 'ping' });
    peer.send({ action: 'last' });
    expect(await peer.next()).toBe('');
    expect(api.log).toMatchObject([{ route: 'ping' }, { route: 'last' }]);
  });

  it('8 accepts every connection behind $connect, and no event behind $disconnect', async () => {
    const mock = { integration: 'mock' } as const;
    await using api = await openLocalApi({
      routes: [
        { routeKey: '$connect', ...mock },
        { routeKey: '$disconnect', ...mock },
      ],
    });
    await Peer.connect(api.url);
    await api.gateway.close();
    expect(api.handler.events).toEqual([]);
  });
});
