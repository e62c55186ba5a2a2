import { strict as assert } from 'node:assert';
import type { ReadResult } from '../store/log.js';
import {
  CheckedLog,
  DAY_MS,
  HOUR_MS,
  type LogCheck,
  type LogSubject,
  MINUTE_MS,
  range,
  summary,
} from './message-log-fixtures.js';

const SHORTEST_SECONDS = 600;
const SHORTEST_MS = SHORTEST_SECONDS * 1_000;

/** Ages of an entry at which a store may treat its rows in another way, after the shortest retention. */
const ages = [
  SHORTEST_MS - 1,
  SHORTEST_MS,
  SHORTEST_MS + 1,
  SHORTEST_MS + 1_000,
  SHORTEST_MS + 15 * MINUTE_MS,
  SHORTEST_MS + 30 * MINUTE_MS - 1_000,
  SHORTEST_MS + 30 * MINUTE_MS,
  SHORTEST_MS + 30 * MINUTE_MS + 1_000,
  SHORTEST_MS + HOUR_MS - 1_000,
  SHORTEST_MS + HOUR_MS,
  SHORTEST_MS + HOUR_MS + 2_000,
  SHORTEST_MS + 3 * HOUR_MS,
  2 * DAY_MS,
  30 * DAY_MS - 1_000,
  30 * DAY_MS,
  30 * DAY_MS + 2_000,
  31 * DAY_MS,
  400 * DAY_MS,
];

/** A channel with 15 entries, more than some stores keep together with the head. */
async function filled(
  subject: LogSubject,
  retentionSeconds = SHORTEST_SECONDS,
): Promise<CheckedLog> {
  const channel = new CheckedLog(subject, { retentionSeconds });
  await channel.fill(15);
  return channel;
}

/** The entries of a page; none for a reset. */
function found(result: ReadResult): number {
  return 'entries' in result ? result.entries.length : 0;
}

/** Checks of entries whose retention ends, while the engine has deleted nothing or everything. */
export const expiryChecks: readonly LogCheck[] = [
  {
    name: 'keeps entries and keys until the last millisecond of the retention',
    run: async (subject) => {
      for (const retentionSeconds of [SHORTEST_SECONDS, 86_400, 90 * 86_400]) {
        const channel = new CheckedLog(subject, { retentionSeconds });
        // A clock in whole seconds must not take anything away.
        subject.clock.advance(1_000 - (subject.clock.now() % 1_000) + 999);
        const first = channel.request();
        await channel.appended(first);
        await channel.fill(14);
        for (const share of [0.5, 0.9]) {
          subject.clock.advance(Math.floor(retentionSeconds * 1_000 * (share - 0.4)));
        }
        const { at } = channel.model.entries[0] as { at: number };
        subject.clock.advance(at + retentionSeconds * 1_000 - 1 - subject.clock.now());
        assert.deepEqual(summary(await channel.readAfter(channel.model.start)), range(1, 15));
        assert.deepEqual(summary(await channel.readBefore()), range(1, 15));
        assert.equal((await channel.appended(first)).isDuplicate, true);
        await channel.readEverywhere({ limit: 4 });
      }
    },
  },
  {
    name: 'reads at any age everything or nothing behind a position',
    run: async (subject) => {
      for (const age of ages) {
        const channel = await filled(subject);
        subject.clock.advance(age);
        await channel.readEverywhere();
        await channel.readEverywhere({ limit: 5 });
        await channel.fill(2);
        await channel.readEverywhere();
        await channel.readEverywhere({ limit: 5 });
      }
    },
  },
  {
    name: 'appends an old key at any age either once more or not at all',
    run: async (subject) => {
      for (const age of ages) {
        const channel = new CheckedLog(subject, { retentionSeconds: SHORTEST_SECONDS });
        const request = channel.request();
        await channel.appended(request);
        await channel.fill(3);
        subject.clock.advance(age);
        const again = { ...request, payload: '"again"' };
        const { entry, isDuplicate } = await channel.appended(again);
        if (!isDuplicate) assert.equal((await channel.appended(again)).isDuplicate, true);
        if (!isDuplicate) assert.deepEqual((await channel.head()).position, entry.position);
        await channel.readEverywhere();
        subject.clock.advance(5 * MINUTE_MS);
        await channel.append(again);
        await channel.readEverywhere();
      }
    },
  },
  {
    name: 'returns no entry later than an hour after its retention',
    run: async (subject) => {
      for (const age of ages.filter((one) => one > SHORTEST_MS + HOUR_MS + 1_000)) {
        const channel = await filled(subject);
        const { start } = channel.model;
        subject.clock.advance(age);
        const all = [await channel.readAfter(start), await channel.readBefore()];
        if (subject.mustExpire) assert.deepEqual(all.map(found), [0, 0]);
        await channel.fill(1);
        if (subject.mustExpire) assert.equal(found(await channel.readBefore()), 1);
      }
    },
  },
  {
    name: 'reads the entries that are left when older ones have expired',
    run: async (subject) => {
      const channel = await filled(subject, 4 * 3_600);
      subject.clock.advance(2 * HOUR_MS);
      await channel.fill(15);
      subject.clock.advance(3 * HOUR_MS + 2_000);
      assert.deepEqual(summary(await channel.readAfter(channel.model.top)), []);
      const [last, next] = [channel.model.entries[14], channel.model.entries[15]];
      assert.ok(last && next);
      assert.deepEqual(summary(await channel.readAfter(last.position)), range(16, 30));
      assert.deepEqual(summary(await channel.readAfter(next.position)), range(17, 30));
      await channel.readEverywhere();
      await channel.readEverywhere({ limit: 4 });
      subject.clock.advance(HOUR_MS);
      await channel.readEverywhere();
    },
  },
  {
    name: 'keeps the epoch and the offset of a log that a subscriber has read with keep',
    run: async (subject) => {
      for (const use of ['head', 'readAfter', 'readBefore'] as const) {
        const channel = await filled(subject);
        const { top } = channel.model;
        // Each time shortly before the end of a life of 30 days without it.
        for (const days of [0, 28.5, 28.5]) {
          subject.clock.advance(days * DAY_MS);
          // As a subscriber that comes back within a day.
          if (use === 'head') await channel.head(true);
          if (use === 'readAfter') await channel.readAfter(channel.model.top, { keep: true });
          if (use === 'readBefore') await channel.readBefore(undefined, { keep: true });
          const kept = channel.model.top;
          subject.clock.advance(DAY_MS - 1_000);
          assert.deepEqual((await channel.head()).position, kept);
          assert.deepEqual(summary(await channel.readAfter(kept)), []);
        }
        if (channel.model.top.epoch === top.epoch) assert.deepEqual(channel.model.top, top);
        await channel.fill(2);
        await channel.readEverywhere();
      }
    },
  },
  {
    name: 'purges what has partly expired',
    run: async (subject) => {
      for (const age of ages) {
        const channel = await filled(subject);
        subject.clock.advance(age);
        await channel.fill(2);
        await channel.purge();
        await channel.readEverywhere();
        await channel.fill(2);
        await channel.readEverywhere();
        for (const { request } of channel.model.entries.slice(-4)) await channel.append(request);
      }
    },
  },
];
