import { messageLogInterleavings } from '@gatecast/framework/testing';
import { describe, expect, it } from 'vitest';
import { type LogMistake, steppedLog } from './stepped-log.js';

describe('messageLogInterleavings()', () => {
  const checks = messageLogInterleavings(async (options) => steppedLog(options), { runs: 30 });
  for (const { name, run } of checks) {
    // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
    it(`passes ${name}`, run);
  }

  it.each<[LogMistake, string]>([
    ['the offset is taken before the entry is written', 'a publish, when a caller dies'],
    [
      'the head is written without a condition',
      'the first two publishes, in every order of their steps',
    ],
    [
      'a repeated write does not look for its key',
      'a publish and its repeat, in every order of their steps',
    ],
    ['an entry is readable only after its remaining work', 'a publish, when a caller dies'],
    ['rows are read before the head', 'a publish and a read, in every order of their steps'],
    ['a reader skips what is missing', 'a purge and a read, in every order of their steps'],
    ['purge forgets keys', 'a repeat of an old publish and a purge, when an answer is lost'],
    [
      'the remaining work brings back a purged payload',
      'a publish and a purge, in every order of their steps',
    ],
    [
      'a twin does not look at the hash',
      'a publish and its key with another content, in every order of their steps',
    ],
    [
      'the time limit is ignored',
      'a call whose engine does not answer ends at its time limit, and when its signal is aborted',
    ],
  ])('catches that %s', async (mistake, name) => {
    const make = messageLogInterleavings(async (options) => steppedLog(options, mistake));
    const check = make.find((one) => one.name === name);
    const error: unknown = await check?.run().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
  });
});
