import { once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { Clock } from '../src/gateway/clock.js';
import { openLocalApi } from './local-api.js';
import { Peer } from './peer.js';
import { sendSigned } from './signed-request.js';

const MINUTE = 60_000;
const goingAway = { code: 1001, reason: 'Going away' };

async function openPeer(options = {}) {
  const api = await openLocalApi({ routes: ['$connect', '$disconnect', '$default'], ...options });
  const peer = await Peer.connect(api.url);
  const isClosed = vi.fn();
  void peer.closed.then(isClosed);
  return {
    api,
    peer,
    /** Moves the time forward, and waits until the effects have reached the client. */
    async advance(minutes: number) {
      api.gateway.clock.advance(minutes * MINUTE);
      peer.webSocket.ping('seen');
      await Promise.race([once(peer.webSocket, 'pong'), peer.closed]);
    },
    isClosed,
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

describe('a connection', () => {
  it('1.25 5.20 7.13 ends with 1001 Going away after 10 minutes without a message', async () => {
    await using open = await openPeer();
    await open.advance(9.9);
    expect(open.isClosed).not.toHaveBeenCalled();
    await open.advance(0.1);
    expect(await open.peer.closed).toEqual(goingAway);
    await vi.waitFor(() => expect(open.api.handler.of('$disconnect')).toHaveLength(1));
    expect(open.api.handler.of('$disconnect')[0]?.requestContext).toMatchObject({
      disconnectStatusCode: 1001,
      disconnectReason: 'Going away',
    });
  });

  it('5.20 stays open as long as its client sends', async () => {
    await using open = await openPeer();
    for (let minutes = 9; minutes <= 36; minutes += 9) {
      await open.advance(9);
      open.peer.send('alive');
      await vi.waitFor(() => expect(open.api.handler.of('$default')).toHaveLength(minutes / 9));
    }
    await open.advance(9);
    expect(open.isClosed).not.toHaveBeenCalled();
  });

  it('5.20 6.21 stays open as long as something is posted to it', async () => {
    await using open = await openPeer();
    const [event] = open.api.handler.of('$connect');
    const { port, credentials } = open.api.gateway;
    const request = {
      port,
      path: `/dev/@connections/${event?.requestContext.connectionId}`,
      key: credentials.issue('test'),
      body: 'hi',
    };
    for (let minutes = 9; minutes <= 36; minutes += 9) {
      await open.advance(9);
      expect((await sendSigned(request)).status).toBe(200);
      expect(await open.peer.next()).toBe('hi');
    }
    expect(open.isClosed).not.toHaveBeenCalled();
  });

  it('5.19 is not kept open by pings', async () => {
    await using open = await openPeer();
    await open.advance(6);
    await open.advance(6);
    expect(await open.peer.closed).toEqual(goingAway);
  });

  it('5.19 is kept open by pings with the option', async () => {
    await using open = await openPeer({ quirks: { pingsResetIdle: true } });
    for (let count = 0; count < 4; count++) await open.advance(6);
    expect(open.isClosed).not.toHaveBeenCalled();
  });

  it('5.21 7.13 ends with 1001 Going away after 2 hours, even if it is active', async () => {
    await using open = await openPeer();
    for (let count = 1; count <= 14; count++) {
      await open.advance(8.5);
      open.peer.send('alive');
      await vi.waitFor(() => expect(open.api.handler.of('$default')).toHaveLength(count));
    }
    expect(open.isClosed).not.toHaveBeenCalled();
    await open.advance(1);
    expect(await open.peer.closed).toEqual(goingAway);
  });

  it('5.20 also ends if the time passes without moving the clock', async () => {
    let now = 1_700_000_000_000;
    await using open = await openPeer({ now: () => now });
    now += 10 * MINUTE;
    expect(await open.peer.closed).toEqual(goingAway);
  });

  it('1.28 that breaks leads to $disconnect with 1006 and the reason in the option', async () => {
    await using open = await openPeer({ quirks: { droppedReason: 'Connection reset' } });
    open.peer.webSocket.terminate();
    await vi.waitFor(() => expect(open.api.handler.of('$disconnect')).toHaveLength(1));
    expect(open.api.handler.of('$disconnect')[0]?.requestContext).toMatchObject({
      disconnectStatusCode: 1006,
      disconnectReason: 'Connection reset',
    });
  });
});

describe('the order of messages', () => {
  it.each([
    [false, ['one', 'two']],
    [true, ['one']],
  ])(
    '5.11 if serial is %s, the messages started before the first answer are %j',
    async (serial, started) => {
      const answers: (() => void)[] = [];
      await using api = await openLocalApi({
        quirks: { serial },
        routes: [{ routeKey: '$default', twoWay: true }],
        respond: ({ body }) =>
          new Promise((resolve) => {
            answers.push(() => resolve({ statusCode: 200, body }));
          }),
      });
      await using peer = await Peer.connect(api.url);
      peer.send('one');
      peer.send('two');
      peer.webSocket.ping();
      await once(peer.webSocket, 'pong');
      await vi.waitFor(() => expect(api.handler.events.map(({ body }) => body)).toEqual(started));
      answers.shift()?.();
      expect(await peer.next()).toBe('one');
      await vi.waitFor(() => expect(answers).toHaveLength(1));
      answers.shift()?.();
      expect(await peer.next()).toBe('two');
    },
  );

  it('I3 a message that the gateway fails to handle holds up no other one', async () => {
    await using api = await openLocalApi({ quirks: { serial: true }, routes: [] });
    const results = [undefined, { type: 'response', payload: { statusCode: 200, body: 'two' } }];
    api.gateway.use({
      handler: { invoke: async () => results.shift() as never },
      routes: [{ routeKey: '$default', twoWay: true }],
    });
    await using peer = await Peer.connect(api.url);
    peer.send('one');
    peer.send('two');
    expect(await peer.next()).toContain('Internal server error');
    expect(await peer.next()).toBe('two');
    await vi.waitFor(() => expect(api.log).toHaveLength(2));
    expect(api.log[0]).toMatchObject({
      result: 'failed',
      detail: expect.stringContaining('TypeError'),
    });
  });
});

describe('the clock', () => {
  it('calls back in the order of the due times, and later ones later', async () => {
    const clock = new Clock(() => 0);
    const rung: string[] = [];
    clock.after(3_000, () => rung.push('second'));
    clock.after(2_000, () => rung.push('first'));
    clock.after(3_020, () => rung.push('third'));
    const cancel = clock.after(1_000, () => rung.push('never'));
    cancel();
    clock.advance(3_000);
    expect(rung).toEqual(['first', 'second']);
    expect(clock.now()).toBe(3_000);
    await vi.waitFor(() => expect(rung).toEqual(['first', 'second', 'third']));
  });
});
