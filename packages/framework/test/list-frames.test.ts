import { ClientError, defineChannel, memoryStore, type Plugin } from '@gatecast/framework';
import { createTestApp } from '@gatecast/framework/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { reportEach } from '../src/dispatch/channel-list.js';
import { pause } from '../src/time/time-limit.js';
import { list } from './heard.js';
import { eventOf } from './lambda.js';

/** An app with public rooms and no handlers. Shows the calls of the store and the reported errors. */
function makeApp(onSubscribe?: () => unknown) {
  const reports: { error: unknown; isAnswered: boolean }[] = [];
  const plugin: Plugin = {
    name: 'errors',
    onError: (error, { isAnswered }) => void reports.push({ error, isAnswered }),
  };
  const store = memoryStore();
  const rooms = defineChannel('rooms/:id', {
    access: 'public',
    ...(onSubscribe && { onSubscribe }),
  });
  const app = createTestApp({ channels: [rooms], store, plugins: [plugin] });
  const spies = {
    subscribe: vi.spyOn(store.connections, 'subscribe'),
    unsubscribe: vi.spyOn(store.connections, 'unsubscribe'),
    channels: vi.spyOn(store.connections, 'channels'),
  };
  return { app, reports, ...spies };
}

describe('the list of channels', () => {
  it.each(['subscribe', 'unsubscribe'])('must not be empty: %s', async (action) => {
    const { app } = makeApp();
    const ann = await app.connect();
    for (const channels of [[], undefined, 'rooms/1', {}]) {
      expect(await ann.sendFrame({ action, id: 'l', channels })).toMatchObject({
        error: { code: 'ERR_FRAME_INVALID', message: '"channels" must be a list of channels.' },
      });
    }
  });

  it('may have objects with the name of a channel', async () => {
    const { app } = makeApp();
    const ann = await app.connect();
    const channels = [{ channel: 'rooms/1' }, {}, null, { channel: null }];
    const invalid = 'ERR_FRAME_INVALID';
    expect(await list(ann, 'subscribe', channels)).toEqual(['live', invalid, invalid, invalid]);
  });
});

describe('E3 the store', () => {
  it('E3 is asked only to leave channels with legal names, and not at all without any', async () => {
    const { app, unsubscribe, reports } = makeApp();
    const ann = await app.connect();
    await list(ann, 'unsubscribe', ['rooms/#', 7, 'rooms/1', 'rooms/1']);
    expect(unsubscribe.mock.calls.map(([, names]) => names)).toEqual([['rooms/1']]);
    expect(reports).toMatchObject([
      { error: { code: 'ERR_CHANNEL_NAME' }, isAnswered: true },
      { error: { code: 'ERR_FRAME_INVALID' }, isAnswered: true },
    ]);
    await list(ann, 'unsubscribe', ['rooms/#']);
    expect(unsubscribe).toHaveBeenCalledTimes(1);
  });

  it('E3 is asked once to subscribe to channels without handlers', async () => {
    const { app, subscribe, unsubscribe, channels } = makeApp();
    const ann = await app.connect();
    expect(await list(ann, 'subscribe', ['rooms/1', 'rooms/2'])).toEqual(['live', 'live']);
    expect(subscribe).toHaveBeenCalledOnce();
    expect(unsubscribe).not.toHaveBeenCalled();
    expect(channels).not.toHaveBeenCalled();
  });

  it('E3 is asked to end refused subscriptions only if their names are legal', async () => {
    const { app, unsubscribe, channels, reports } = makeApp(() => {
      throw new ClientError('ERR_NO', 'No.');
    });
    const ann = await app.connect();
    await list(ann, 'subscribe', ['rooms/#', null, {}]);
    expect(unsubscribe).not.toHaveBeenCalled();
    await list(ann, 'subscribe', ['rooms/#', 'rooms/1']);
    expect(unsubscribe.mock.calls.map(([, names]) => names)).toEqual([['rooms/1']]);
    expect(channels).not.toHaveBeenCalled();
    expect(reports.every(({ isAnswered }) => isAnswered)).toBe(true);
  });

  it('B3 that cannot list the channels afterwards does not undo the subscription', async () => {
    const { app, channels, reports } = makeApp(() => 'data');
    const ann = await app.connect();
    const failure = new Error('The store is down.');
    channels.mockRejectedValueOnce(failure);
    expect(await list(ann, 'subscribe', ['rooms/1'])).toEqual(['live']);
    expect(reports).toEqual([{ error: failure, isAnswered: false }]);
  });
});

describe('E3 channels whose rules end at different times', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('E3 wait 10 ms for the others, and the last of them does not wait', async () => {
    const startedAt = Date.now();
    const atMs: number[] = [];
    const store = memoryStore();
    const subscribe = store.connections.subscribe.bind(store.connections);
    store.connections.subscribe = (...args) => {
      atMs.push(Date.now() - startedAt);
      return subscribe(...args);
    };
    const rooms = defineChannel('rooms/:ms', {
      access: ({ params }) => pause(Number(params.ms)).then(() => true),
    });
    const app = createTestApp({ channels: [rooms], store });
    await app.app.handler(eventOf.connect('c1'));
    const names = ['rooms/1', 'rooms/50', 'rooms/55', 'rooms/300'];
    const answering = app.app.handler(eventOf.subscribe('c1', ...names));
    await vi.advanceTimersByTimeAsync(400);
    expect(JSON.stringify(await answering)).not.toContain('error');
    expect(atMs).toEqual([11, 60, 300]);
  });
});

describe('the errors of the channels in one frame', () => {
  /** How often each kind of error was reported. */
  function countsOf(...errors: unknown[]): unknown[] {
    const report = vi.fn();
    reportEach({ report } as never, errors, true);
    expect(report.mock.calls.flat()).toEqual(
      report.mock.calls.flatMap(([error, { count }]) => [error, { isAnswered: true, count }]),
    );
    return report.mock.calls.map(([error, { count }]) => [error, count] as unknown);
  }
  const refusal = (code: string) => new ClientError(code, 'No.');
  const failure = (message: string) => new Error(message);
  const bare = (message: string) => Object.assign(new Error(message), { stack: '' });

  it('are reported once for each code of a refusal, wherever it was thrown', () => {
    const [full, closed] = [refusal('ERR_FULL'), refusal('ERR_CLOSED')];
    const other = new ClientError('ERR_FULL', 'Not now.');
    expect(countsOf(full, other, closed)).toEqual([
      [full, 2],
      [closed, 1],
    ]);
  });

  it('are reported once for each place, name and code of a failure', () => {
    const [one, two] = ['room 1', 'room 2'].map(failure);
    const elsewhere = new Error('room 3');
    const coded = Object.assign(failure('room 4'), { code: 'ENOENT' });
    const named = Object.assign(failure('room 5'), { name: 'OtherError' });
    expect(countsOf(one, two, elsewhere, coded, named)).toEqual([
      [one, 2],
      [elsewhere, 1],
      [coded, 1],
      [named, 1],
    ]);
  });

  it('are told apart by their messages without a place, and by their type if they are not errors', () => {
    const [one, same, other] = ['a', 'a', 'b'].map(bare);
    expect(countsOf(one, same, other)).toEqual([
      [one, 2],
      [other, 1],
    ]);
    expect(countsOf('text', 'other text', 7, null)).toEqual([
      ['text', 2],
      [7, 1],
      [null, 1],
    ]);
  });
});
