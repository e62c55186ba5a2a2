import { strict as assert } from 'node:assert';
import type { Appended, AppendRequest, AppendResult, LogEntry } from '../store/log.js';
import { CheckedLog, type LogCheck, offsetsOf, range, summary } from './message-log-fixtures.js';

function isNew(result: AppendResult): result is Appended {
  return result.result === 'appended' && !result.isDuplicate;
}

/** Different publishes. */
function requests(channel: CheckedLog, count: number): AppendRequest[] {
  return Array.from({ length: count }, () => channel.request());
}

/** Checks of concurrent calls. */
export const logRaceChecks: readonly LogCheck[] = [
  {
    name: 'appends the entries of many writers at once, each once and without a gap',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      for (const writers of [subject.writers, 5, subject.writers]) {
        await channel.appendAll(requests(channel, writers));
      }
      const count = 2 * subject.writers + 5;
      assert.deepEqual(offsetsOf(await channel.pagesAfter(channel.model.start)), range(1, count));
      assert.deepEqual(offsetsOf(await channel.pagesBefore()), range(1, count));
    },
  },
  {
    name: 'begins one log when its first calls come at once',
    run: async (subject) => {
      for (let round = 0; round < 5; round += 1) {
        const channel = new CheckedLog(subject);
        const { log } = subject;
        const appends = requests(channel, 4);
        const [heads] = await Promise.all([
          Promise.all(range(1, 4).map(() => log.head(channel.of))),
          channel.appendAll(appends),
        ]);
        for (const { position } of heads) assert.equal(position.epoch, channel.model.top.epoch);
        await channel.readEverywhere();
      }
    },
  },
  {
    name: 'appends once when one key comes many times at once',
    run: async (subject) => {
      for (const [keys, times] of [
        [1, 20],
        [4, 5],
        [10, 2],
      ] as const) {
        const channel = new CheckedLog(subject);
        const different = requests(channel, keys);
        const results = await channel.appendAll(range(1, times).flatMap(() => different));
        assert.equal(results.filter(isNew).length, keys);
        await channel.readEverywhere();
        for (const { entry, isDuplicate } of await Promise.all(
          different.map((request) => channel.appended(request)),
        )) {
          assert.ok(isDuplicate);
          assert.ok(entry.position.offset <= keys);
        }
      }
    },
  },
  {
    name: 'keeps one content when one key comes with several at once',
    run: async (subject) => {
      for (const onOtherHash of ['refuse', 'keep-first'] as const) {
        const channel = new CheckedLog(subject);
        const { key } = channel.request();
        const different = range(1, 8).map((number) =>
          channel.request({ key, hash: `hash${number}`, onOtherHash }),
        );
        const results = await channel.appendAll(different);
        assert.equal(results.filter(isNew).length, 1);
        const reused = results.filter(({ result }) => result === 'reused').length;
        assert.equal(reused, onOtherHash === 'refuse' ? 7 : 0);
        await channel.readEverywhere();
      }
    },
  },
  {
    name: 'finds every entry in a read that begins after its append',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      const { log } = subject;
      const { position: start } = await channel.head();
      const write = async (): Promise<void> => {
        for (let count = 0; count < 3; count += 1) {
          const request = channel.request();
          const result = await log.append(request);
          assert.ok(result.result === 'appended');
          const { offset } = result.entry.position;
          const read = { ...channel.of, limit: 1_000, maxBytes: 1e6 };
          const [after, before, head] = await Promise.all([
            log.readAfter({ ...read, after: start }),
            log.readBefore(read),
            log.head(channel.of),
          ]);
          assert.ok(head.position.offset >= offset, `the head is before entry ${offset}`);
          assert.ok('entries' in after && 'entries' in before);
          for (const { entries } of [after, before]) {
            assert.deepEqual(offsetsOf(entries), range(1, entries.length));
            assert.equal(
              entries[offset - 1]?.payload,
              request.payload,
              `entry ${offset} is missing`,
            );
          }
        }
      };
      await Promise.all(range(1, 8).map(write));
    },
  },
  {
    name: 'pages over every entry while others are appended',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      const { log } = subject;
      const { position: start } = await channel.head();
      const count = 60;
      let isWritten = false;
      const follow = async (limit: number): Promise<LogEntry[]> => {
        const all: LogEntry[] = [];
        while (all.length < count) {
          const [after, isLast] = [all.at(-1)?.position ?? start, isWritten];
          const page = await log.readAfter({ ...channel.of, limit, maxBytes: 1e6, after });
          assert.ok('entries' in page, `a page is ${JSON.stringify(summary(page))}`);
          const last = all.length + page.entries.length;
          assert.deepEqual(offsetsOf(page.entries), range(all.length + 1, last));
          assert.equal(page.more, last < page.head.position.offset, 'more');
          assert.ok(page.entries.length > 0 || !page.more, 'a page with more entries is empty');
          assert.ok(page.entries.length > 0 || !isLast, 'an entry was not found');
          all.push(...page.entries);
        }
        return all;
      };
      const write = async (): Promise<void> => {
        try {
          for (let written = 0; written < count; written += 6) {
            await channel.appendAll(requests(channel, 6));
          }
        } finally {
          isWritten = true;
        }
      };
      const [, ...readers] = await Promise.all([write(), ...[1, 4, 50].map(follow)]);
      const payloads = channel.model.entries.map(({ request }) => request.payload);
      for (const entries of readers) {
        assert.deepEqual(
          entries.map(({ payload }) => payload),
          payloads,
        );
      }
      await channel.readBefore();
    },
  },
  {
    name: 'purges while entries are appended and read: no page has a hole, and nothing comes back',
    run: async (subject) => {
      const { log } = subject;
      for (let round = 0; round < 5; round += 1) {
        const channel = new CheckedLog(subject);
        await channel.fill(20);
        const appends = requests(channel, 6);
        const read = { ...channel.of, limit: 10, maxBytes: 1e6 };
        const [first, second, , results] = await Promise.all([
          log.readAfter({ ...read, after: channel.model.start }),
          log.readBefore(read),
          log.purge(channel.of),
          Promise.all(appends.map((request) => log.append(request))),
        ]);
        if ('reset' in first) assert.equal(first.reset, 'trimmed');
        else assert.deepEqual(offsetsOf(first.entries), range(1, 10));
        assert.ok('entries' in second);
        const numbers = offsetsOf(second.entries);
        assert.deepEqual(numbers, range(numbers[0] ?? 1, numbers.at(-1) ?? 0));
        const offsets = results.map((result) => (isNew(result) ? result.entry.position.offset : 0));
        assert.deepEqual(
          offsets.toSorted((a, b) => a - b),
          range(21, 26),
        );
        const left = await log.readBefore(read);
        assert.ok('entries' in left);
        assert.deepEqual(offsetsOf(left.entries), range(27 - left.entries.length, 26));
        const before = { ...read, after: channel.model.start };
        assert.equal(summary(await log.readAfter(before)), 'trimmed');
        for (const [index, request] of appends.entries()) {
          const again = await log.append(request);
          assert.ok(again.result === 'appended' && again.isDuplicate);
          const offset = offsets[index] ?? 0;
          const isPurged: boolean = offset <= 26 - left.entries.length;
          assert.equal(again.entry.position.offset, offset);
          assert.equal(again.entry.payload, isPurged ? undefined : request.payload);
        }
      }
    },
  },
];
