// Handlers that fail, and input at a bad time. Clients only see one fixed message.
import { eventId } from '@gatecast/protocol';
import { describe, expect, it } from 'vitest';
import {
  expectToWork,
  gatewayText,
  internalError,
  type Peer,
  refusalOf,
  serveApp,
} from './fixtures/bad-input/peer.js';

const app = serveApp();
const toAll = { delivered: 2, gone: 0, failed: 0 };

const thrown = ['error', 'text', 'nothing', 'object', 'rejection', 'store'];
const noJson = ['bigint', 'cycle', 'getter', 'large'];
const refusal = { code: 'ERR_MINE', message: 'No.' };

/** What a client is told: of a store that may soon be back, also when to ask again. */
function toldOf(how: string): object {
  return how === 'store' ? { ...internalError, retryAfterMs: 1_000 } : internalError;
}

describe('a message whose handler', () => {
  const run = (how: string, action = 'failing.run') => ({
    action,
    id: 'r',
    channel: `failing/${how}`,
  });

  it.each(thrown)('throws (%s) is answered with a fixed message', async (how) => {
    await using offender = await app.open();
    const answer = await offender.ask(run(how));
    expect(answer).toEqual({ type: 'error', id: 'r', error: toldOf(how) });
    await expectToWork(offender);
  });

  it.each(noJson)(
    'returns a value that does not fit into a frame (%s) is answered with it, too',
    async (how) => {
      await using offender = await app.open();
      const answer = await offender.ask(run(how));
      expect(answer).toEqual({ type: 'error', id: 'r', error: internalError });
      await expectToWork(offender);
    },
  );

  it('refuses it is answered without the cause', async () => {
    await using offender = await app.open();
    const answer = await offender.ask(run('cause'));
    expect(answer).toEqual({ type: 'error', id: 'r', error: refusal });
    await expectToWork(offender);
  });

  it('refuses it with details that do not fit into a frame is answered with the id', async () => {
    await using offender = await app.open();
    const answer = await offender.ask(run('details'));
    expect(answer).toEqual({ type: 'error', id: 'r', error: expect.any(Object) });
    await expectToWork(offender);
  });

  it('fails in any way on a one-way route is not answered', async () => {
    await using offender = await app.open();
    for (const how of [...thrown, ...noJson, 'cause', 'details']) {
      offender.send(run(how, 'failing.runSilently'));
    }
    expect(await offender.request('rooms.echo', 'rooms/1', 'next')).toBe('next');
    await expectToWork(offender);
  });
});

describe('a subscription whose handler', () => {
  const publishedTo = (how: string) => app.witness.request('failing.tell', `failing/${how}`, 'hi');

  it.each([...thrown, 'cause'])('throws (%s) is refused and leaves none', async (how) => {
    await using offender = await app.open();
    const error = how === 'cause' ? refusal : toldOf(how);
    expect(await offender.subscribe(`failing/${how}`, 'rooms/1')).toEqual([
      { channel: `failing/${how}`, error },
      { channel: 'rooms/1', result: 'live' },
    ]);
    expect(await publishedTo(how)).toMatchObject({ delivered: 0 });
    await expectToWork(offender);
  });

  it.each([...noJson, 'details'])(
    'returns a value that does not fit into a frame (%s) is refused and leaves none',
    async (how) => {
      await using offender = await app.open();
      const frame = { action: 'subscribe', id: 's', channels: [`failing/${how}`] };
      const answer = await offender.ask(frame);
      expect(answer).toMatchObject({ id: 's' });
      // Only the details are left out of a refusal.
      const error = how === 'details' ? { code: 'ERR_MINE', message: 'No.' } : internalError;
      expect(JSON.stringify(answer)).toContain(JSON.stringify(error));
      expect(await publishedTo(how)).toMatchObject({ delivered: 0 });
      await expectToWork(offender);
    },
  );
});

describe('in $connect', () => {
  it.each([
    ['a publish to the new connection itself', 'publish'],
    ...thrown.map((how): [string, string] => [`what the handler throws (${how})`, how]),
  ])('%s refuses the connection with 500', async (_what, how) => {
    expect(await refusalOf(`${app.url}?connect=${how}`)).toEqual({
      status: 500,
      body: gatewayText('Internal server error'),
    });
  });

  it('a refusal is 403 without further information', async () => {
    expect(await refusalOf(`${app.url}?connect=cause`)).toEqual({
      status: 403,
      body: gatewayText('Forbidden'),
    });
  });

  it('a publish that leaves out the new connection reaches the others', async () => {
    await using newcomer = await app.open('?connect=tell');
    expect(await app.witness.next()).toMatchObject({ type: 'event', event: 'joined' });
    await expectToWork(newcomer);
  });

  it('a post to the new connection is 410, and the connection opens', async () => {
    await using newcomer = await app.open('?connect=post');
    expect(await newcomer.request('rooms.postInConnect', 'rooms/1')).toEqual({
      name: 'GoneException',
      status: 410,
    });
    await expectToWork(newcomer);
  });
});

