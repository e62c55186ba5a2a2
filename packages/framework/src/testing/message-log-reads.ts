import { strict as assert } from 'node:assert';
import type { Position } from '@gatecast/protocol';
import { CheckedLog, type LogCheck, range, summary } from './message-log-fixtures.js';

/** A position with a tag that its entry does not have. */
function wrong(position: Position): Position {
  const last = position.tag.endsWith('A') ? 'B' : 'A';
  return { ...position, tag: `${position.tag.slice(0, -1)}${last}` };
}

/** Checks of reads and their positions. */
export const readChecks: readonly LogCheck[] = [
  {
    name: 'begins a log at the first use of a channel',
    run: async (subject) => {
      for (const use of ['head', 'readBefore', 'append'] as const) {
        const channel = new CheckedLog(subject);
        if (use === 'append') await channel.fill(1);
        else await channel[use]();
        const { epoch } = channel.model.top;
        assert.equal((await channel.head()).position.epoch, epoch, `${use} has begun another log`);
        await channel.fill(1);
        assert.equal(channel.model.top.epoch, epoch, `${use} has begun another log`);
        await channel.readEverywhere();
      }
    },
  },
  {
    name: 'reads an unused channel as an empty log',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      const { position } = await channel.head();
      assert.deepEqual(position, channel.model.start);
      assert.deepEqual(summary(await channel.readAfter(position)), []);
      assert.deepEqual(summary(await channel.readBefore(position)), []);
      assert.deepEqual(summary(await channel.readBefore()), []);
    },
  },
  {
    name: 'resets a position of another log, also on an unused channel',
    run: async (subject) => {
      const [channel, other, unused] = [0, 1, 2].map(() => new CheckedLog(subject)) as [
        CheckedLog,
        CheckedLog,
        CheckedLog,
      ];
      await channel.fill(3);
      const [, second] = await other.fill(3);
      for (const reader of [channel, unused]) {
        for (const position of [other.model.start, second?.position, other.model.top]) {
          assert.equal(summary(await reader.readAfter(position as Position)), 'epoch');
          assert.equal(summary(await reader.readBefore(position)), 'epoch');
        }
      }
    },
  },
  {
    name: 'resets a position of the future',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      await channel.head();
      for (const filled of [0, 1, 3]) {
        await channel.fill(filled);
        for (const ahead of [1, 2, 1_000, 1_000_000]) {
          const future = { ...channel.model.top, offset: channel.model.top.offset + ahead };
          assert.equal(summary(await channel.readAfter(future)), 'forked');
          assert.equal(summary(await channel.readBefore(future)), 'forked');
        }
      }
    },
  },
  {
    name: 'resets a position of a new entry whose tag is another one',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      for (const count of [1, 2, 40]) {
        for (const { position } of (await channel.fill(count)).slice(-5)) {
          assert.equal(summary(await channel.readAfter(wrong(position))), 'forked');
          assert.equal(summary(await channel.readBefore(wrong(position))), 'forked');
        }
      }
      // Whether older ones are noticed is up to the store.
      for (const { position } of channel.model.entries) await channel.readAfter(wrong(position));
    },
  },
  {
    name: 'reads after a position: everything, a part, or nothing at the end',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      const entries = await channel.fill(25);
      assert.deepEqual(summary(await channel.readAfter(channel.model.start)), range(1, 25));
      for (const [index, { position }] of entries.entries()) {
        assert.deepEqual(summary(await channel.readAfter(position)), range(index + 2, 25));
      }
    },
  },
  {
    name: 'reads before a position, and without one from the end',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      const entries = await channel.fill(25);
      assert.deepEqual(summary(await channel.readBefore()), range(1, 25));
      assert.deepEqual(summary(await channel.readBefore(channel.model.start)), []);
      for (const [index, { position }] of entries.entries()) {
        assert.deepEqual(summary(await channel.readBefore(position)), range(1, index));
        const one = await channel.readBefore(position, { limit: 1 });
        assert.deepEqual(summary(one), range(Math.max(index, 1), index));
      }
    },
  },
  {
    name: 'reads the same with keep',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      await channel.head(true);
      await channel.fill(5);
      await channel.head(true);
      await channel.readEverywhere({ keep: true });
      await channel.readEverywhere({ keep: true, limit: 2 });
    },
  },
  {
    name: 'reads at most maxEntries, and knows the keys of older entries',
    run: async (subject) => {
      for (const maxEntries of [1, 5, 40]) {
        const channel = new CheckedLog(subject, { maxEntries });
        const first = channel.request();
        await channel.appended(first);
        for (const count of [0, 3, 1, 17]) {
          await channel.fill(count);
          const { offset } = channel.model.top;
          const expected = range(Math.max(1, offset - maxEntries + 1), offset);
          assert.deepEqual(summary(await channel.readBefore()), expected);
          await channel.readEverywhere();
          await channel.readEverywhere({ limit: 2 });
          assert.equal((await channel.appended(first)).isDuplicate, true);
        }
      }
    },
  },
];
