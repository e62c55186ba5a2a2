import { strict as assert } from 'node:assert';
import { CheckedLog, type LogCheck, range, summary } from './message-log-fixtures.js';

/** Checks of {@link MessageLog.purge}. */
export const purgeChecks: readonly LogCheck[] = [
  {
    name: 'purges all entries so far, and goes on with the next offset',
    run: async (subject) => {
      for (const count of [1, 13, 30]) {
        const channel = new CheckedLog(subject);
        const entries = await channel.fill(count);
        await channel.purge();
        assert.deepEqual((await channel.head()).position, entries.at(-1)?.position);
        assert.equal(summary(await channel.readAfter(channel.model.start)), 'trimmed');
        assert.deepEqual(summary(await channel.readAfter(channel.model.top)), []);
        assert.deepEqual(summary(await channel.readBefore()), []);
        await channel.readEverywhere();
        await channel.fill(3);
        assert.deepEqual(summary(await channel.readBefore()), range(count + 1, count + 3));
        await channel.readEverywhere();
        await channel.readEverywhere({ limit: 1 });
      }
    },
  },
  {
    name: 'knows a purged key, but not its payload any more',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      const requests = Array.from({ length: 16 }, () => channel.request());
      for (const request of requests) await channel.appended(request);
      await channel.purge();
      for (const others of [0, 20]) {
        await channel.fill(others);
        for (const request of requests) {
          const again = await channel.appended(request);
          assert.equal(again.isDuplicate, true);
          assert.equal(again.entry.payload, undefined);
          await again.finish?.(Promise.resolve(undefined));
          await channel.append({ ...request, hash: 'other' });
          await channel.append({ ...request, hash: 'other', onOtherHash: 'keep-first' });
        }
        await channel.readEverywhere();
      }
    },
  },
  {
    name: 'purges again, and an unused channel',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      await channel.purge();
      assert.equal((await channel.head()).position.offset, 0);
      for (const count of [0, 2, 0, 15, 1]) {
        await channel.fill(count);
        await channel.purge();
        await channel.readEverywhere();
      }
    },
  },
  {
    name: 'does not bring back a purged entry by its remaining work',
    run: async (subject) => {
      for (const count of [1, 14, 40]) {
        const channel = new CheckedLog(subject);
        const appended = [];
        for (let index = 0; index < count; index += 1) appended.push(await channel.appended());
        await channel.purge();
        await channel.fill(2);
        for (const { finish } of appended) await finish?.(Promise.resolve(undefined));
        await channel.readEverywhere();
        for (const { request } of channel.model.entries) await channel.append(request);
      }
    },
  },
  {
    name: 'resets a reader that is between two pages when the log is purged',
    run: async (subject) => {
      for (const count of [12, 30]) {
        const channel = new CheckedLog(subject);
        const [, , third] = await channel.fill(count);
        assert.ok(third);
        await channel.readAfter(channel.model.start, { limit: 3 });
        await channel.readBefore(undefined, { limit: 3 });
        await channel.purge();
        await channel.fill(4);
        assert.equal(summary(await channel.readAfter(third.position, { limit: 3 })), 'trimmed');
        assert.deepEqual(summary(await channel.readBefore(third.position, { limit: 3 })), []);
      }
    },
  },
];
