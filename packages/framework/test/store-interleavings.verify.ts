import { connectionStoreInterleavings } from '@gatecast/framework/testing';
import { describe, expect, it } from 'vitest';
import { type Mistake, steppedStore } from './stepped-store.js';

describe('connectionStoreInterleavings()', () => {
  for (const { name, run } of connectionStoreInterleavings(async (step) => steppedStore(step), {
    runs: 30,
  })) {
    // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
    it(`passes ${name}`, run);
  }

  it.each<[Mistake, string]>([
    [
      'subscribe does not read the connection afterwards',
      'a subscribe and a disconnect, in every order of their steps',
    ],
    [
      'disconnect removes memberships before the row',
      'a subscribe and a disconnect, in every order of their steps',
    ],
    [
      'the limit is checked before the write',
      'two subscribes that reach the number of channels, in every order of their steps',
    ],
    [
      'a removal forgets the list of memberships first',
      'a disconnect and its repeat, when a caller dies',
    ],
    [
      'a repeated removal does not recognise its own work',
      'a disconnect and its repeat, when an answer is lost',
    ],
    [
      'connect leaves the old record in memberships',
      'a connect with another record and a subscribe, in every order of their steps',
    ],
    [
      'connect does not finish a removal that was cut off',
      'a connect and a disconnect, in every order of their steps',
    ],
    [
      'every subscription that raced is undone',
      'a subscribe and its repeat, in every order of their steps',
    ],
  ])('catches that %s', async (mistake, where) => {
    const checks = connectionStoreInterleavings(async (step) => steppedStore(step, mistake));
    const check = checks.find(({ name }) => name === where);
    await expect(check?.run()).rejects.toThrow(/\nThe choices were:\n- /);
  });
});
