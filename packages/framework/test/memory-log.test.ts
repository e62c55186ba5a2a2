import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type AppendRequest, type MessageLog, memoryStore } from '@gatecast/framework';
import { messageLogContract, TestClock } from '@gatecast/framework/testing';
import { describe, expect, it } from 'vitest';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const room = { channel: 'rooms/1', retentionSeconds: 3_600 } as const;
const wide = { ...room, limit: 100, maxBytes: 1e6 } as const;

function makeLog(clock = new TestClock()): { log: MessageLog; clock: TestClock } {
  const { log } = memoryStore({ now: clock.now });
  if (!log) throw new Error('the memory store has no log');
  return { log, clock };
}

const keyOf = (index: number) => String(index).padStart(16, 'k');

async function append(log: MessageLog, index: number, over: Partial<AppendRequest> = {}) {
  const request = { ...room, key: keyOf(index), hash: 'h', payload: `{"n":${index}}` };
  const result = await log.append({ ...request, onOtherHash: 'refuse', ...over });
  if (result.result !== 'appended') throw new Error(`the result is ${result.result}`);
  return result;
}

const makeStore = async ({ now }: { readonly now: () => number }) => ({
  ...memoryStore({ now }),
  async [Symbol.asyncDispose]() {},
});

describe('the log of memoryStore()', () => {
  for (const check of messageLogContract(makeStore)) {
    // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
    it(check.name, check.run);
  }

  it('has an epoch of 12 characters, and the first 6 of the key as the tag', async () => {
    const { log } = makeLog();
    const { entry } = await append(log, 1, { key: 'abcdefghijklmnop' });
    expect(entry.position).toEqual({
      epoch: expect.stringMatching(/^[\w-]{12}$/) as string,
      offset: 1,
      tag: 'abcdef',
    });
    await expect(log.head(room)).resolves.toEqual({ position: entry.position });
  });

  it('keeps the estimate of the audience in the head', async () => {
    const { log } = makeLog();
    const { finish } = await append(log, 1);
    await finish?.(Promise.resolve(undefined));
    expect(await log.head(room)).not.toHaveProperty('audience');
    await finish?.(Promise.resolve(12));
    expect(await log.head(room)).toMatchObject({ audience: 12 });
  });

  it('keeps an entry and its key for exactly the retention', async () => {
    const { log, clock } = makeLog();
    const { position } = await log.head(room);
    await append(log, 1);
    clock.advance(HOUR_MS);
    expect(await log.readAfter({ ...wide, after: position })).toMatchObject({ more: false });
    expect(await append(log, 1)).toMatchObject({ isDuplicate: true });
    clock.advance(1);
    expect(await log.readAfter({ ...wide, after: position })).toMatchObject({ reset: 'trimmed' });
    expect(await append(log, 1)).toMatchObject({ isDuplicate: false, entry: { at: clock.now() } });
  });

  it('begins a new log 30 days after the last entry, unless a subscriber has read it', async () => {
    const { log, clock } = makeLog();
    const first = (await append(log, 1)).entry.position;
    clock.advance(30 * DAY_MS);
    expect((await log.head({ ...room, keep: true })).position).toEqual(first);
    clock.advance(30 * DAY_MS);
    expect((await log.head(room)).position).toEqual(first);
    clock.advance(1);
    const { position } = await log.head(room);
    expect(position).toMatchObject({ offset: 0, tag: '' });
    expect(position.epoch).not.toBe(first.epoch);
    expect(await log.readAfter({ ...wide, after: first })).toMatchObject({ reset: 'epoch' });
  });

  it('deletes no entry before those in front of it when the clock is set back', async () => {
    const clock = new TestClock();
    const { log } = makeLog(clock);
    const { position } = await log.head(room);
    await append(log, 1);
    clock.advance(-HOUR_MS);
    await append(log, 2);
    clock.advance(HOUR_MS + 1);
    expect(await log.readAfter({ ...wide, after: position })).toMatchObject({
      entries: [{ at: clock.now() - 1 }, { at: clock.now() - HOUR_MS - 1 }],
    });
  });

  it.each([
    ['the channel that is appended to', () => 'rooms/1', 1],
    ['channels that nobody uses any more', (index: number) => `rooms/${index}`, 500],
  ])('frees the expired entries of %s', async (_name, channelOf, calls) => {
    const { log, clock } = makeLog();
    const before = heapBytes();
    for (let index = 0; index < 1_000; index += 1) {
      const payload = `"${String(index).padEnd(30_000, '.')}"`;
      await append(log, index, { channel: channelOf(index), payload: flat(payload) });
    }
    expect(heapBytes() - before).toBeGreaterThan(29e6);
    clock.advance(31 * DAY_MS);
    for (let index = 0; index <= calls; index += 1) await append(log, 5_000 + index);
    expect(heapBytes() - before).toBeLessThan(5e6);
    await expect(log.head(room)).resolves.toBeDefined();
  });
});

/** The text in memory of its own. */
function flat(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
