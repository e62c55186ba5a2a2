import { beforeEach, describe, expect, it } from 'vitest';
import { client, pass, receive, reconnect, start, useVirtualTime } from './virtual-time.js';

useVirtualTime();
beforeEach(() => start());

function event(id: string, data: unknown = id): object {
  return { event: 'message', data, id, at: 0 };
}

async function arrives(id: string, channel = 'a'): Promise<void> {
  await receive({ type: 'event', channel, ...event(id) });
}

/** Ids of the events that a handler was called with. */
function listen(channel = 'a'): string[] {
  const seen: string[] = [];
  client.channel(channel).on('message', (_, { id }) => seen.push(id));
  return seen;
}

describe('an event that comes twice', () => {
  it('F6 is handed over once, alone and among others', async () => {
    const seen = listen();
    await arrives('1');
    await arrives('1');
    await receive({
      type: 'events',
      channel: 'a',
      events: [event('2'), event('1'), event('2'), event('3')],
    });
    await arrives('3');
    expect(seen).toEqual(['1', '2', '3']);
  });

  it('F6 is handed over once to each handler', async () => {
    const both = [listen(), listen()];
    await arrives('1');
    await arrives('1');
    expect(both).toEqual([['1'], ['1']]);
  });

  it('F6 is handed over once when the second comes on another connection', async () => {
    const seen = listen();
    await arrives('1');
    await reconnect();
    await arrives('1');
    expect(seen).toEqual(['1']);
  });

  it('F6 is two events when they are of two channels', async () => {
    const seen = [listen('a'), listen('b')];
    await arrives('1', 'a');
    await arrives('1', 'b');
    expect(seen).toEqual([['1'], ['1']]);
  });

  it('F6 is known among the last 256 of its channel, and no longer', async () => {
    const seen = listen();
    await arrives('first');
    for (let count = 1; count < 256; count += 1) await arrives(`other ${count}`);
    await arrives('first');
    expect(seen.filter((id) => id === 'first')).toHaveLength(1);
    await arrives('one more');
    await arrives('first');
    expect(seen.filter((id) => id === 'first')).toHaveLength(2);
  });

  it('F6 is handed over once although its handler was replaced meanwhile', async () => {
    const seen: string[] = [];
    const off = client.channel('a').on('message', (_, { id }) => seen.push(`before ${id}`));
    await arrives('1');
    off();
    client.channel('a').on('message', (_, { id }) => seen.push(`after ${id}`));
    await arrives('1');
    await arrives('2');
    expect(seen).toEqual(['before 1', 'after 2']);
  });

  it('F6 is handed over when nobody listened to the channel the first time', async () => {
    await arrives('1');
    const seen = listen();
    await arrives('1');
    expect(seen).toEqual(['1']);
  });

  it('F6 is not taken for one that has no name, or no time', async () => {
    const seen = listen();
    await receive({ type: 'event', channel: 'a', ...event('1'), event: 7 });
    await receive({ type: 'event', channel: 'a', ...event('1'), at: '0' });
    await arrives('1');
    expect(seen).toEqual(['1']);
  });

  it('F6 is handed over as long as anybody listens to anything of its channel', async () => {
    const seen = listen();
    const ends: unknown[] = [];
    const offOther = client.channel('a').on('other', () => {});
    offOther();
    await arrives('1');
    expect(seen).toEqual(['1']);
    client.channel('b').onEnd((end) => ends.push(end));
    const off = client.channel('b').on('message', () => {});
    off();
    await receive({ type: 'unsubscribed', channel: 'b', code: 'X', reason: 'x' });
    expect(ends).toEqual([{ code: 'X', reason: 'x' }]);
  });

  it('F6 is not taken for one that has no id', async () => {
    const seen = listen();
    for (const id of [undefined, null, 7]) {
      await receive({ type: 'event', channel: 'a', ...event('x'), id });
    }
    await pass(0);
    expect(seen).toEqual([]);
  });
});
