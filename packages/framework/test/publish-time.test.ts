import {
  type App,
  createApp,
  createPublisher,
  defineChannel,
  event,
  type MessageLog,
  memoryStore,
} from '@gatecast/framework';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventOf, gatewayWith, never, runSimulated, storeWith } from './lambda.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('B1 publish ends before the answer', () => {
  const subscribers = async (app: App, count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) {
      const id = `s${index}`;
      await app.handler(eventOf.connect(id));
      await app.handler(eventOf.subscribe(id, 'rooms/1'));
    }
  };

  it.each([
    ['a slow gateway', { leftMs: 1_000, postMs: 50, count: 1_200 }],
    ['a slow gateway and more time', { leftMs: 8_000, postMs: 900, count: 1_200 }],
    ['a gateway that hangs', { leftMs: 3_000, postMs: Infinity, count: 1 }],
    ['a gateway that hangs for many subscribers', { leftMs: 2_000, postMs: Infinity, count: 640 }],
    ['a gateway that hangs and little time', { leftMs: 600, postMs: Infinity, count: 3 }],
  ])('B1 %s', async (_what, { leftMs, postMs, count }) => {
    const errors: unknown[] = [];
    const rooms = defineChannel('rooms/:roomId', {
      access: 'public',
      events: { x: event<number>() },
      messages: ({ message }) => ({
        say: message(async (_data, ctx) => (await ctx.channel.publish('x', 1)).delivery),
      }),
    });
    let [begun, underWay] = [0, 0];
    const app = createApp({
      channels: [rooms],
      store: storeWith({}),
      gateway: gatewayWith({
        post: async (_id, _frame, { endsAt } = {}) => {
          begun += 1;
          underWay += 1;
          await new Promise<void>((resolve) => {
            if (Number.isFinite(postMs)) setTimeout(resolve, postMs);
            // Ends with the signal, as a gateway has to.
            if (endsAt !== undefined) setTimeout(resolve, Math.max(0, endsAt - Date.now()));
          });
          underWay -= 1;
          return { result: 'delivered' };
        },
      }),
      plugins: [{ name: 'errors', onError: (error) => errors.push(error) }],
    });
    await subscribers(app, count);
    const frame = eventOf.message('s0', 'rooms.say');
    const { answer, afterMs } = await runSimulated(app.handler, frame, leftMs);
    const { delivered, gone, failed } = (answer.frame?.['data'] ?? {}) as Record<string, number>;
    expect(afterMs).toBeLessThanOrEqual(leftMs - 500);
    expect([underWay, gone]).toEqual([0, 0]);
    // Subscribers on pages that were not read are not counted.
    expect((delivered ?? 0) + (failed ?? 0)).toBe(Math.min(count, 1_000));
    expect(failed).toBeGreaterThan(0);
    expect(errors).toMatchObject([{ code: 'ERR_DELIVERY_UNFINISHED' }]);
    const before = begun;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(begun).toBe(before);
  });

  it('B1 a publisher outside of any event ends by itself', async () => {
    const store = storeWith({});
    const rooms = defineChannel('rooms/:roomId', { access: 'public' });
    const gateway = gatewayWith({ post: never });
    const app = createApp({ channels: [rooms], store, gateway });
    await subscribers(app, 3);
    const error = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const onEnd = vi.fn();
    const publisher = createPublisher({ store, gateway });
    void publisher.channel('rooms/1').publish('x', 1).then(onEnd);
    await vi.advanceTimersByTimeAsync(26_000);
    expect(onEnd).toHaveBeenCalledWith(
      expect.objectContaining({ delivery: { delivered: 0, gone: 0, failed: 3 } }),
    );
    error.mockRestore();
  });

  it.each([
    ['delivers to a gateway that hangs', {}],
    [
      'keeps the event in a log that is slow',
      { history: { 'rooms/:roomId': { retentionSeconds: 600 } } },
    ],
  ])('a publisher that %s ends after timeoutMs', async (_what, settings) => {
    const store = storeWith({});
    const gateway = gatewayWith({ post: never });
    const rooms = defineChannel('rooms/:roomId', { access: 'public' });
    await subscribers(createApp({ channels: [rooms], store, gateway }), 3);
    const limits: unknown[] = [];
    const log = memoryStore().log as MessageLog;
    const append: MessageLog['append'] = (request, limit) => {
      limits.push(limit?.endsAt);
      return log.append(request, limit);
    };
    const whole = { ...store, log: { ...log, contract: log.contract, append } };
    const plugins = [{ name: 'silent', onError: () => undefined }];
    const publisher = createPublisher({ store: whole, gateway, plugins, ...settings });
    const onEnd = vi.fn();
    const start = Date.now();
    void publisher.channel('rooms/1').publish('x', 1, { timeoutMs: 2_000 }).then(onEnd);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(onEnd).toHaveBeenCalledWith(
      expect.objectContaining({ delivery: { delivered: 0, gone: 0, failed: 3 } }),
    );
    expect(limits).toEqual('history' in settings ? [start + 2_000] : []);
  });

  it('B1 a throttled farewell ends in time for the answer, and also outside of any event', async () => {
    let posts = 0;
    const throttled = async () => {
      posts += 1;
      const error = Object.assign(new Error('429'), { code: 'ERR_DELIVERY_THROTTLED' });
      return { result: 'throttled', error } as never;
    };
    const rooms = defineChannel('rooms/:roomId', { access: 'public' });
    const gateway = gatewayWith({ post: throttled, disconnect: throttled });
    const app = createApp({ channels: [rooms], store: storeWith({}), gateway });
    const onEnd = vi.fn();
    app.connection('c1').disconnect().catch(onEnd);
    await vi.advanceTimersByTimeAsync(26_000);
    expect(onEnd).toHaveBeenCalledOnce();
    const before = posts;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(posts).toBe(before);
  });
});
