// Frames with several channels whose outcomes do not all fit into one reply.
import { ClientError, defineChannel } from '@gatecast/framework';
import { createTestApp } from '@gatecast/framework/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listen, outcomeOf } from './heard.js';

const POSITION = 'AAAAAAAAAAAA:0:';

/** What the handler of `rooms/5000` says is so long; `refused/5000` is refused at such length. */
function makeApp() {
  const ear = listen();
  const left: string[] = [];
  const history = { retentionSeconds: 600 };
  const rooms = defineChannel('rooms/:length/:n', {
    access: 'public',
    history,
    onSubscribe: ({ params }) => ({ text: 'x'.repeat(Number(params.length)) }),
    onUnsubscribe: ({ channel, cause }) => void left.push(`${channel.name} ${cause}`),
  });
  const refused = defineChannel('refused/:length/:n', {
    history,
    access({ params }) {
      const text = 'é'.repeat(Number(params.length));
      throw new ClientError('ERR_X', text, { details: { text }, retryAfterMs: 7 });
    },
  });
  const cyclic = defineChannel('cyclic', {
    history,
    access() {
      const details: Record<string, unknown> = {};
      details['details'] = details;
      throw new ClientError('ERR_X', 'No.', { details });
    },
  });
  return {
    app: createTestApp({ channels: [rooms, refused, cyclic], plugins: [ear.plugin] }),
    ear,
    left,
  };
}

type Client = Awaited<ReturnType<ReturnType<typeof makeApp>['app']['connect']>>;
interface Outcome {
  readonly channel: string;
  readonly result?: string;
  readonly data?: { readonly text: string };
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly retryAfterMs?: number;
  };
}

async function outcomesOf(client: Client, frame: object): Promise<readonly Outcome[]> {
  const answer = await client.sendFrame(frame);
  expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThanOrEqual(32_768);
  return (outcomeOf(answer) as { channels: readonly Outcome[] }).channels;
}

const subscribe = (client: Client, channels: readonly string[]) =>
  outcomesOf(client, { action: 'subscribe', id: 's', channels });
const sync = (client: Client, channels: readonly string[]) => {
  const positions = Object.fromEntries(channels.map((channel) => [channel, POSITION]));
  return outcomesOf(client, { action: 'sync', id: 's', positions });
};

const names = (kind: string, length: number, count: number) =>
  Array.from({ length: count }, (_, n) => `${kind}/${length}/${n}`);

describe('a subscribe frame', () => {
  it('asks for channels again whose data the reply has no room for, until the client has all', async () => {
    const { app, ear, left } = makeApp();
    const ann = await app.connect();
    let asked = names('rooms', 2_000, 50);
    const frames: number[] = [];
    while (asked.length > 0) {
      const outcomes = await subscribe(ann, asked);
      expect(outcomes.map(({ channel }) => channel)).toEqual(asked);
      const again = outcomes.filter(({ error }) => error);
      for (const { error } of again) {
        expect(error).toMatchObject({ code: 'ERR_INTERNAL', retryAfterMs: 1 });
      }
      const complete = outcomes.filter(({ data }) => data?.text.length === 2_000);
      expect(complete).toHaveLength(asked.length - again.length);
      frames.push(asked.length - again.length);
      asked = again.map(({ channel }) => channel);
      expect(await app.store.connections.channels(ann.id)).toHaveLength(50 - asked.length);
    }
    expect(Math.min(...frames.slice(0, -1))).toBeGreaterThan(9);
    // Each that was refused has left, so that its handlers come in pairs.
    expect(left.length).toBeGreaterThan(50);
    expect(new Set(left.map((line) => line.split(' ')[1]))).toEqual(new Set(['refused']));
    expect(new Set(ear.codes())).toEqual(new Set(['ERR_INTERNAL']));
  });

  it('has all the data that fits beside a channel whose data fits into no reply', async () => {
    const { app, ear } = makeApp();
    const ann = await app.connect();
    const channels = ['rooms/40000/0', 'rooms/20000/0', 'rooms/11000/0'];
    const outcomes = await subscribe(ann, channels);
    expect(outcomes.map(({ result, error }) => result ?? error)).toEqual([
      { code: 'ERR_INTERNAL', message: expect.any(String) },
      'live',
      'live',
    ]);
    expect(ear.errors).toMatchObject([
      { code: 'ERR_REPLY_TOO_LARGE', message: expect.stringContaining('rooms/40000/0') },
    ]);
    expect(await app.store.connections.channels(ann.id)).toEqual(channels.slice(1));
  });

  it('refuses with the code alone where the details leave no room', async () => {
    const { app } = makeApp();
    const ann = await app.connect();
    const [long, short, live] = await subscribe(ann, [
      'refused/20000/0',
      'refused/10/0',
      'rooms/5/0',
    ]);
    expect(long?.error).toEqual({ code: 'ERR_X', message: 'é'.repeat(100), retryAfterMs: 7 });
    expect(short?.error).toMatchObject({ details: { text: 'é'.repeat(10) } });
    expect(live).toMatchObject({ result: 'live', data: { text: 'xxxxx' } });
  });
});

