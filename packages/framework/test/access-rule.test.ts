import { type AccessRule, defineChannel } from '@gatecast/framework';
import { createTestApp } from '@gatecast/framework/testing';
import { describe, expect, it } from 'vitest';

const values: readonly unknown[] = [
  undefined,
  null,
  false,
  0,
  1,
  '',
  'true',
  'public',
  {},
  [],
  new Boolean(true),
  () => true,
];

/** What a connection may do with a channel whose rule answers so. */
async function outcomesOf(answer: unknown) {
  const rule = (() => answer) as unknown as AccessRule;
  const room = defineChannel('room', {
    access: rule,
    autoSubscribe: true,
    messages: ({ message }) => ({ post: message(() => 'handled') }),
  });
  const app = createTestApp({ channels: [room], plugins: [{ name: 'quiet', onError() {} }] });
  const ann = await app.connect();
  const automatic = await app.store.connections.channels(ann.id);
  const message = await ann.send('room.post', 'room');
  const [subscribed] = await ann.subscribe('room');
  return {
    automatic,
    message: 'error' in message ? message.error.code : message.data,
    subscribed: subscribed && 'error' in subscribed ? subscribed.error.code : subscribed?.result,
  };
}

describe('A19 a rule', () => {
  it.each([true, Promise.resolve(true)])('A19 opens with %s', async (answer) => {
    expect(await outcomesOf(answer)).toEqual({
      automatic: ['room'],
      message: 'handled',
      subscribed: 'live',
    });
  });

  it.each(values.flatMap((value) => [value, Promise.resolve(value)]))(
    'A19 does not open with %s, for any operation',
    async (answer) => {
      expect(await outcomesOf(answer)).toEqual({
        automatic: [],
        message: 'ERR_FORBIDDEN',
        subscribed: 'ERR_FORBIDDEN',
      });
    },
  );
});
