import { Channel, compile, OnConnect, OnMessage, OnSubscribe } from '@gatecast/framework';
import { createTestApp } from '@gatecast/framework/testing';
import { describe, expect, it } from 'vitest';

@Channel('rooms/:roomId')
class RoomChannel {
  readonly greeting = 'Hello from';

  @OnSubscribe()
  join() {
    return this.greeting;
  }

  @OnMessage()
  post(data: unknown) {
    return `${this.greeting} ${this.constructor.name}: ${String(data)}`;
  }

  @OnMessage({ reply: false })
  typing() {}
}

@Channel('halls/:hallId')
class HallChannel extends RoomChannel {
  @OnMessage()
  close() {
    return 'closed';
  }
}

const keysOf = (...sources: object[]) =>
  compile(sources)
    .routes.filter(({ kind }) => kind === 'message')
    .map(({ key, twoWay }) => [key, twoWay]);

describe('decorators of the TC39 convention', () => {
  it('make the routes of a class', async () => {
    const ann = await createTestApp({ channels: [RoomChannel] }).connect();
    expect(keysOf(RoomChannel)).toEqual([
      ['rooms.post', true],
      ['rooms.typing', false],
    ]);
    expect(await ann.subscribe('rooms/1')).toMatchObject([{ data: 'Hello from' }]);
    expect(await ann.send('rooms.post', 'rooms/1', 'x')).toMatchObject({
      data: 'Hello from RoomChannel: x',
    });
  });

  it('are inherited by subclasses, but not by superclasses', async () => {
    const ann = await createTestApp({ channels: [HallChannel, RoomChannel] }).connect();
    expect(await ann.send('halls.post', 'halls/1', 'x')).toMatchObject({
      data: 'Hello from HallChannel: x',
    });
    expect(keysOf(HallChannel).flat()).toContain('halls.close');
    expect(keysOf(RoomChannel).flat()).not.toContain('rooms.close');
  });

  it('count once no matter how often the class is instantiated', () => {
    expect(keysOf(RoomChannel)).toEqual(keysOf(new RoomChannel()));
    expect(keysOf(RoomChannel)).toHaveLength(2);
  });

  it('call a method through the wrapper of another decorator', async () => {
    const wrap = (inner: () => string) =>
      function wrapped(this: unknown) {
        return `${inner.call(this)}!`;
      };
    // Typed for both kinds of decorators, because the configuration of the parent folder reads this file,
    // too.
    const shout = wrap as (...args: unknown[]) => never;
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

  it.each([
    ['static', { static: true, private: false }],
    ['private', { static: false, private: true }],
  ])('may not be on a %s method', (place, over) => {
    const decorate = (method: object, at: object): unknown =>
      Reflect.apply(OnConnect(), undefined, [method, at]);
    const context = { kind: 'method', name: 'open', addInitializer() {}, ...over };
    expect(() => decorate(() => undefined, context)).toThrow(
      expect.objectContaining({
        code: 'ERR_HANDLER_PLACE',
        message: `@OnConnect() is on "open", which is ${place}.`,
        hint: 'Put it on a public method that is not static: async post(message, ctx) { … }.',
      }),
    );
  });

  it('may not mark two methods for the same lifecycle event', () => {
    @Channel('twice')
    class TwiceChannel {
      @OnConnect()
      first() {}
      @OnConnect()
      second() {}
    }
    expect(() => compile([TwiceChannel])).toThrow(
      expect.objectContaining({
        code: 'ERR_HANDLER_DUPLICATE',
        message: 'TwiceChannel has two methods with @OnConnect(): first and second.',
        hint: 'Keep the decorator on one method, and call the other from it.',
      }),
    );
  });
});

it('K3 are refused without parentheses at their place in the class', () => {
  const slip = (message: string) =>
    expect.objectContaining({ code: 'ERR_DECORATOR_CALL', message });
  expect(() => {
    class Guarded {
      // @ts-expect-error -- bundlers do not check types.
      @OnSubscribe
      join() {}
    }
    return Guarded;
  }).toThrow(slip('@OnSubscribe on join lacks its parentheses.'));
  expect(() => {
    // @ts-expect-error -- as above.
    @Channel
    class Guarded {}
    return Guarded;
  }).toThrow(slip('@Channel on Guarded lacks its parentheses.'));
});
