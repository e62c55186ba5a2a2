import { ClientError, type MessageContext } from '@gatecast/framework';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { composePlugins } from '../src/invocation/hooks.js';
import { pause } from '../src/time/time-limit.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

type HookName = 'onFrame' | 'onConnect' | 'onSubscribe' | 'onMessage';
const context = (): MessageContext => ({}) as MessageContext;

/** The hooks of some plugins with one name, as one function. */
function compose(
  name: HookName,
  ...hooks: ((ctx: object, next: () => Promise<void>) => unknown)[]
) {
  const plugins = hooks.map((hook, index) => ({ name: `p${index}`, [name]: hook }));
  const onError = vi.fn();
  const composed = composePlugins([...plugins, { name: 'errors', onError }]);
  const run = composed.hooks[name] as (ctx: object, last: () => Promise<void>) => Promise<void>;
  return { run, onError };
}

describe('a hook that does not call next()', () => {
  it.each([
    ['onFrame', 'A plugin refused the frame.'],
    ['onConnect', 'A plugin refused the connection.'],
    ['onSubscribe', 'A plugin refused the subscription.'],
  ] as const)('refuses, and earlier plugins see that: %s', async (name, message) => {
    const seen: unknown[] = [];
    const last = vi.fn();
    const watch = (_ctx: object, next: () => Promise<void>) =>
      next().catch((error: unknown) => {
        seen.push(error);
        throw error;
      });
    const { run, onError } = compose(name, watch, () => undefined);
    const refusal = expect.objectContaining({ code: 'ERR_FORBIDDEN', message }) as ClientError;
    await expect(run(context(), last)).rejects.toEqual(refusal);
    expect(seen).toEqual([refusal]);
    expect(seen.every((error) => ClientError.is(error))).toBe(true);
    expect(last).not.toHaveBeenCalled();
    expect(onError).not.toHaveBeenCalled();
  });

  it('leaves out the handler of a message', async () => {
    const last = vi.fn();
    await compose('onMessage', () => undefined).run(context(), last);
    expect(last).not.toHaveBeenCalled();
  });
});

it('a hook that fails after next() has its own error, and the work has ended before', async () => {
  const failure = new Error('the hook');
  const steps: string[] = [];
  const { run } = compose('onMessage', (_ctx, next) => {
    void next();
    throw failure;
  });
  const running = run(context(), async () => {
    await pause(10);
    steps.push('ended');
  }).catch((error: unknown) => steps.push((error as Error).message));
  await vi.advanceTimersByTimeAsync(10);
  await running;
  expect(steps).toEqual(['ended', 'the hook']);
});

describe('D1 the next() of a hook that has ended', () => {
  it('D1 never settles, so that nothing that waits for it goes on', async () => {
    for (const last of [() => pause(10), () => pause(10).then(() => Promise.reject(new Error()))]) {
      const goneOn = vi.fn();
      const { run } = compose('onMessage', (_ctx, next) => {
        next().then(goneOn, goneOn);
      });
      const running = run(context(), last).catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(20);
      expect(await running).toMatchObject({ code: 'ERR_PLUGIN_NEXT_NOT_AWAITED' });
      expect(goneOn).not.toHaveBeenCalled();
    }
  });

  it('D1 runs nothing if it is called only then, which is reported with the hook', async () => {
    const goneOn = vi.fn();
    const last = vi.fn();
    const { run, onError } = compose('onMessage', (_ctx, next) => {
      void pause(10)
        .then(() => next())
        .then(goneOn, goneOn);
    });
    await run(context(), last);
    await vi.advanceTimersByTimeAsync(20);
    expect(onError.mock.calls).toMatchObject([[{ code: 'ERR_PLUGIN_NEXT_NOT_AWAITED' }, {}]]);
    expect(onError.mock.calls[0]?.[1]).toEqual({ route: 'onMessage', isAnswered: false });
    expect(last).not.toHaveBeenCalled();
    expect(goneOn).not.toHaveBeenCalled();
  });
});

it('a plugin without a hook costs nothing: there is no function for it', () => {
  const { hooks } = composePlugins([{ name: 'p', onFrame: (_ctx, next) => next() }]);
  expect(hooks.onFrame).toBeTypeOf('function');
  expect(hooks.onMessage).toBeUndefined();
});
