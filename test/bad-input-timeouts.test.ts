// Handlers that never return. The gateway of each test has its own time-outs.
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
const toNobody = { delivered: 0, gone: 0, failed: 0 };

afterEach(expectNoLeak);

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a handler that never returns', () => {
  it('and blocks is ended with its environment and all connections', async () => {
    await using gateway = await openGateway({ timeoutMs });
    await using witness = await Peer.open(gateway.url);
    await using offender = await Peer.open(gateway.url);
    const { connectionId, pid } = await offender.whoami();
    await witness.subscribe('rooms/1');

    // A failure of the function is also answered on a one-way route.
    offender.send({ ...never('endless'), action: 'failing.runSilently' });
    expect(await offender.next()).toEqual(gatewayText('Internal server error', connectionId));
    // The store was in the memory of the process, so all subscriptions are lost.
    expect(await offender.closed).toBe(1001);
    expect(await witness.closed).toBe(1001);
    await vi.waitFor(() => expect(isRunning(pid)).toBe(false));

    await using again = await Peer.open(gateway.url);
    await expectToWork(again);
    expect((await again.whoami()).pid).not.toBe(pid);
  });

  it.each(['busy', 'unsettled'])('(%s) is answered without losing the environment', async (how) => {
    await using gateway = await openGateway({ timeoutMs });
    await using witness = await Peer.open(gateway.url);
    await using offender = await Peer.open(gateway.url);
    const before = await offender.whoami();
    const channel = `failing/${how}`;
    const error = { code: 'ERR_TIMEOUT', message: expect.any(String) };
    expect(await offender.ask(never(how))).toEqual({ type: 'error', id: 'n', error });
    expect(await offender.ask(subscribe(channel))).toMatchObject({
      data: { channels: [{ channel, error }] },
    });
    // The membership is written before the handler runs, and removed afterwards.
    expect(await witness.request('failing.tell', channel, 'hi')).toEqual(toNobody);

    expect(await offender.whoami()).toEqual(before);
    await expectToWork(offender);
    await expectToWork(witness);
  });

  it('refuses the connection in $connect', async () => {
    await using gateway = await openGateway({ timeoutMs });
    for (const [how, status] of [
      ['endless', 502],
      ['unsettled', 500],
    ]) {
      expect(await refusalOf(`${gateway.url}?connect=${how}`)).toEqual({
        status,
        body: gatewayText('Internal server error'),
      });
      await using next = await Peer.open(gateway.url);
      await expectToWork(next);
    }
  });
});

describe('a handler that API Gateway does not wait for', () => {
  it('continues after the client was told, and its reply is lost', async () => {
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
