import {
  Channel,
  compile,
  createApp,
  defineChannel,
  memoryStore,
  OnConnect,
  OnDisconnect,
  OnMessage,
  OnSubscribe,
  OnUnsubscribe,
} from '@gatecast/framework';
import { createTestApp } from '@gatecast/framework/testing';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { checkKnown } from '../src/channel/unknown-names.js';

const store = memoryStore();
type AnyFunction = (...given: never[]) => unknown;
const call = (decorator: AnyFunction, ...given: unknown[]) =>
  Reflect.apply(decorator, undefined, given);

describe('K3 a decorator without parentheses', () => {
  class Guarded {
    join() {}
    static make() {}
  }
  const method = {
    kind: 'method',
    name: 'join',
    static: false,
    private: false,
    addInitializer() {},
  };
  const decorators: [string, AnyFunction][] = [
    ['@OnConnect', OnConnect],
    ['@OnDisconnect', OnDisconnect],
    ['@OnSubscribe', OnSubscribe],
    ['@OnUnsubscribe', OnUnsubscribe],
    ['@OnMessage', OnMessage],
  ];
  it.each(decorators)(
    'K3 is refused as a legacy and as a standard decorator: %s',
    (name, decorator) => {
      const descriptor = Object.getOwnPropertyDescriptor(Guarded.prototype, 'join');
      const hint = `Write ${name}().`;
      const slip = (place: string) =>
        expect.objectContaining({
          code: 'ERR_DECORATOR_CALL',
          message: `${name} on ${place} lacks its parentheses.`,
          hint,
        });
      expect(() => call(decorator, Guarded.prototype, 'join', descriptor)).toThrow(
        slip('Guarded.join'),
      );
      expect(() => call(decorator, Guarded, 'make', descriptor)).toThrow(slip('Guarded.make'));
      expect(() => call(decorator, () => {}, method)).toThrow(slip('join'));
      // The way in which esbuild and swc call the decorator of a field.
      expect(() => call(decorator, undefined, { ...method, kind: 'field' })).toThrow(slip('join'));
      expect(() => call(decorator, Guarded.prototype, 'join')).toThrow(slip('Guarded.join'));
    },
  );

  it('K3 is refused at its place in the class', () => {
    expect(() => {
      class Open {
        // @ts-expect-error -- bundlers do not check types.
        @OnSubscribe
        join() {}
      }
      return Open;
    }).toThrow('@OnSubscribe on Open.join lacks its parentheses.');
  });

  it('K3 is refused: @Channel', () => {
    const context = { kind: 'class', name: 'Guarded', addInitializer() {} };
    for (const given of [[Guarded], [Guarded, context]]) {
      expect(() => call(Channel, ...given)).toThrow(
        expect.objectContaining({
          code: 'ERR_DECORATOR_CALL',
          message: '@Channel on Guarded lacks its parentheses.',
          hint: "Write @Channel('rooms/:roomId').",
        }),
      );
    }
  });
});

describe('K4 resolve', () => {
  class Rooms {
    hi() {
      return 1;
    }
  }
  Reflect.apply(OnMessage(), undefined, [Rooms.prototype, 'hi', undefined]);
  Channel('rooms/:id')(Rooms);
  class Better extends Rooms {}
  class Other {}
  const make = (resolve: () => unknown) =>
    createApp({ channels: [Rooms], store, resolve: resolve as never });

  it.each<[string, () => unknown]>([
    ['returned a promise', async () => new Rooms()],
    ['returned an instance of Other', () => new Other()],
    ['returned undefined', () => undefined],
    ['returned null', () => null],
    ['returned an object', () => ({ hi: () => 1 })],
    ['returned the class Rooms', () => Rooms],
    [
      'threw "no such service"',
      () => {
        throw new Error('no such service');
      },
    ],
  ])('K4 that %s is refused', (problem, resolve) => {
    expect(() => make(resolve)).toThrow(
      expect.objectContaining({
        code: 'ERR_RESOLVE',
        message: `The option "resolve" ${problem} for Rooms.`,
        hint: expect.stringContaining('before createApp()'),
      }),
    );
  });

  it.each<[string, () => unknown]>([
    ['an instance', () => new Rooms()],
    ['an instance of a subclass', () => new Better()],
    ['a proxy of an instance', () => new Proxy(new Rooms(), {})],
  ])('K4 may return %s', (_what, resolve) => {
    expect(make(resolve).routes.routes.filter(({ kind }) => kind === 'message')).toHaveLength(1);
  });

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['"rooms"', 'rooms'],
    ['Promise', Promise.resolve(new Rooms())],
  ])('K4 a list of channels with %s is refused', (label, source) => {
    expect(() => createApp({ channels: [source as object], store })).toThrow(
      expect.objectContaining({
        code: 'ERR_CHANNEL_NOT_DECORATED',
        message: `${label} is in the list of channels but has no @Channel.`,
      }),
    );
  });
});

