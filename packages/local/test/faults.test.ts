import { describe, expect, it, vi } from 'vitest';
import { Faults } from '../src/gateway/faults.js';
import { openLocalApi } from './local-api.js';
import { Peer } from './peer.js';
import { sendSigned } from './signed-request.js';

/** A connection, and helpers to post to it. */
async function openAll() {
  const api = await openLocalApi({
    routes: ['$connect', '$disconnect', { routeKey: '$default', twoWay: true }],
    respond: ({ body }) => ({ statusCode: 200, body }),
  });
  const { port, credentials, faults, clock } = api.gateway;
  const peer = await Peer.connect(api.url);
  const { connectionId } = api.handler.of('$connect')[0]?.requestContext ?? {};
  const key = credentials.issue('test');
  return {
    api,
    peer,
    faults,
    clock,
    connectionId: connectionId ?? '',
    post: (body: string, method = 'POST') =>
      sendSigned({ port, path: `/dev/@connections/${connectionId}`, key, body, method }),
    /** All frames before the answer to this message. */
    async framesSoFar() {
      peer.send('that was all');
      const frames: string[] = [];
      for (;;) {
        const frame = await peer.next();
        if (frame === 'that was all') return frames;
        frames.push(frame);
      }
    },
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

describe('a fault of a post', () => {
  it.each([
    ['gone', 410, 'GoneException', []],
    ['throttled', 429, 'LimitExceededException', []],
    ['failed', 500, 'InternalServerErrorException', []],
    ['lost', 200, undefined, []],
    ['doubled', 200, undefined, ['hi', 'hi']],
    ['arrived-gone', 410, 'GoneException', ['hi']],
  ] as const)('%s answers %i %s, and the client gets %j', async (kind, status, type, frames) => {
    await using all = await openAll();
    all.faults.add({ on: 'post', kind, times: 1 });
    const { status: answered, headers } = await all.post('hi');
    expect([answered, headers['x-amzn-errortype']]).toEqual([status, type]);
    expect(await all.framesSoFar()).toEqual(frames);

    expect((await all.post('again')).status).toBe(200);
    expect(await all.framesSoFar()).toEqual(['again']);
  });

  it('6.20 answers 410 although the message arrived', async () => {
    await using all = await openAll();
    all.faults.add({ on: 'post', kind: 'arrived-gone' });
    expect((await all.post('hi')).status).toBe(410);
    expect(await all.peer.next()).toBe('hi');
  });

  it('delayed delays it until the clock has reached the time', async () => {
    await using all = await openAll();
    all.faults.add({ on: 'post', kind: 'delayed', delayMs: 60_000, times: 1 });
    const answered = all.post('hi');
    await vi.waitFor(() => expect(all.faults.list).toEqual([]));
    expect(await all.framesSoFar()).toEqual([]);
    all.clock.advance(60_000);
    expect((await answered).status).toBe(200);
    expect(await all.framesSoFar()).toEqual(['hi']);
  });

  it('delayed answers 410 when the connection has ended by then', async () => {
    await using all = await openAll();
    all.faults.add({ on: 'post', kind: 'delayed', delayMs: 60_000, times: 1 });
    const answered = all.post('hi');
    await vi.waitFor(() => expect(all.faults.list).toEqual([]));
    all.peer.webSocket.close();
    await vi.waitFor(async () => expect((await all.post('', 'GET')).status).toBe(410));
    all.clock.advance(60_000);
    expect((await answered).status).toBe(410);
  });

  it.each(['lost', 'doubled', 'arrived-gone'] as const)(
    '%s does not happen for a post that is too large',
    async (kind) => {
      await using all = await openAll();
      all.faults.add({ on: 'post', kind, times: 1 });
      expect((await all.post('x'.repeat(131_073))).status).toBe(413);
      expect(all.faults.list).toHaveLength(1);
      expect(await all.framesSoFar()).toEqual([]);
    },
  );

  it('happens only for posts, not for other requests', async () => {
    await using all = await openAll();
    all.faults.add({ on: 'post', kind: 'gone' });
    expect((await all.post('', 'GET')).status).toBe(200);
    expect((await all.post('', 'DELETE')).status).toBe(204);
  });

  it('may be limited to one connection', async () => {
    await using all = await openAll();
    all.faults.add({ on: 'post', kind: 'gone', connectionId: 'another' });
    expect((await all.post('hi')).status).toBe(200);
    const end = all.faults.add({ on: 'post', kind: 'gone', connectionId: all.connectionId });
    expect((await all.post('hi')).status).toBe(410);
    end();
    expect((await all.post('hi')).status).toBe(200);
  });
});

describe('a fault of $disconnect', () => {
  it('lost keeps it from the function, with a report', async () => {
    await using all = await openAll();
    all.faults.add({ on: '$disconnect', kind: 'lost' });
    all.peer.webSocket.close();
    await vi.waitFor(() =>
      expect(all.api.log.at(-1)).toMatchObject({ route: '$disconnect', result: 'lost' }),
    );
    expect(all.api.handler.of('$disconnect')).toEqual([]);
  });

  it('delayed sends it when the clock has reached the time', async () => {
    await using all = await openAll();
    all.faults.add({ on: '$disconnect', kind: 'delayed', delayMs: 90_000 });
    all.peer.webSocket.close();
    await all.peer.closed;
    await vi.waitFor(async () => expect((await all.post('hi')).status).toBe(410));
    expect(all.api.handler.of('$disconnect')).toEqual([]);
    all.clock.advance(90_000);
    await vi.waitFor(() => expect(all.api.handler.of('$disconnect')).toHaveLength(1));
  });
});

describe('a fault of an invocation', () => {
  it('delayed starts it when the clock has reached the time', async () => {
    await using all = await openAll();
    all.faults.add({ on: 'invocation', kind: 'delayed', delayMs: 5_000, times: 1 });
    all.peer.send('late');
    expect(await all.framesSoFar()).toEqual([]);
    all.clock.advance(5_000);
    expect(await all.peer.next()).toBe('late');
  });

  it('killed aborts the invocation of that route', async () => {
    const kills: unknown[] = [];
    await using all = await openAll();
    const { handler } = all.api;
    all.api.gateway.use({
      routes: [{ routeKey: '$default', twoWay: true }],
      handler: {
        invoke: (event, invocation) => {
          kills.push(invocation.kill?.aborted);
          return handler.invoke(event);
        },
      },
    });
    all.faults.add({ on: 'invocation', kind: 'killed', routeKey: 'other' });
    await all.framesSoFar();
    all.faults.add({ on: 'invocation', kind: 'killed', routeKey: '$default', times: 1 });
    await all.framesSoFar();
    await all.framesSoFar();
    expect(kills).toEqual([undefined, false, undefined]);
  });
});

describe('the faults of a gateway', () => {
  const strikes = (faults: Faults, count: number) =>
    Array.from(
      { length: count },
      () => faults.strike('post', { connectionId: 'one' }) !== undefined,
    );

  it('happen according to their probability, and the same way for the same seed', () => {
    const [first, second, other] = [new Faults(7), new Faults(7), new Faults(8)].map((faults) => {
      faults.add({ on: 'post', kind: 'lost', probability: 0.25 });
      return strikes(faults, 4_000);
    });
    expect(first).toEqual(second);
    expect(first).not.toEqual(other);
    const share = (first?.filter(Boolean).length ?? 0) / 4_000;
    expect(share).toBeGreaterThan(0.22);
    expect(share).toBeLessThan(0.28);
  });

  it('are used up after their number, and all removed by clear', () => {
    const faults = new Faults(1);
    faults.add({ on: 'post', kind: 'lost', times: 2 });
    faults.add({ on: '$disconnect', kind: 'lost' });
    expect(strikes(faults, 3)).toEqual([true, true, false]);
    expect(faults.list).toEqual([{ on: '$disconnect', kind: 'lost' }]);
    faults.clear();
    expect(faults.list).toEqual([]);
  });

  it('happen one at a time, in the order in which they were added', () => {
    const faults = new Faults(1);
    faults.add({ on: 'post', kind: 'gone', times: 1 });
    faults.add({ on: 'post', kind: 'lost', times: 1 });
    const kinds = [0, 1, 2].map(() => faults.strike('post', { connectionId: 'one' })?.kind);
    expect(kinds).toEqual(['gone', 'lost', undefined]);
  });
});
