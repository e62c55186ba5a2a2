import { type ChannelType, defineChannel } from '@gatecast/framework';
import { createTestApp } from '@gatecast/framework/testing';
import { describe, expect, it, vi } from 'vitest';
import { echoOf } from '../src/dispatch/channel-list.js';
import { listen } from './heard.js';
import { storeWith } from './lambda.js';

type Ruling = boolean | Promise<boolean>;

/** Rooms with a given rule, and the names in each subscribe call to the store. */
function makeRooms(ruling: (id: string) => Ruling, answer?: () => Promise<unknown>) {
  const calls: (readonly string[])[] = [];
  const store = storeWith({
    subscribe: (real, _id, names) => {
      calls.push(names);
      return answer ? answer() : real();
    },
  });
  const rooms = defineChannel('rooms/:id', { access: ({ params }) => ruling(params.id) });
  const ear = listen();
  const app = createTestApp({ channels: [rooms], store, plugins: [ear.plugin] });
  return { app, calls, ear };
}

describe('E3 the channels of one frame', () => {
  it('E3 lead to one call of the store no matter how many are refused, without waiting for a timer', async () => {
    const refused = ['rooms/no-1', 'rooms/no-2', 'rooms/#', 'nope'];
    const { app, calls } = makeRooms((id) => Promise.resolve(!id.startsWith('no')));
    const ann = await app.connect();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const outcomes = await ann.subscribe('rooms/1', ...refused, 'rooms/2', 'rooms/3');
      const live = outcomes.filter((outcome) => 'result' in outcome).map(({ channel }) => channel);
      expect(live).toEqual(['rooms/1', 'rooms/2', 'rooms/3']);
      expect(calls).toEqual([live]);
      expect(await ann.subscribe(...refused)).toHaveLength(4);
      expect(calls).toHaveLength(1);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('E3 wait for each other even if others were refused before', async () => {
    const { app, calls } = makeRooms(
      () =>
        new Promise((resolve) => {
          setImmediate(resolve, true);
        }),
    );
    const ann = await app.connect();
    await ann.subscribe('rooms/#', 'nope', 'rooms/1', 'rooms/2');
    expect(calls).toEqual([['rooms/1', 'rooms/2']]);
  });

  it('E3 do not wait for one with a slow rule', async () => {
    let open = (_isAllowed: boolean): void => {};
    const slow = new Promise<boolean>((resolve) => {
      open = resolve;
    });
    const { app, calls } = makeRooms((id) => (id === 'slow' ? slow : true));
    const ann = await app.connect();
    const subscribing = ann.subscribe('rooms/slow', 'rooms/1', 'rooms/2');
    await vi.waitFor(() => expect(calls).toEqual([['rooms/1', 'rooms/2']]));
    await app.app.channel<ChannelType>('rooms/1').publish('x', 1);
    open(true);
    expect(await subscribing).toMatchObject([
      { channel: 'rooms/slow', result: 'live' },
      { channel: 'rooms/1', result: 'live' },
      { channel: 'rooms/2', result: 'live' },
    ]);
    expect(calls).toEqual([['rooms/1', 'rooms/2'], ['rooms/slow']]);
    expect(ann.events).toMatchObject([{ channel: 'rooms/1' }]);
  });

  it('E3 fail together when the store fails, and are reported once', async () => {
    const failure = new Error('The store is down.');
    const { app, ear } = makeRooms(
      () => true,
      () => Promise.reject(failure),
    );
    const ann = await app.connect();
    const outcomes = await ann.subscribe('rooms/1', 'rooms/2');
    expect(outcomes).toMatchObject([
      { channel: 'rooms/1', error: { code: 'ERR_INTERNAL' } },
      { channel: 'rooms/2', error: { code: 'ERR_INTERNAL' } },
    ]);
    expect(ear.errors).toHaveLength(1);
  });
});

describe('an asynchronous rule', () => {
  it('A19 gives access to a channel only with true', async () => {
    for (const value of [true, false, undefined, null, 1, 'true', {}, Promise.resolve(false)]) {
      for (const ruling of [value, Promise.resolve(value)]) {
        const { app } = makeRooms(() => ruling as Ruling);
        const ann = await app.connect();
        const [outcome] = await ann.subscribe('rooms/1');
        expect(outcome).toMatchObject(
          value === true
            ? { result: 'live' }
            : { error: { code: 'ERR_FORBIDDEN', message: 'You may not use this channel.' } },
        );
      }
    }
  });
});

describe('B4 the name of a channel in its outcome', () => {
  it('B4 is unchanged up to the longest legal name, and shortened beyond', () => {
    for (const name of ['', 'rooms/1', 'x'.repeat(200), 'é'.repeat(100)]) {
      expect(echoOf(name)).toBe(name);
    }
    expect(echoOf('x'.repeat(201))).toBe(`${'x'.repeat(198)}…`);
    expect(echoOf('é'.repeat(101))).toBe(`${'?'.repeat(101)}…`);
    expect(echoOf(`"\\${'x'.repeat(300)}`)).toBe(`??${'x'.repeat(196)}…`);
    for (const name of [undefined, null, 7, {}, ['rooms/1']]) expect(echoOf(name)).toBe('');
  });
});
