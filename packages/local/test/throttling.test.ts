import { describe, expect, it, vi } from 'vitest';
import { openGateway } from '../src/dev/open-gateway.js';
import { openLocalApi, TestFunction } from './local-api.js';
import { Peer, refusalOf } from './peer.js';
import { sendSigned } from './signed-request.js';

const tooMany = /^\{"message": "Too Many Requests", "connectionId":"[^"]+", "requestId":"[^"]+"\}$/;
const echo = { respond: ({ body }: { body?: string }) => ({ statusCode: 200, body }) };

/** A clock that the test moves forward. */
function clock() {
  let time = Date.UTC(2026, 0, 1);
  return { now: () => time, advance: (ms: number) => (time += ms) };
}

describe('a route with a throttle', () => {
  it('3.18 7.5 refuses handshakes beyond its burst with 429, before the authorizer', async () => {
    const { now, advance } = clock();
    const throttle = { rateLimit: 1, burstLimit: 2 };
    const authorizer = new TestFunction(() => ({
      principalId: 'ann',
      policyDocument: { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] },
    }));
    await using api = await openLocalApi({
      now,
      authorizer: { function: authorizer },
      routes: [{ routeKey: '$connect', throttle }, '$default'],
    });
    await Peer.connect(api.url);
    await Peer.connect(api.url);
    const { status, body } = await refusalOf(api.url);
    expect(status).toBe(429);
    expect(body).toMatch(tooMany);
    expect(api.handler.events).toHaveLength(2);
    expect(authorizer.events).toHaveLength(2);
    expect(api.log.at(-1)).toMatchObject({ route: '$connect', result: 'throttled' });
    advance(1_000);
    await Peer.connect(api.url);
    expect((await refusalOf(api.url)).status).toBe(429);
  });

  it('5.10 7.5 answers messages beyond its burst with a frame, and the connection stays', async () => {
    const { now, advance } = clock();
    const throttle = { rateLimit: 2, burstLimit: 3 };
    await using api = await openLocalApi({
      now,
      routes: [{ routeKey: '$default', twoWay: true, throttle }],
      ...echo,
    });
    await using peer = await Peer.connect(api.url);
    const answersTo = async (count: number) => {
      for (let index = 0; index < count; index++) peer.send('ok');
      const texts = [];
      for (let index = 0; index < count; index++) texts.push(await peer.next());
      return texts.toSorted();
    };
    const limited = expect.stringMatching(tooMany) as string;
    expect(await answersTo(4)).toEqual(['ok', 'ok', 'ok', limited]);
    expect(api.handler.events).toHaveLength(3);
    expect(api.log.find(({ result }) => result === 'throttled')).toMatchObject({
      route: '$default',
      detail: 'The route "$default" has reached its limit.',
    });
    advance(499);
    expect(await answersTo(1)).toEqual([limited]);
    advance(1);
    expect(await answersTo(2)).toEqual(['ok', limited]);
    // Even after a long time it has only its burst.
    advance(60_000);
    expect(await answersTo(4)).toEqual(['ok', 'ok', 'ok', limited]);
  });

  it('5.10 counts separately', async () => {
    const throttle = { rateLimit: 0, burstLimit: 0 };
    await using api = await openLocalApi({
      routes: [
        { routeKey: 'slow', throttle },
        { routeKey: '$default', twoWay: true },
      ],
      ...echo,
    });
    await using peer = await Peer.connect(api.url);
    peer.send({ action: 'slow' });
    expect(await peer.next()).toMatch(tooMany);
    peer.send('ok');
    expect(await peer.next()).toBe('ok');
  });

  it("7.5 does not use up the account's limit", async () => {
    await using api = await openLocalApi({
      now: clock().now,
      accountThrottle: { rateLimit: 0, burstLimit: 2 },
      routes: [
        { routeKey: 'slow', throttle: { rateLimit: 0, burstLimit: 0 } },
        { routeKey: '$default', twoWay: true },
      ],
      ...echo,
    });
    await using peer = await Peer.connect(api.url);
    for (let index = 0; index < 3; index++) {
      peer.send({ action: 'slow' });
      expect(await peer.next()).toMatch(tooMany);
    }
    peer.send('ok');
    expect(await peer.next()).toBe('ok');
    peer.send('ok');
    expect(await peer.next()).toMatch(tooMany);
  });
});

describe('the throttle of the account', () => {
  it('7.3 7.4 3.18 5.10 6.12 counts handshakes, messages and requests to @connections together', async () => {
    const { now, advance } = clock();
    await using api = await openLocalApi({ now, accountThrottle: { rateLimit: 1, burstLimit: 3 } });
    const { port, credentials } = api.gateway;
    const key = credentials.issue('a test');
    await using peer = await Peer.connect(api.url);
    peer.send('one');
    await vi.waitFor(() => expect(api.handler.of('$default')).toHaveLength(1));
    const path = `/dev/@connections/${api.handler.events[0]?.requestContext.connectionId}`;
    expect((await sendSigned({ port, key, path, body: 'posted' })).status).toBe(200);
    expect(await peer.next()).toBe('posted');

    expect((await refusalOf(api.url)).status).toBe(429);
    peer.send('two');
    expect(await peer.next()).toMatch(tooMany);
    const { status, headers } = await sendSigned({ port, key, path });
    expect([status, headers['x-amzn-errortype']]).toEqual([429, 'LimitExceededException']);
    expect(api.log.filter(({ result }) => result === 'throttled')).toMatchObject([
      { route: '$connect', detail: 'The account has reached its limit.' },
      { route: '$default', detail: 'The account has reached its limit.' },
    ]);
    advance(1_000);
    expect((await sendSigned({ port, key, path, method: 'GET' })).status).toBe(200);
    expect((await sendSigned({ port, key, path, method: 'GET' })).status).toBe(429);
  });

  it('7.3 does not delay $disconnect', async () => {
    await using api = await openLocalApi({ accountThrottle: { rateLimit: 0, burstLimit: 1 } });
    const peer = await Peer.connect(api.url);
    peer.webSocket.close();
    await vi.waitFor(() => expect(api.handler.of('$disconnect')).toHaveLength(1));
  });

  it('7.3 does not grow if the clock goes back', async () => {
    const { now, advance } = clock();
    await using api = await openLocalApi({ now, accountThrottle: { rateLimit: 1, burstLimit: 1 } });
    await Peer.connect(api.url);
    advance(-60_000);
    expect((await refusalOf(api.url)).status).toBe(429);
  });

  it.each([
    { rateLimit: -1, burstLimit: 1 },
    { rateLimit: 1, burstLimit: Number.NaN },
  ])('is refused when it is %j', async (accountThrottle) => {
    await expect(openGateway({ accountThrottle })).rejects.toThrow(
      /The "(rate|burst)Limit" of accountThrottle is "(-1|NaN)"/,
    );
  });
});
