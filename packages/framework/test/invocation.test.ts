import { memoryStore } from '@gatecast/framework';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Gateway } from '../src/deliver/gateway.js';
import { Stages } from '../src/deliver/stage.js';
import { composePlugins } from '../src/invocation/hooks.js';
import { addressOf, Invocation } from '../src/invocation/invocation.js';
import { Deadlines } from '../src/time/deadlines.js';
import { pause } from '../src/time/time-limit.js';
import type { RequestContext, WebSocketEvent } from '../src/wire/lambda-events.js';
import { contextOf, never } from './lambda.js';

const NOW = 1_000_000;
const LEFT_MS = 2_000;
const ENDS_AT = NOW + LEFT_MS - 500;
const request = {
  connectionId: 'c1',
  requestId: 'r1',
  routeKey: 'rooms.say',
  apiId: 'abc123',
  stage: 'prod',
  requestTimeEpoch: NOW - 30,
} as RequestContext;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

const gateway: Gateway = {
  post: async () => ({ result: 'delivered' }),
  disconnect: async () => ({ result: 'delivered' }),
};

function makeCore() {
  const report = vi.fn();
  const deadlines = new Deadlines();
  const core = {
    ...composePlugins([]),
    store: memoryStore(),
    stages: new Stages({ gateway }),
    now: Date.now,
    deadlines,
    report,
  };
  return { core, report, deadlines };
}

/** The invocation of an event. */
function makeInvocation(of: RequestContext | undefined = request, hasContext = true) {
  const made = makeCore();
  const context = hasContext ? contextOf(LEFT_MS) : undefined;
  const event = of && ({ requestContext: of } as WebSocketEvent);
  return { ...made, invocation: new Invocation(made.core, event, context) };
}

describe('B1 the time of an invocation', () => {
  it('B1 ends 500 ms before that of the function, and 200 ms later for a clean-up', () => {
    const { invocation } = makeInvocation();
    expect(invocation.limit()).toEqual({ endsAt: ENDS_AT, signal: invocation.signal });
    expect(invocation.cleanUpLimit).toEqual({ endsAt: ENDS_AT + 200 });
    vi.advanceTimersByTime(100);
    expect(invocation.endsAt).toBe(ENDS_AT);
  });

  it('B1 has no end without a context of Lambda', async () => {
    const { invocation, deadlines } = makeInvocation(request, false);
    const add = vi.spyOn(deadlines, 'add');
    expect(invocation.endsAt).toBe(Infinity);
    expect(await invocation.inTime(Promise.resolve(1), 'a handler')).toBe(1);
    expect(add).not.toHaveBeenCalled();
  });

  it('B2 rejects work that takes longer, and names it', async () => {
    const { invocation } = makeInvocation();
    const { signal } = invocation;
    invocation.checkTime('a rule');
    const working = invocation.inTime(never(), 'a plugin', 40).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(LEFT_MS - 500 + 39);
    expect(signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await working).toMatchObject({
      code: 'ERR_HANDLER_TIMEOUT',
      message: expect.stringMatching(/rooms\.say.*a plugin|a plugin.*rooms\.say/) as string,
    });
    expect(signal.reason).toMatchObject({ code: 'ERR_INVOCATION_OVER' });
    expect(() => invocation.checkTime('a rule')).toThrow(
      expect.objectContaining({
        code: 'ERR_HANDLER_TIMEOUT',
        message: expect.stringContaining('a rule') as string,
      }) as Error,
    );
    expect(() => invocation.limit('publish() on "rooms/1"')).toThrow('publish() on "rooms/1"');
    expect(() => invocation.limit()).toThrow('rooms.say');
    expect(invocation.signal).toBe(signal);
  });

  it('B2 forgets the deadline of work that has ended in any way', async () => {
    const { invocation, deadlines } = makeInvocation();
    const remove = vi.spyOn(deadlines, 'remove');
    expect(await invocation.inTime(Promise.resolve(1), 'a handler')).toBe(1);
    expect(remove).toHaveBeenCalledTimes(1);
    const failure = new Error('no');
    await expect(invocation.inTime(Promise.reject(failure), 'a handler')).rejects.toBe(failure);
    expect(remove).toHaveBeenCalledTimes(2);
  });
});