it('K5 an app without channels gets a hint what to pass', () => {
  for (const channels of [undefined, []]) {
    expect(() => createApp({ channels: channels as never, store })).toThrow(
      expect.objectContaining({ code: 'ERR_CHANNELS_EMPTY' }),
    );
  }
});

describe('K6 a message', () => {
  it.each([
    ['rooms/{roomId}', 'has "{roomId}": a parameter is written ":roomId"'],
    ['rooms/[roomId]', 'has "[roomId]": a parameter is written ":roomId"'],
    ['rooms/<roomId>', 'has "<roomId>": a parameter is written ":roomId"'],
    ['rooms/$roomId', 'has "$roomId": a parameter is written ":roomId"'],
    ['rooms/*', 'has a character that must be percent-encoded ("*")'],
    ['/rooms/:roomId', 'begins with "/": leave it out'],
    ['rooms/:roomId/', 'ends with "/": leave it out'],
    ['/', 'begins with "/": leave it out'],
    ['rooms/:', 'has a ":" without the name of a parameter'],
    ['', 'is empty'],
    ['a//b', 'has an empty segment'],
    [undefined, 'is not a string'],
    [7, 'is not a string'],
  ])('K6 of the pattern %j says what is wrong with it', (pattern, problem) => {
    const label = `defineChannel('${pattern}')`;
    expect(() => compile([defineChannel(pattern as string, { name: 'rooms' })])).toThrow(
      expect.objectContaining({
        code: 'ERR_PATTERN_INVALID',
        message: `The pattern "${pattern}" of ${label} ${problem}.`,
      }),
    );
  });

  const fields = { text: v.string() };
  it.each<[string, () => unknown]>([
    ['@OnMessage()', () => OnMessage(fields as never)],
    [
      'message()',
      () =>
        defineChannel('a', {
          messages: ({ message }) => ({ x: message(fields as never, () => 1) }),
        }),
    ],
  ])('K6 of %s says that the fields of a schema are not a schema', (label, declare) => {
    expect(declare).toThrow(
      expect.objectContaining({
        code: 'ERR_SCHEMA_FIELDS',
        message: `${label} was given the fields of a schema ("text"), not a schema.`,
        hint: expect.stringContaining('z.object({ … })'),
      }),
    );
  });

  it('K6 of message() says that a class is not a schema', () => {
    class Post {}
    const handle = () => 1;
    expect(() =>
      defineChannel('a', { messages: ({ message }) => ({ x: message(Post as never, handle) }) }),
    ).toThrow(
      expect.objectContaining({
        code: 'ERR_SCHEMA_INVALID',
        hint: expect.stringContaining('dto(Class)'),
      }),
    );
  });

  it('K6 to a client that repeats the name of the channel says what to send', async () => {
    const rooms = defineChannel('rooms/:id', {
      messages: ({ message }) => ({ post: message(() => 1) }),
    });
    const app = createTestApp({ channels: [rooms], plugins: [{ name: 'q', onError() {} }] });
    const ann = await app.connect();
    expect(await ann.send('rooms.rooms.post', 'rooms/1')).toMatchObject({
      error: {
        code: 'ERR_ACTION_UNKNOWN',
        message:
          'There is no action "rooms.rooms.post". Send "post": the client puts "rooms." before it.',
      },
    });
    expect(await ann.send('rooms.pst', 'rooms/1')).toMatchObject({
      error: {
        message: 'There is no action "rooms.pst": the channel class "rooms" has no message "pst".',
      },
    });
    expect(await ann.send('room.post', 'rooms/1')).toMatchObject({
      error: { message: 'There is no action "room.post": no channel class is named "room".' },
    });
  });

  it('K6 of an app that cannot be created has the hint and then the line of the app in its stack', () => {
    let stack = '';
    try {
      createApp({ channels: [], store });
    } catch (error) {
      stack = (error as Error).stack ?? '';
    }
    const [first, second, third] = stack.split('\n');
    expect(first).toBe(
      'ConfigurationError [ERR_CHANNELS_EMPTY]: createApp() was given no channels.',
    );
    expect(second).toBe(
      '  Pass at least one channel class: createApp({ channels: [RoomChannel] }).',
    );
    expect(third).toContain('mistakes.test.ts');
  });
});

describe('A18 a channel without a class', () => {
  it('A18 is refused with the known patterns', () => {
    const table = compile([defineChannel('rooms/:roomId'), defineChannel('news')]);
    expect(() => checkKnown(table, 'romos/1')).toThrow(
      expect.objectContaining({
        name: 'UsageError',
        code: 'ERR_PUBLISH_UNKNOWN_CHANNEL',
        message: 'The server used the channel "romos/1", which matches no channel class.',
        hint: 'Build the name with channelName(pattern, params); the patterns are: rooms/:roomId, news.',
      }),
    );
    expect(() => checkKnown(table, 'rooms/1')).not.toThrow();
  });
});
