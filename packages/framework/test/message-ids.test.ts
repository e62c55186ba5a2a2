import { defineChannel, event, type MessageContext } from '@gatecast/framework';
import { createTestApp } from '@gatecast/framework/testing';
import { eventId } from '@gatecast/protocol';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outcomeOf } from './heard.js';

const room = defineChannel('rooms/:roomId', {
  events: { x: event<object>() },
  access: 'public',
  messages: ({ message }) => ({
    key: message((_data, ctx) => ctx.idempotencyKey),
    both: message((_data, ctx: MessageContext) => [ctx.idempotencyKey, ctx.idempotencyKey]),
    publish: message(async (names, { app }) => {
      const ids: string[] = [];
      for (const name of names as string[]) {
        ids.push((await app.channel(name).publish('x', {})).id);
      }
      return ids;
    }),
    own: message(async (_data, { channel }) => {
      const first = await channel.publish('x', {}, { id: 'order-7' });
      return [first.id, (await channel.publish('x', {})).id];
    }),
  }),
});

const makeApp = () =>
  createTestApp({
    channels: [room],
    authorizer: ({ token }) => (token === undefined ? {} : { userId: token }),
  });
type App = ReturnType<typeof makeApp>;

async function keyOf(app: App, token: string | undefined, id = 'm', channel = 'rooms/1') {
  const client = await app.connect(token === undefined ? {} : { token });
  const answer = outcomeOf(await client.sendFrame({ action: 'rooms.key', id, channel }));
  return { key: answer as string, connectionId: client.id };
}

describe('A5 the key of a message', () => {
  it.each([undefined, 'ann'])('A5 is the same on the next connection of %s', async (token) => {
    const app = makeApp();
    const first = await keyOf(app, token);
    expect((await keyOf(app, token)).key).toBe(first.key);
    // In another environment, and after a restart of the app.
    expect((await keyOf(makeApp(), token)).key).toBe(first.key);
    expect(first.key).toMatch(/^[\w-]{43}$/);
  });

  it.each([
    [undefined, 'PDyo9BPNC6IUX1scDnQPyyxNrWJa1EecqHwaZtpT-aA'],
    ['ann', 'kYI1udxrFwlKi0Ty3j7iQWZMG0gmHIfexSYaSwBWznk'],
  ])('A5 does not change with a new version of the framework: %s', async (token, key) => {
    // An attempt may reach the next deployment. So a different key here would handle messages twice.
    expect((await keyOf(makeApp(), token)).key).toBe(key);
  });

  it('A5 is the same in each attempt and each time it is read', async () => {
    const ann = await makeApp().connect();
    const frame = { action: 'rooms.both', id: 'm', channel: 'rooms/1' };
    const keys = [];
    for (const attempt of [1, 2, 3]) {
      keys.push(...(outcomeOf(await ann.sendFrame({ ...frame, attempt })) as string[]));
    }
    expect(new Set(keys).size).toBe(1);
  });
});

describe('A16 the key of a message', () => {
  it('A16 differs by user, channel and frame id', async () => {
    const app = makeApp();
    const text = fc.oneof(
      fc.string({ minLength: 1, maxLength: 20 }),
      // Pairs that would be equal without separators.
      fc.constantFrom('a', 'a\n', '\na', '"', '","', 'user', 'guest', 'a","b', '\\', '[', ']'),
    );
    const sender = fc.record({
      token: fc.option(
        text.filter((name) => Buffer.from(name).toString() === name),
        { nil: undefined },
      ),
      id: text,
      channel: fc.constantFrom('rooms/1', 'rooms/2', 'rooms/1%2F2'),
    });
    await fc.assert(
      fc.asyncProperty(sender, sender, async (one, other) => {
        const [a, b] = [
          await keyOf(app, one.token, one.id, one.channel),
          await keyOf(app, other.token, other.id, other.channel),
        ];
        const isSame =
          one.token === other.token && one.id === other.id && one.channel === other.channel;
        expect(a.key === b.key).toBe(isSame);
      }),
      { numRuns: 100 },
    );
  });

  it('A16 of a guest cannot equal that of a user', async () => {
    const app = makeApp();
    const guest = await keyOf(app, undefined);
    for (const name of [guest.connectionId, 'guest', 'user', 'undefined', 'm', 'rooms/1']) {
      expect((await keyOf(app, name)).key).not.toBe(guest.key);
    }
  });

  it('A16 reveals neither the id of the frame nor the user', async () => {
    const { key } = await keyOf(makeApp(), 'ann', 'frame-of-ann');
    expect(Buffer.from(key, 'base64url').toString('latin1')).not.toMatch(/ann|frame/);
  });
});

describe('C13 the id of an event', () => {
  it('C13 is the one that its sender derives, for any frame id', async () => {
    const app = makeApp();
    const ann = await app.connect();
    await ann.subscribe('rooms/1', 'rooms/2');
    const id = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 64 })
      .map((s) => s.slice(0, 64));
    const names = fc.array(fc.constantFrom('rooms/1', 'rooms/2', 'rooms/%C3%A9'), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(id, names, async (frameId, data) => {
        ann.received.length = 0;
        const frame = { action: 'rooms.publish', id: frameId, channel: 'rooms/1', data };
        const counts = new Map<string, number>();
        const expected = data.map((name) => {
          const ordinal = counts.get(name) ?? 0;
          counts.set(name, ordinal + 1);
          return eventId(name, frameId, ordinal);
        });
        expect(outcomeOf(await ann.sendFrame(frame))).toEqual(expected);
        expect(ann.events.map((event) => event.id)).toEqual(
          expected.filter((_id, index) => data[index] !== 'rooms/%C3%A9'),
        );
      }),
      { numRuns: 100 },
    );
  });

  it('C13 that the app gives itself does not change the others', async () => {
    const ann = await makeApp().connect();
    const frame = { action: 'rooms.own', id: 'm', channel: 'rooms/1' };
    expect(outcomeOf(await ann.sendFrame(frame))).toEqual(['order-7', eventId('rooms/1', 'm', 0)]);
  });
});