describe('B5 the signal of an invocation', () => {
  it('B5 takes any number of listeners and is aborted by the end, even if it is first used then', () => {
    const early = makeInvocation().invocation;
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    for (let count = 0; count < 20; count += 1) early.signal.addEventListener('abort', () => {});
    expect(warn).not.toHaveBeenCalled();
    expect(early.signal.aborted).toBe(false);
    void early.end();
    expect(early.signal.aborted).toBe(true);
    const late = makeInvocation().invocation;
    void late.end();
    expect(late.signal.reason).toMatchObject({
      code: 'ERR_INVOCATION_OVER',
      message: expect.stringContaining('rooms.say') as string,
    });
  });
});

describe('B5 work that delays the answer', () => {
  /** Ends an invocation whose work continues after it is aborted. Returns how long that takes. */
  async function endWith(abortedMs: number) {
    const { invocation, report } = makeInvocation();
    const failure = new Error('It was cut off.');
    const work = async (): Promise<void> => {
      await new Promise((resolve) => invocation.signal.addEventListener('abort', resolve));
      await pause(abortedMs);
      throw failure;
    };
    void invocation.delayAnswer(work());
    const ended: { afterMs?: number } = {};
    void Promise.resolve(invocation.end()).then(() => {
      ended.afterMs = Date.now() - NOW;
    });
    await vi.advanceTimersByTimeAsync(LEFT_MS);
    return { afterMs: ended.afterMs, report, failure };
  }

  it('B5 is aborted at the end of the time, and awaited while it stops', async () => {
    const { afterMs, report, failure } = await endWith(50);
    expect(afterMs).toBe(LEFT_MS - 500 + 50);
    expect(report.mock.calls).toMatchObject([
      [{ code: 'ERR_HANDLER_TIMEOUT' }, { route: 'rooms.say', isAnswered: false }],
      [failure, { route: 'rooms.say' }],
    ]);
  });

  it('B5 is awaited no longer than 100 ms after that, and its failure is reported later', async () => {
    const { afterMs, report, failure } = await endWith(300);
    expect(afterMs).toBe(LEFT_MS - 500 + 100);
    expect(report.mock.calls[1]?.[0]).toBe(failure);
  });
});

describe('the report of an error', () => {
  it('has the place, and how long ago the request came', () => {
    const { invocation, report } = makeInvocation();
    const error = new Error('no');
    invocation.report(error, { isAnswered: true, count: 3 });
    invocation.report(new Error('other'));
    const place = { route: 'rooms.say', connectionId: 'c1', requestId: 'r1', durationMs: 30 };
    expect(report.mock.calls.map(([, ctx]) => ctx as object)).toEqual([
      { ...place, isAnswered: true, count: 3 },
      { ...place, isAnswered: false },
    ]);
  });

  it('lacks what is not known', () => {
    const { requestTimeEpoch: _, ...timeless } = request;
    const inEvent = makeInvocation(timeless);
    inEvent.invocation.report('no');
    const place = { route: 'rooms.say', connectionId: 'c1', requestId: 'r1', isAnswered: false };
    expect(inEvent.report.mock.calls).toEqual([['no', place]]);
    const { core, report } = makeCore();
    new Invocation(core, undefined).report('no');
    expect(report.mock.calls).toEqual([['no', { route: 'publish', isAnswered: false }]]);
  });

  it.each([
    ['an object is made once', {}, 1],
    ['a text is made each time', 'no', 2],
    ['null is made each time', null, 2],
    ['nothing is made each time', undefined, 2],
  ])('of %s', (_what, error, times) => {
    const { invocation, report } = makeInvocation();
    invocation.report(error);
    invocation.report(error);
    expect(report).toHaveBeenCalledTimes(times);
  });
});

describe('the stage of an invocation', () => {
  it('has the Region of the function', () => {
    vi.stubEnv('AWS_REGION', 'eu-west-1');
    expect(addressOf(request)).toEqual({ apiId: 'abc123', stage: 'prod', region: 'eu-west-1' });
    expect(makeInvocation().invocation.address).toEqual(addressOf(request));
    vi.stubEnv('AWS_REGION', undefined);
    expect(addressOf(request).region).toBe('');
  });

  it('is that of the environment outside of any event', () => {
    vi.stubEnv('AWS_REGION', 'eu-west-1');
    vi.stubEnv('GATECAST_API_ID', 'own');
    vi.stubEnv('GATECAST_STAGE', 'dev');
    const { core } = makeCore();
    const address = { apiId: 'own', stage: 'dev', region: 'eu-west-1' };
    expect(new Invocation(core, undefined).address).toEqual(address);
    expect(new Invocation(core, undefined).stage().address).toEqual(address);
  });
});
