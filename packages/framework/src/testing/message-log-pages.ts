import { strict as assert } from 'node:assert';
import { CheckedLog, type LogCheck, offsetsOf, range } from './message-log-fixtures.js';

/** Stores may keep this many entries together. */
const SEGMENT = 1_000;

/** Checks of logs with many or large entries, and of pages. */
export const pageChecks: readonly LogCheck[] = [
  {
    name: 'reads a long log page by page in both directions, and purges all of it',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      const entries = await channel.fill(subject.entries);
      const all = range(1, subject.entries);
      const bytes = Buffer.byteLength(entries[0]?.payload ?? '');
      for (const pages of [
        { limit: 10_000 },
        ...[64, 333, SEGMENT - 1, SEGMENT, SEGMENT + 1].map((limit) => ({ limit })),
        ...[70, SEGMENT, 1_500].map((count) => ({ maxBytes: count * bytes })),
      ]) {
        assert.deepEqual(offsetsOf(await channel.pagesAfter(channel.model.start, pages)), all);
        assert.deepEqual(offsetsOf(await channel.pagesBefore(undefined, pages)), all);
      }
      for (let end = SEGMENT; end <= subject.entries; end += SEGMENT) {
        for (const { position } of entries.slice(end - 4, end + 3)) {
          for (const limit of [1, 2, 3, 10]) {
            await channel.readAfter(position, { limit });
            await channel.readBefore(position, { limit });
          }
        }
      }
      await channel.purge();
      for (const { position, request } of channel.model.entries.filter(isSample)) {
        await channel.readAfter(position);
        await channel.append(request);
      }
      await channel.fill(3);
      await channel.readBefore();
    },
  },
  {
    name: 'reads large entries page by page in both directions',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      const payload = JSON.stringify('x'.repeat(32_766));
      // More than 1 MB, at which DynamoDB ends a page.
      await channel.fill(70, { payload });
      for (const maxBytes of [1, 32_767, 32_768, 65_536, 100_000, 1_000_000, 1e9]) {
        const pages = { maxBytes };
        const all = range(1, 70);
        assert.deepEqual(offsetsOf(await channel.pagesAfter(channel.model.start, pages)), all);
        assert.deepEqual(offsetsOf(await channel.pagesBefore(undefined, pages)), all);
      }
    },
  },
  {
    name: 'counts the bytes of payloads, not their characters',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      const entries = await channel.fill(6, { payload: '"漢字漢字"' });
      const bytes = Buffer.byteLength(entries[0]?.payload ?? '');
      for (const maxBytes of range(1, 4 * bytes)) {
        const [after, before] = [
          await channel.readAfter(channel.model.start, { maxBytes }),
          await channel.readBefore(undefined, { maxBytes }),
        ];
        assert.ok('entries' in after && 'entries' in before);
      }
    },
  },
  {
    name: 'says exactly whether more entries follow',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      const entries = await channel.fill(14);
      for (const limit of range(1, 16)) {
        for (const position of [channel.model.start, ...entries.map((entry) => entry.position)]) {
          const after = await channel.readAfter(position, { limit });
          assert.ok('entries' in after);
          assert.equal(after.more, (after.entries.at(-1)?.position.offset ?? 14) < 14);
          const before = await channel.readBefore(position, { limit });
          assert.ok('entries' in before);
          assert.equal(before.more, (before.entries[0]?.position.offset ?? 1) > 1);
        }
      }
    },
  },
];

/** The entries next to the ends of segments, and some others. */
function isSample({ position: { offset } }: { position: { readonly offset: number } }): boolean {
  return [0, 1, 2, SEGMENT - 2, SEGMENT - 1].includes(offset % SEGMENT) || offset % 97 === 0;
}
