import { strict as assert } from 'node:assert';
import type { AppendRequest } from '../store/log.js';
import {
  CheckedLog,
  type LogCheck,
  MINUTE_MS,
  offsetsOf,
  range,
  uniqueKey,
} from './message-log-fixtures.js';

const MAX_BYTES = 32_768;

/** A payload of exactly `bytes` bytes that repeats a character. */
function payloadOf(character: string, bytes: number): string {
  const size = Buffer.byteLength(character);
  const count = Math.floor((bytes - 2) / size);
  return `"${character.repeat(count)}${'.'.repeat(bytes - 2 - count * size)}"`;
}

/** JSON texts that a log must not change. */
const payloads: readonly string[] = [
  '{"event":"posted","data":{"text":"hello"},"id":"m1"}',
  '{"unknown":{"field":[1,2,{"deep":null}]},"event":"posted","__proto__":{"a":1}}',
  '{ "b" : 1,\n\t"a":2, "a":3 }',
  '{"number":12345678901234567890,"fraction":1.0,"exponent":1E+2,"zero":-0}',
  String.raw`{"escaped":"\u0000\ud800\u00e9\/\"","text":"é ñ 漢字 🏳️‍🌈 \n"}`,
  '""',
  'null',
  payloadOf('x', MAX_BYTES),
  payloadOf('é', MAX_BYTES),
  payloadOf('漢', MAX_BYTES),
  payloadOf('🏳️‍🌈', MAX_BYTES),
];

/** Ways to repeat an append. */
const repeats: readonly Partial<AppendRequest>[] = [
  {},
  { payload: '"other"' },
  { hash: 'other', payload: '"other"' },
  { hash: 'other', payload: '"other"', onOtherHash: 'keep-first' },
];

/** Checks of {@link MessageLog.append}. */
export const appendChecks: readonly LogCheck[] = [
  {
    name: 'numbers entries 1, 2, 3 … with the time of the clock, and reads them at once',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      for (const offset of range(1, 30)) {
        subject.clock.advance(7);
        const { entry } = await channel.appended();
        assert.equal(entry.position.offset, offset);
        await channel.head();
        const page = await channel.readAfter(channel.model.start);
        assert.ok('entries' in page);
        assert.deepEqual(offsetsOf(page.entries), range(1, offset));
      }
      await channel.readEverywhere();
    },
  },
  {
    name: 'gives a log an epoch of its own, and every entry a position that can be written as text',
    run: async (subject) => {
      const channels = Array.from({ length: 20 }, () => new CheckedLog(subject));
      for (const channel of channels) await channel.fill(2);
      const epochs = channels.map(({ model }) => model.top.epoch);
      assert.equal(new Set(epochs).size, channels.length, 'two logs have the same epoch');
    },
  },
  {
    name: 'returns the payload byte for byte from every method',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      for (const payload of payloads) {
        const request = channel.request({ payload });
        for (let count = 0; count < 2; count += 1) {
          const { entry } = await channel.appended(request);
          assert.equal(entry.payload, payload);
        }
      }
      await channel.readEverywhere({ limit: 3 });
    },
  },
  {
    name: 'keeps keys and hashes apart that are nearly the same',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      const key = 'AAAAAAAAAAAAAAA';
      const hash = 'h'.repeat(64);
      for (const other of ['a', 'B', '-', '_', '0']) {
        for (const similar of [key + other, other + key]) {
          assert.equal((await channel.appended({ key: similar, hash })).isDuplicate, false);
          assert.equal((await channel.appended({ key: similar, hash })).isDuplicate, true);
          for (const otherHash of [hash.slice(1), `${hash.slice(1)}H`]) {
            const { result } = await channel.append({ key: similar, hash: otherHash });
            assert.equal(result, 'reused');
          }
        }
      }
      await channel.appended({ key: '__proto__strings', hash: '_' });
      await channel.readEverywhere();
    },
  },
  {
    name: 'appends once for a repeated key, whatever was appended since',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      const first = channel.request();
      const { position } = (await channel.appended(first)).entry;
      for (const others of [0, 1, 10, 30, 100]) {
        await channel.fill(others);
        for (const repeat of repeats) {
          subject.clock.advance(1_000);
          const result = await channel.append({ ...first, ...repeat });
          if (result.result === 'appended') assert.deepEqual(result.entry.position, position);
          await channel.head();
        }
      }
      await channel.pagesAfter(channel.model.start);
    },
  },
  {
    name: 'keeps an entry readable whether its remaining work is done, late or never',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      const late: (() => Promise<void>)[] = [];
      for (const offset of range(1, 80)) {
        const { finish } = await channel.appended();
        if (offset % 3 === 0) await finish?.(Promise.resolve(undefined));
        if (offset % 3 === 1 && finish) late.push(() => finish(Promise.resolve(undefined)));
        if (offset % 7 === 0) await channel.pagesAfter(channel.model.start);
      }
      await channel.readEverywhere({ limit: 20 });
      for (const finish of late.toReversed()) await finish();
      await channel.readEverywhere({ limit: 20 });
    },
  },
  {
    name: 'says no other audience than one that a publisher has left',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      for (const offset of range(1, 40)) {
        const { finish } = await channel.appended();
        const audience = offset % 4 === 0 ? undefined : offset;
        channel.model.finish(audience);
        await finish?.(Promise.resolve(audience));
        await channel.head();
      }
    },
  },
  {
    name: 'does not mix channels, even with names that are nearly the same',
    run: async (subject) => {
      const { channel: name } = new CheckedLog(subject).of;
      const endings = ['', '/1', '/$1', ':1', '.1', '@', '=', '-', '~', '%7B1%7D'];
      const key = uniqueKey();
      const channels = endings.map(
        (ending) => new CheckedLog(subject, { channel: `${name}${ending}` }),
      );
      for (const channel of channels) await channel.fill(3);
      for (const channel of channels) {
        const payload = JSON.stringify(channel.of.channel);
        assert.equal((await channel.appended({ key, payload })).isDuplicate, false);
      }
      await channels[1]?.purge();
      for (const channel of channels) await channel.readEverywhere();
    },
  },
  {
    name: 'takes the time of an entry from a clock that is set back',
    run: async (subject) => {
      const channel = new CheckedLog(subject);
      for (const byMs of [0, -2_000, 1_500, -3 * MINUTE_MS, 5 * MINUTE_MS]) {
        subject.clock.advance(byMs);
        await channel.fill(2);
        await channel.readEverywhere();
      }
    },
  },
];