describe('a publish to a subscriber that has vanished', () => {
  it('reaches the others, and its publisher gets the reply', async () => {
    await using publisher = await app.open();
    await using vanishing = await app.open();
    const { connectionId } = await vanishing.whoami();
    const channel = 'rooms/gone';
    for (const peer of [app.witness, publisher, vanishing]) await peer.subscribe(channel);

    publisher.send({ action: 'rooms.outlive', id: 'o', channel, data: connectionId });
    expect(await vanishing.next()).toMatchObject({ event: 'waiting' });
    vanishing.webSocket.terminate();

    expect(await publisher.next()).toMatchObject({ event: 'waiting' });
    const answers = [await publisher.next(), await publisher.next()];
    expect(answers).toContainEqual(expect.objectContaining({ event: 'outlived' }));
    const delivery = { ...toAll, gone: 1 };
    expect(answers).toContainEqual({ type: 'reply', id: 'o', data: delivery });
    expect(await app.witness.next()).toMatchObject({ event: 'waiting' });
    expect(await app.witness.next()).toMatchObject({ event: 'outlived' });

    publisher.send({ action: 'rooms.post', id: 'p', channel, data: { text: 'still here' } });
    const last = [await publisher.next(), await publisher.next()];
    expect(last).toContainEqual(
      expect.objectContaining({ type: 'reply', data: { id: expect.any(String), delivery: toAll } }),
    );
    expect(await app.witness.next()).toMatchObject({ data: { text: 'still here' } });
    await expectToWork(publisher);
  });
});

describe('a message that arrives twice', () => {
  const take = async (peer: Peer, count: number) => {
    const frames: unknown[] = [];
    while (frames.length < count) frames.push(await peer.next());
    return frames as { readonly type: string }[];
  };

  it('is handled twice and publishes the same event twice, with one id', async () => {
    await using offender = await app.open();
    const channel = 'rooms/twice';
    await app.witness.subscribe(channel);
    await offender.subscribe(channel);
    const frame = { action: 'rooms.post', id: 'same', channel, data: { text: 'once' } };
    offender.send(frame);
    offender.send({ ...frame, attempt: 2 });

    const id = eventId(channel, 'same', 0);
    const reply = { type: 'reply', id: 'same', data: { id, delivery: toAll } };
    const event = { type: 'event', channel, event: 'message', data: { text: 'once' }, id };
    const answers = await take(offender, 4);
    expect(answers.filter(({ type }) => type === 'reply')).toEqual([reply, reply]);
    const events = [
      ...answers.filter(({ type }) => type === 'event'),
      ...(await take(app.witness, 2)),
    ];
    expect(events).toEqual(Array.from({ length: 4 }, () => ({ ...event, at: expect.any(Number) })));
    await expectToWork(offender);
  });

  it('passes the number of the attempt and one idempotency key to its handler', async () => {
    await using offender = await app.open();
    const frame = { action: 'rooms.delivery', id: 'same', channel: 'rooms/1' };
    const first = await offender.ask(frame);
    expect(first).toMatchObject({ data: { attempt: 1, idempotencyKey: expect.any(String) } });
    const { idempotencyKey } = (first as { data: { idempotencyKey: string } }).data;
    expect(await offender.ask({ ...frame, attempt: 2 })).toMatchObject({
      data: { attempt: 2, idempotencyKey },
    });
    expect(await offender.ask({ ...frame, id: 'other' })).not.toMatchObject({
      data: { idempotencyKey },
    });
  });

  it.each([0, -1, 1.5, 1e300, '2', null, {}])('with attempt %j is the first', async (attempt) => {
    await using offender = await app.open();
    expect(
      await offender.ask({ action: 'rooms.delivery', id: 'a', channel: 'rooms/1', attempt }),
    ).toMatchObject({ type: 'reply', data: { attempt: 1 } });
    await expectToWork(offender);
  });
});
