import {
  Channel,
  compile,
  createApp,
  defineChannel,
  memoryStore,
  OnConnect,
  OnMessage,
  OnSubscribe,
} from '@gatecast/framework';
import { createTestApp } from '@gatecast/framework/testing';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';

const schema = v.object({ text: v.string() });

@Channel('rooms/:roomId')
class RoomChannel {
  @OnMessage(schema)
  post({ text }: { text: string }) {
    return `${this.constructor.name} ${text}`;
  }

  @OnMessage({ reply: false })
  typing() {}
}

const make = (...channels: object[]) => createApp({ channels, store: memoryStore() });
const mistake = (code: string, message: string, hint: string) =>
  expect.objectContaining({
    name: 'ConfigurationError',
    kind: 'configuration',
    code,
    message,
    hint,
  });

describe('the table of routes', () => {
  it('has the built-in routes and one route for each message', () => {
    const { routes } = compile([RoomChannel]);
    expect(routes.map(({ key, twoWay, source }) => [key, twoWay, source])).toEqual([
      ['$connect', false, undefined],
      ['$disconnect', false, undefined],
      ['$default', true, undefined],
      ['subscribe', true, undefined],
      ['unsubscribe', true, undefined],
      ['ping', true, undefined],
      ['rooms.post', true, 'RoomChannel.post'],
      ['rooms.typing', false, 'RoomChannel.typing'],
    ]);
    expect(Object.isFrozen(routes) && routes.every((route) => Object.isFrozen(route))).toBe(true);
  });

  it('is the same for defineChannel', () => {
    const rooms = defineChannel('rooms/:roomId', {
      messages: ({ message }) => ({
        post: message(schema, ({ text }) => text),
        typing: message(() => undefined, { reply: false }),
      }),
    });
    const shape = (source: object) =>
      compile([source]).routes.map(({ key, kind, twoWay, schema: given }) => [
        key,
        kind,
        twoWay,
        given,
      ]);
    expect(shape(rooms)).toEqual(shape(RoomChannel));
  });

  it('prefers a literal segment to a parameter, in any order of classes', () => {
    @Channel('rooms/admin', { name: 'admin' })
    class AdminChannel {}
    for (const sources of [
      [RoomChannel, AdminChannel],
      [AdminChannel, RoomChannel],
    ]) {
      const table = compile(sources);
      expect(table.find('rooms/admin')?.value.label).toBe('AdminChannel');
      expect(table.find('rooms/a%2Fb')).toMatchObject({ params: { roomId: 'a/b' } });
      expect(table.find('rooms')).toBeUndefined();
    }
  });

  it('has the handlers that a class inherits', async () => {
    @Channel('halls/:hallId')
    class HallChannel extends RoomChannel {
      @OnMessage()
      close() {
        return 'closed';
      }
    }
    const app = createTestApp({ channels: [RoomChannel, HallChannel] });
    const ann = await app.connect();
    expect(await ann.send('halls.post', 'halls/1', { text: 'x' })).toMatchObject({
      data: 'HallChannel x',
    });
    expect(await ann.send('halls.close', 'halls/1')).toMatchObject({ data: 'closed' });
    expect(await ann.send('rooms.close', 'rooms/1')).toMatchObject({
      error: { code: 'ERR_ACTION_UNKNOWN' },
    });
  });

  it('calls a method through the wrapper of another decorator', async () => {
    const shout = (_target: object, _name: string, descriptor: PropertyDescriptor) => {
      const inner = descriptor.value as () => string;
      descriptor.value = function wrapped(this: unknown) {
        return `${inner.call(this)}!`;
      };
    };
    @Channel('loud')
    class LoudChannel {
      @shout
      @OnMessage()
      above() {
        return 'above';
      }

      @OnMessage()
      @shout
      below() {
        return 'below';
      }
    }
    const ann = await createTestApp({ channels: [LoudChannel] }).connect();
    expect(await ann.send('loud.above', 'loud')).toMatchObject({ data: 'above!' });
    expect(await ann.send('loud.below', 'loud')).toMatchObject({ data: 'below!' });
  });

  it('accepts instances, and makes them with resolve', async () => {
    @Channel('greeter')
    class GreeterChannel {
      readonly word: string;
      constructor(word: string) {
        this.word = word;
      }
      @OnMessage()
      greet() {
        return this.word;
      }
    }
    const ann = await createTestApp({ channels: [new GreeterChannel('hi')] }).connect();
    expect(await ann.send('greeter.greet', 'greeter')).toMatchObject({ data: 'hi' });
    expect(compile([GreeterChannel], (type) => new type('yo')).routes.at(-1)?.key).toBe(
      'greeter.greet',
    );
    expect(() => make(GreeterChannel)).toThrow(
      mistake(
        'ERR_CHANNEL_DEPENDENCIES',
        'The constructor of GreeterChannel has 1 parameter(s), but createApp() has no values for them.',
        'Pass an instance, or the option resolve: (type) => container.get(type).',
      ),
    );
  });
});

