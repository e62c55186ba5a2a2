// Handlers that never return. The gateway of each test has time-outs of its own.
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  expectNoLeak,
  expectToWork,
  gatewayText,
  openGateway,
  Peer,
  refusalOf,
} from './fixtures/bad-input/peer.js';

const timeoutMs = 1_500;
const never = (how: string) => ({ action: 'failing.run', id: 'n', channel: `failing/${how}` });
const subscribe = (channel: string) => ({ action: 'subscribe', id: 's', channels: [channel] });
const toOne = { delivered: 1, gone: 0, failed: 0 };

afterEach(expectNoLeak);

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a handler that never returns', () => {
  it.each([
    ['endless', 'failing.run'],
    // On a one-way route a failure of the function is answered too.
    ['busy', 'failing.runSilently'],
  ])('(%s in %s) is ended with its environment and all connections', async (how, action) => {
    await using gateway = await openGateway({ timeoutMs });
    await using witness = await Peer.open(gateway.url);
    await using offender = await Peer.open(gateway.url);
    const { connectionId, pid } = await offender.whoami();
    await witness.subscribe('rooms/1');

    offender.send({ ...never(how), action });
    expect(await offender.next()).toEqual(gatewayText('Internal server error', connectionId));
    // The store was in the memory of the process, so nobody is subscribed any more.
    expect(await offender.closed).toBe(1001);
    expect(await witness.closed).toBe(1001);
    await vi.waitFor(() => expect(isRunning(pid)).toBe(false));

    await using again = await Peer.open(gateway.url);
    await expectToWork(again);
    expect((await again.whoami()).pid).not.toBe(pid);
  });

  it('counts as ended when it leaves nothing to wait for, and costs no environment', async () => {
    await using gateway = await openGateway();
    await using witness = await Peer.open(gateway.url);
    await using offender = await Peer.open(gateway.url);
    const before = await offender.whoami();
    const failure = gatewayText('Internal server error', before.connectionId);
    expect(await offender.ask(never('unsettled'))).toEqual(failure);
    expect(await offender.ask(subscribe('failing/unsettled'))).toEqual(failure);
    // Membership is written before the handler runs, and nobody came back to take it away.
    expect(await witness.request('failing.tell', 'failing/unsettled', 'hi')).toEqual(toOne);
    expect(await offender.next()).toMatchObject({ event: 'told' });

    expect(await offender.whoami()).toEqual(before);
    await expectToWork(offender);
    await expectToWork(witness);
  });

  it('refuses the connection with 502 in $connect', async () => {
    await using gateway = await openGateway({ timeoutMs });
    for (const how of ['endless', 'unsettled']) {
      expect(await refusalOf(`${gateway.url}?connect=${how}`)).toEqual({
        status: 502,
        body: gatewayText('Internal server error'),
      });
      await using next = await Peer.open(gateway.url);
      await expectToWork(next);
    }
  });
});

describe('a handler that API Gateway does not wait for', () => {
  it('goes on after the client was told, and its reply is lost', async () => {
    await using gateway = await openGateway({ integrationTimeoutMs: timeoutMs });
    await using witness = await Peer.open(gateway.url);
    await using offender = await Peer.open(gateway.url);
    await using third = await Peer.open(gateway.url);
    const { connectionId } = await offender.whoami();
    const channel = 'rooms/late';
    await witness.subscribe(channel);
    const { connectionId: data } = await third.whoami();

    const answer = await offender.ask({ action: 'rooms.outlive', id: 'o', channel, data });
    expect(answer).toEqual(gatewayText('Endpoint request timed out', connectionId));
    expect(await witness.next()).toMatchObject({ event: 'waiting' });
    third.webSocket.terminate();
    expect(await witness.next()).toMatchObject({ event: 'outlived' });
    await expectToWork(offender);
    await expectToWork(witness);
  });

  it('refuses the connection with 504 in $connect', async () => {
    await using gateway = await openGateway({ integrationTimeoutMs: 500, timeoutMs });
    expect(await refusalOf(`${gateway.url}?connect=endless`)).toEqual({
      status: 504,
      body: gatewayText('Endpoint request timed out'),
    });
  });
});