it.each([
  ['subscribe', subscribe],
  ['sync', sync],
])('a %s frame with fifty long refusals is answered', async (_action, ask) => {
  const { app } = makeApp();
  const ann = await app.connect();
  const channels = names('refused', 1_000, 50);
  const outcomes = await ask(ann, channels);
  expect(outcomes.map(({ channel, error }) => [channel, error?.code])).toEqual(
    channels.map((channel) => [channel, 'ERR_X']),
  );
});

it('a sync frame has the outcomes of all, whatever JSON can express of the details of one', async () => {
  const { app } = makeApp();
  const ann = await app.connect();
  await subscribe(ann, ['rooms/5/0']);
  const outcomes = await sync(ann, ['cyclic', 'refused/20000/0', 'rooms/5/0']);
  expect(outcomes).toEqual([
    { channel: 'cyclic', error: { code: 'ERR_X', message: 'No.' } },
    {
      channel: 'refused/20000/0',
      error: { code: 'ERR_X', message: 'é'.repeat(100), retryAfterMs: 7 },
    },
    { channel: 'rooms/5/0', result: 'resubscribe' },
  ]);
});

it('a subscribe frame is answered for each channel, whatever their data, refusals and missed events', async () => {
  const { app } = makeApp();
  const ann = await app.connect();
  const kind = fc.constantFrom('rooms', 'refused');
  const length = fc.oneof(fc.nat(400), fc.nat(4_000), fc.nat(20_000));
  const entry = fc.record({
    kind,
    length,
    isLong: fc.boolean(),
    rewind: fc.nat(3),
    twice: fc.nat(9),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 45 }), async (entries) => {
      const channels = entries.map(({ rewind, ...one }, n) => ({
        channel: `${one.kind}/${one.length}/${n}${one.isLong ? 'n'.repeat(180) : ''}`,
        ...(rewind > 0 && { position: POSITION, rewind }),
      }));
      const again = channels.filter((_, n) => entries[n]?.twice === 0).slice(0, 5);
      for (const { channel } of channels.slice(0, 3)) {
        await app.app.channel(channel as never).publish('e', 'x'.repeat(5_000));
      }
      const asked = [...channels, ...again];
      const outcomes = await outcomesOf(ann, {
        action: 'subscribe',
        id: 's'.repeat(64),
        channels: asked,
      });
      expect(outcomes.map(({ channel }) => channel)).toEqual(asked.map(({ channel }) => channel));
      const members = outcomes.flatMap(({ channel, error }) => (error ? [] : [channel]));
      expect(new Set(await app.store.connections.channels(ann.id))).toEqual(new Set(members));
      await ann.sendFrame({
        action: 'unsubscribe',
        id: 'u',
        channels: asked.map(({ channel }) => channel),
      });
    }),
    { numRuns: 60 },
  );
});