class Bare {}
@Channel('broken')
class BrokenChannel {
  constructor() {
    throw new Error('no database');
  }
}
@Channel('twice')
class TwiceChannel {
  @OnConnect()
  first() {}
  @OnConnect()
  second() {}
}
@Channel('lost')
class LostChannel {
  @OnMessage()
  say() {}
}
Reflect.deleteProperty(LostChannel.prototype, 'say');
@Channel('rooms')
class RoomsChannel {
  @OnMessage()
  post() {}
}

const loose = (pattern: string, options: object = {}) => defineChannel(pattern, options);
const segments =
  'Write something like "rooms/:roomId": segments that are joined by "/", each a literal of A-Z a-z 0-9 _ . ~ : @ = - or a ":parameter".';
const fit =
  'Use true for a pattern without parameters, otherwise a function that returns the parameters.';

describe('a mistake of configuration', () => {
  it.each<[string, object[], string, string]>([
    [
      'ERR_CHANNELS_EMPTY',
      [],
      'createApp() was given no channels.',
      'Pass at least one channel class: createApp({ channels: [RoomChannel] }).',
    ],
    [
      'ERR_CHANNEL_NOT_DECORATED',
      [Bare],
      'Bare is in the list of channels but has no @Channel.',
      "Put @Channel('pattern') on the class, or pass what defineChannel() returns.",
    ],
    [
      'ERR_CHANNEL_CONSTRUCTOR',
      [BrokenChannel],
      'The constructor of BrokenChannel threw: no database',
      'Leave work that needs the environment to the handlers, which run at the first event.',
    ],
    [
      'ERR_PATTERN_INVALID',
      [loose('a//b')],
      'The pattern "a//b" of defineChannel(\'a//b\') has an empty segment.',
      segments,
    ],
    [
      'ERR_PATTERN_INVALID',
      [loose('a/:1')],
      'The pattern "a/:1" of defineChannel(\'a/:1\') has the parameter ":1", whose name is not letters, digits and "_".',
      segments,
    ],
    [
      'ERR_PATTERN_INVALID',
      [loose('a/:b/:b')],
      'The pattern "a/:b/:b" of defineChannel(\'a/:b/:b\') has the parameter ":b" twice.',
      segments,
    ],
    [
      'ERR_PATTERN_DUPLICATE',
      [RoomChannel, loose('rooms/:id', { name: 'x' })],
      'The patterns "rooms/:roomId" of RoomChannel and "rooms/:id" of defineChannel(\'rooms/:id\') match the same channels.',
      'Give one pattern a literal segment where the other has a parameter, or merge the classes.',
    ],
    [
      'ERR_CHANNEL_NAMELESS',
      [loose(':a')],
      'The pattern ":a" of defineChannel(\':a\') has no literal segment to name its messages by.',
      "Name it: @Channel(':a', { name: 'rooms' }).",
    ],
    [
      'ERR_ROUTE_DUPLICATE',
      [RoomChannel, RoomsChannel],
      'Two handlers are registered for route "rooms.post": RoomChannel.post and RoomsChannel.post.',
      'Rename one method, or give one channel another name: @Channel(pattern, { name }).',
    ],
    [
      'ERR_HANDLER_MISSING',
      [LostChannel],
      '@OnMessage() was put on LostChannel.say, but the instance has no such method.',
      'Look for another decorator or a wrapper that took the method away.',
    ],
    [
      'ERR_HANDLER_DUPLICATE',
      [TwiceChannel],
      'TwiceChannel has two methods with @OnConnect(): first and second.',
      'Keep the decorator on one method, and call the other from it.',
    ],
    [
      'ERR_AUTO_SUBSCRIBE',
      [loose('a/:b', { autoSubscribe: true })],
      'defineChannel(\'a/:b\') declares autoSubscribe: true, which does not fit its pattern "a/:b".',
      fit,
    ],
    [
      'ERR_AUTO_SUBSCRIBE',
      [loose('a', { autoSubscribe: () => ({}) })],
      'defineChannel(\'a\') declares autoSubscribe: a function, which does not fit its pattern "a".',
      fit,
    ],
    [
      'ERR_ROUTE_NAME',
      [defineChannel('a', { messages: ({ message }) => ({ 'b c': message(() => 1) }) })],
      'defineChannel(\'a\').b c of the pattern "a" makes the route key "a.b c", which API Gateway does not allow.',
      'Use letters, digits, "_", "-" and "." in the names of channels and messages.',
    ],
  ])('%s says what happened and what to change', (code, channels, message, hint) => {
    expect(() => make(...channels)).toThrow(mistake(code, message, hint));
  });

  it('in the options of createApp is reported with the known ones', () => {
    const options = { channels: [RoomChannel], store: memoryStore(), plugin: [] } as const;
    expect(() => createApp(options)).toThrow(
      mistake(
        'ERR_OPTION_UNKNOWN',
        'createApp() was given the unknown option "plugin".',
        'Use one of: channels, store, authorizer, origins, plugins, gateway, resolve.',
      ),
    );
  });

  it('in the version of the store is reported', () => {
    const { connections } = memoryStore();
    const old = Object.create(connections, { contract: { value: 1 } }) as typeof connections;
    expect(() =>
      createApp({ channels: [RoomChannel], store: { name: 'old', connections: old } }),
    ).toThrow(
      mistake(
        'ERR_STORE_CONTRACT',
        'The store\'s "connections" implements version 1 of the contract, but this release needs version 2.',
        'Install matching versions of @gatecast/framework and of the store.',
      ),
    );
  });

  it('in a schema is reported', () => {
    const parse = (() => true) as never;
    expect(() => OnMessage(parse)).toThrow(
      expect.objectContaining({
        code: 'ERR_SCHEMA_INVALID',
        message: 'The schema of @OnMessage() is not a Standard Schema.',
      }),
    );
    expect(() => OnMessage({ replay: true } as never)).toThrow(
      mistake(
        'ERR_OPTION_UNKNOWN',
        '@OnMessage() was given the unknown option "replay".',
        'Use one of: reply.',
      ),
    );
  });

  it('in the place of a decorator is reported', () => {
    const decorate = (target: object, name: string | symbol): unknown =>
      Reflect.apply(OnSubscribe(), undefined, [target, name]);
    const hint = 'Put it on a public method that is not static: async post(message, ctx) { … }.';
    expect(() => decorate(Bare, 'join')).toThrow(
      mistake('ERR_HANDLER_PLACE', '@OnSubscribe() is on "join", which is static.', hint),
    );
    expect(() => decorate(Bare.prototype, Symbol('join'))).toThrow(
      mistake(
        'ERR_HANDLER_PLACE',
        '@OnSubscribe() is on "Symbol(join)", which is named by a symbol.',
        hint,
      ),
    );
  });
});

it('an event that does not come from API Gateway is refused with its keys', async () => {
  await expect(make(RoomChannel).handler({ Records: [] })).rejects.toMatchObject({
    code: 'ERR_EVENT_UNKNOWN',
    message: 'The handler was called with an event it does not know (keys: Records).',
  });
});
