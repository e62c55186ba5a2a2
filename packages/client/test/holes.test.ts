import { beforeEach, describe, expect, it } from 'vitest';
import {
  asked,
  entries,
  entry,
  heard,
  live,
  outcome,
  page,
  position,
  push,
  startListening,
} from './channel-log.js';
import { client, current, pass, receive, refuse, useVirtualTime, watch } from './virtual-time.js';

useVirtualTime();

beforeEach(async () => {
  await startListening();
  await live();
});

const reads = (): unknown[] => current().of('history');

describe('one hole after another', () => {
  it('leaves each the time that it takes', async () => {
    await push(12, 14);
    await pass(180);
    await push(11);
    expect(heard).toEqual([11, 12]);
    // Four times 180 ms, and a quarter of that.
    await pass(899);
    expect(reads()).toEqual([]);
    await pass(1);
    expect(reads()).toMatchObject([{ after: position(12), limit: 1 }]);
    await page({ position: position(14), events: entries(13) });
    expect(heard).toEqual([11, 12, 13, 14]);
  });

  it('leaves each a shorter time again where the order is good again', async () => {
    await push(12);
    await pass(180);
    await push(11, 14);
    await pass(10);
    await push(13, 16);
    await pass(187);
    expect(reads()).toHaveLength(1);
  });

  it('is waited for 2.5 s at most', async () => {
    await push(12);
    await pass(187);
    await refuse({ retryAfterMs: 60_000 });
    await pass(30_000);
    await push(11, 14);
    await pass(2_499);
    expect(reads()).toHaveLength(1);
  });

  it('is asked for once, whatever else arrives meanwhile', async () => {
    await push(12);
    await pass(187);
    await push(14, 16);
    await pass(10_000);
    expect(reads()).toHaveLength(1);
    await page({ position: position(16), events: entries(11) });
    expect(heard).toEqual([11, 12]);
    await pass(187);
    expect(reads().at(-1)).toMatchObject({ after: position(12), limit: 3 });
  });

  it('is not asked for when it has closed', async () => {
    await push(12);
    await pass(100);
    await push(11);
    await pass(60_000);
    expect(reads()).toEqual([]);
  });

  it('is not asked for on a channel that was left', async () => {
    await push(12);
    watch(client.channel('a').unsubscribe());
    await pass(5_000);
    expect(reads()).toEqual([]);
  });
});

describe('a server that cannot fill a hole', () => {
  it('is asked more and more slowly, whatever arrives meanwhile', async () => {
    await push(12);
    await pass(187);
    for (const waitMs of [312, 625, 1_250]) {
      await refuse();
      const count = reads().length;
      await push(14, 16);
      await pass(waitMs - 1);
      expect(reads()).toHaveLength(count);
      await pass(1);
      expect(reads()).toHaveLength(count + 1);
    }
    await page({ position: position(16), events: entries(11, 12, 13, 14, 15) });
    expect(heard).toEqual([11, 12, 13, 14, 15, 16]);
    await push(18);
    await pass(187);
    const count = reads().length;
    await refuse();
    await pass(312);
    // It was of use meanwhile.
    expect(reads()).toHaveLength(count + 1);
  });

  it('is asked for all of it again, if it was asked for all', async () => {
    await receive({ type: 'events', channel: 'a', events: entries(11), more: true });
    await refuse();
    await push(12);
    await pass(312);
    expect(reads().at(-1)).toMatchObject({ after: position(12) });
    expect(reads().at(-1)).not.toHaveProperty('limit');
    await page({ position: position(13), events: entries(13) });
    expect(heard).toEqual([11, 12, 13]);
  });

  it('may answer too late: the channel was subscribed to again', async () => {
    await push(12);
    await pass(187);
    const other = position(1, 'epoch-2_____');
    await receive({ type: 'event', channel: 'a', ...entry(1, { position: other }) });
    expect(asked()).toEqual([{ channel: 'a', position: position(10) }]);
    await page({ position: position(12), events: entries(11) });
    expect(heard).toEqual([]);
    await outcome({ result: 'reset', reason: 'epoch', position: other });
    await page({ position: position(12), events: entries(11) });
    expect(heard).toEqual(['epoch']);
  });

  it('may answer nonsense, which is left out', async () => {
    await push(13);
    await pass(187);
    const other = entry(11, { position: position(11, 'epoch-2_____') });
    const events = [null, 7, 'x', other, { ...entry(11), position: 'x' }, ...entries(11, 12)];
    await page({ position: position(13), events });
    expect(heard).toEqual([11, 12, 13]);
  });
});
