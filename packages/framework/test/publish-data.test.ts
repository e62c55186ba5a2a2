import { type ChannelType, defineChannel, type PublishContext } from '@gatecast/framework';
import { createTestApp, type TestAppSettings } from '@gatecast/framework/testing';
import { describe, expect, it } from 'vitest';
import { listen } from './heard.js';

const room = defineChannel('room', { access: 'public' });

const throwing = (thrown: unknown) => () => {
  throw thrown;
};

async function makeRoom(settings: TestAppSettings = {}) {
  const app = createTestApp({ channels: [room], ...settings });
  const ann = await app.connect();
  await ann.subscribe('room');
  return { app, ann, channel: app.app.channel<ChannelType>('room') };
}

describe('C11 data of an event', () => {
  it.each<[string, unknown, RegExp]>([
    ['a function', () => 1, /a function\.$/],
    ['a class', class {}, /a function\.$/],
    ['a symbol', Symbol('data'), /a symbol\.$/],
    ['a toJSON that returns nothing', { toJSON: () => undefined }, /its toJSON\(\) returns\.$/],
    ['a toJSON that returns a function', { toJSON: () => () => 1 }, /its toJSON\(\) returns\.$/],
    ['a bigint', 1n, /BigInt/],
    ['a bigint inside', { list: [1n] }, /BigInt/],
    ['a toJSON that throws', { toJSON: () => JSON.parse('{') }, /JSON at position/],
    ['a toJSON that throws a text', { toJSON: throwing('no') }, /: no\.?$/],
    ['a toJSON that throws nothing', { toJSON: throwing(undefined) }, /undefined/],
  ])('C11 that JSON cannot express is refused: %s', async (_what, data, reason) => {
    const { ann, channel } = await makeRoom();
    const error: unknown = await channel.publish('x', data).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'UsageError',
      code: 'ERR_PUBLISH_DATA',
      message: expect.stringMatching(/event "x" on "room".*: [^{]/),
    });
    expect((error as Error).message).toMatch(reason);
    expect(ann.events).toEqual([]);
  });

  it.each<[unknown, unknown]>([
    [undefined, null],
    [null, null],
    [false, false],
    [0, 0],
    ['', ''],
    [Number.NaN, null],
    [
      [undefined, () => 1],
      [null, null],
    ],
    [{ a: undefined, b: () => 1, c: 1 }, { c: 1 }],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
  ])('C11 always arrives with its event: %o', async (data, arrived) => {
    const { ann, channel } = await makeRoom();
    await channel.publish('x', data);
    expect(ann.events).toHaveLength(1);
    expect(ann.events[0]).toHaveProperty('data', arrived);
  });
});

describe('G3 the contexts of plugins', () => {
  const names = ['channel', 'event', 'id', 'ephemeral'];

  it('G3 match their types, and give no access to another frame', async () => {
    const seen: Record<string, string[]> = {};
    const add = { frame: '{"type":"event","event":"forged"}', event: 'forged', channel: 'other' };
    const { ann, channel } = await makeRoom({
      plugins: [
        {
          name: 'forger',
          onPublish(ctx, next) {
            seen['publish'] = Object.keys(ctx);
            return (next as (more: object) => Promise<void>)(add);
          },
          async onDeliver(ctx, next) {
            seen['deliver'] = Object.keys(ctx);
            expect(ctx.delivery).toEqual({ delivered: 0, gone: 0, failed: 0 });
            await (next as (more: object) => Promise<void>)(add);
            expect(ctx.delivery).toEqual({ delivered: 1, gone: 0, failed: 0 });
          },
        },
      ],
    });
    const result = await channel.publish('x', 1);
    expect(seen['publish']?.toSorted()).toEqual(names.toSorted());
    expect(seen['deliver']?.toSorted()).toEqual([...names, 'delivery'].toSorted());
    expect(ann.events).toMatchObject([{ channel: 'room', event: 'x', data: 1, id: result.id }]);
    expect(Object.keys(result).toSorted()).toEqual(['delivery', 'duplicate', 'id']);
  });

  it('G3 describe each publish', async () => {
    const seen: PublishContext[] = [];
    const { channel } = await makeRoom({
      plugins: [
        {
          name: 'log',
          onPublish(ctx, next) {
            seen.push({ ...ctx });
            return next();
          },
        },
      ],
    });
    await channel.publish('x', 1, { id: 'order-7' });
    const { id } = await channel.publish('y', 1, { ephemeral: true });
    expect(seen).toEqual([
      { channel: 'room', event: 'x', id: 'order-7', ephemeral: false },
      { channel: 'room', event: 'y', id, ephemeral: true },
    ]);
  });
});

describe('G3 a test connection', () => {
  it('G3 answers a message with a reply or an error, or says why there is no answer', async () => {
    const posts = defineChannel('posts', {
      access: 'public',
      messages: ({ message }) => ({
        answer: message(() => 1),
        refuse: message(() => {
          throw new Error('No.');
        }),
        quiet: message(() => 1, { reply: false }),
      }),
    });
    const identity = { userId: 'ann', expiresAt: 0 };
    const app = createTestApp({
      channels: [posts],
      authorizer: () => identity,
      plugins: [listen().plugin],
    });
    identity.expiresAt = app.clock.now() + 60_000;
    const ann = await app.connect();
    expect(await ann.send('posts.answer', 'posts')).toMatchObject({ type: 'reply', data: 1 });
    expect(await ann.send('posts.refuse', 'posts')).toMatchObject({ type: 'error' });
    await expect(ann.send('posts.quiet', 'posts')).rejects.toThrow(
      'There was no answer to posts.quiet.',
    );
    app.clock.advance(60_000);
    await expect(ann.send('posts.answer', 'posts')).rejects.toThrow('The token has expired.');
    await expect(ann.send('posts.answer', 'posts')).rejects.toThrow('is closed');
  });

  it.each([true, false])('G3 of a user has the claims that JSON holds: %s', async (isDeployed) => {
    const seen: unknown[] = [];
    const looking = defineChannel('looking', {
      onConnect: ({ connection }) => void seen.push(connection.claims),
    });
    const app = createTestApp({
      channels: [looking],
      authorizer: () => ({ userId: 'ann', claims: { since: new Date(0), gone: undefined } }),
      isAuthorizerDeployed: isDeployed,
    });
    await app.connect();
    expect(seen).toStrictEqual([{ since: '1970-01-01T00:00:00.000Z' }]);
  });

  it('G3 of a guest has no claims, and no user', async () => {
    const seen: object[] = [];
    const looking = defineChannel('looking', {
      access: 'public',
      onConnect: ({ connection }) => void seen.push(connection),
    });
    for (const authorizer of [undefined, () => ({})]) {
      const app = createTestApp({ channels: [looking], ...(authorizer && { authorizer }) });
      await app.connect();
      expect(seen.at(-1)).toHaveProperty('claims', {});
      expect(seen.at(-1)).not.toHaveProperty('userId');
    }
  });
});
