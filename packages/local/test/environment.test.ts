import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import { startGateway } from '../src/dev/start-gateway.js';
import { Environment } from '../src/lambda/environment/environment.js';
import { lambdaVariables } from '../src/lambda/environment/variables.js';
import type { FunctionConfiguration } from '../src/lambda/function.js';
import { openConnection } from './open-connection.js';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

interface StartOptions extends Partial<FunctionConfiguration> {
  readonly bundleFile?: string;
}

function start({ bundleFile, ...options }: StartOptions = {}): Environment {
  const handler = options.handler ?? 'handler';
  const configuration: FunctionConfiguration = {
    name: 'chat',
    entry: 'handlers.ts',
    handler,
    variables: lambdaVariables({
      functionName: 'chat',
      moduleName: 'handlers',
      bundleDirectory: '/var/task',
      handler,
      region: 'eu-central-1',
      memoryMb: 256,
    }),
    functionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:chat',
    timeoutMs: 20_000,
    memoryMb: 256,
    maxEnvironments: 1,
    quiet: true,
    ...options,
  };
  return Environment.start(configuration, bundleFile ?? fixture('handlers.mjs'));
}

function isRunning(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('an invocation', () => {
  it('passes on the event and returns the result', async () => {
    await using environment = start();
    const result = await environment.invoke({ body: 'hello' }, { requestId: 'one' });
    expect(result).toMatchObject({
      type: 'response',
      payload: { event: { body: 'hello' }, requestId: 'one' },
    });
  });

  it('finds the module in the state that the previous one left', async () => {
    await using environment = start();
    await environment.invoke({}, { requestId: 'one' });
    const result = await environment.invoke({}, { requestId: 'two' });
    expect(result).toMatchObject({ payload: { calls: 2, pid: environment.pid } });
  });

  it.each([
    ['throws', 'RangeError', 'too far'],
    ['throwsAtOnce', 'RangeError', 'too soon'],
    ['throwsText', 'string', 'just text'],
    ['callsBackWithError', 'TypeError', 'called back'],
  ])('that fails returns the error: %s', async (handler, errorType, errorMessage) => {
    await using environment = start({ handler });
    const result = await environment.invoke({}, { requestId: 'one' });
    expect(result).toMatchObject({ type: 'error', errorType, errorMessage });
    expect(environment.isUsable).toBe(true);
  });

  it.each([
    ['calledBack', { echo: { n: 1 } }],
    ['worksOn', { worked: true }],
    ['answersAtOnce', { worked: false }],
    ['neverAnswers', null],
    ['returnsNothing', null],
  ])('that is answered without a promise works as in Lambda: %s', async (handler, payload) => {
    await using environment = start({ handler });
    for (const requestId of ['one', 'two']) {
      const result = await environment.invoke({ n: 1 }, { requestId });
      expect(result).toMatchObject({ type: 'response', payload });
    }
  });

  // Node 24 on Lambda does not have these methods.
  const hasEndings = Number.parseInt(process.versions.node, 10) < 24;

  it.runIf(hasEndings).each([
    ['succeed', [{ n: 1 }], { type: 'response', payload: { n: 1 } }],
    ['done', [null, { n: 2 }], { type: 'response', payload: { n: 2 } }],
    ['done', ['no'], { type: 'error', errorType: 'string', errorMessage: 'no' }],
    ['fail', ['never'], { type: 'error', errorType: 'string', errorMessage: 'never' }],
  ])('I14 may end with context.%s: %j', async (method, values, expected) => {
    await using environment = start({ handler: 'endsByContext' });
    const result = await environment.invoke({ method, values }, { requestId: 'one' });
    expect(result).toMatchObject(expected);
  });

  it.skipIf(hasEndings)('I14 has none of these methods on Node 24', async () => {
    await using environment = start({ handler: 'endsByContext' });
    const event = { method: 'succeed', values: [1] };
    const result = await environment.invoke(event, { requestId: 'one' });
    expect(result).toMatchObject({ type: 'error', errorType: 'TypeError' });
  });

  it('fails when its result is not JSON', async () => {
    await using environment = start({ handler: 'returnsCircle' });
    const result = await environment.invoke({}, { requestId: 'one' });
    expect(result).toMatchObject({ type: 'error', errorType: 'Runtime.MarshalError' });
  });

  it('I3 has no channel to the gateway that it could use, as in Lambda', async () => {
    await using environment = start({ handler: 'tellsThatItIsReady' });
    for (const requestId of ['one', 'two']) {
      const result = await environment.invoke({}, { requestId });
      expect(result).toMatchObject({ payload: { send: 'undefined', connected: 'undefined' } });
    }
  });

  it('I3 is answered although the function wrote to the pipe of the gateway', async () => {
    await using environment = start({ handler: 'writesToEveryPipe' });
    for (const requestId of ['one', 'two']) {
      const result = await environment.invoke({}, { requestId });
      expect(result).toMatchObject({ type: 'response', payload: 'written' });
    }
  });

  it('I5 leaves nothing of its answer in memory', async () => {
    setFlagsFromString('--expose_gc');
    const collect = runInNewContext('gc') as () => void;
    const usedMb = (): number => {
      collect();
      return process.memoryUsage().heapUsed / 1e6;
    };
    await using environment = start({ handler: 'answersWithText' });
    const answers = async (count: number): Promise<number> => {
      for (let n = 0; n < count; n++) {
        await environment.invoke({ length: 1e6 }, { requestId: `${n}` });
      }
      return usedMb();
    };
    const before = await answers(5);
    expect((await answers(40)) - before).toBeLessThan(15);
  });

  it("gets Lambda's context", async () => {
    await using environment = start({ handler: 'contextOf' });
    const result = await environment.invoke({}, { requestId: 'one' });
    expect(result).toMatchObject({
      type: 'response',
      payload: {
        callbackWaitsForEmptyEventLoop: true,
        awsRequestId: 'one',
        functionName: 'chat',
        functionVersion: '$LATEST',
        invokedFunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:chat',
        memoryLimitInMB: '256',
        logGroupName: '/aws/lambda/chat',
        logStreamName: 'local/[$LATEST]',
        remaining: expect.any(Number),
      },
    });
  });
});

describe('a cold start', () => {
  it('is only reported by the first invocation, with its duration', async () => {
    await using environment = start();
    const first = await environment.invoke({}, { requestId: 'one' });
    expect(first.coldStartMs).toBeGreaterThan(1);
    const second = await environment.invoke({}, { requestId: 'two' });
    expect(second).not.toHaveProperty('coldStartMs');
  });

  it('is not reported if the environment was loaded before', async () => {
    await using environment = start();
    await environment.load();
    const result = await environment.invoke({}, { requestId: 'one' });
    expect(result).not.toHaveProperty('coldStartMs');
  });
});

describe('a debugger', () => {
  it('I16 has no time limit, neither for loading nor for an invocation', async () => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const handler = 'twoWayAnswer';
    const entry = fixture('handlers.mjs');
    const routes = [{ routeKey: '$default', twoWay: true }];
    const options = { entry, handler, routes, quiet: true, inspect: '127.0.0.1:0' };
    await using gateway = await startGateway(options);
    await using connection = await openConnection(gateway.url);
    connection.send('hello');
    expect(await connection.receive()).toBe('hello');
    const delays = timers.mock.calls.map(([, delayMs]) => delayMs);
    timers.mockRestore();
    expect(delays).toContain(2 ** 31 - 1);
    for (const limitMs of [10_000, 29_000]) expect(delays).not.toContain(limitMs);
  });

  it('may attach to the process', async () => {
    await using environment = start({ handler: 'inspectorUrl', inspect: '127.0.0.1:0' });
    const result = await environment.invoke({}, { requestId: 'one' });
    expect(result).toMatchObject({ payload: expect.stringMatching(/^ws:\/\/127\.0\.0\.1:\d+\//) });
  });
});

describe('an answer', () => {
  it.each([
    [6_291_554, { type: 'response' }],
    [6_291_555, { type: 'error', errorType: 'Function.ResponseSizeTooLarge' }],
  ])('I7 of %i characters and two quotes', async (length, outcome) => {
    await using environment = start({ handler: 'answersWithText' });
    const result = await environment.invoke({ length }, { requestId: 'one' });
    expect(result).toMatchObject(outcome);
  });
});

describe('a process', () => {
  it('I16 is killed by a fault that was due before the invocation could begin', async () => {
    await using environment = start();
    const kill = AbortSignal.abort();
    const result = await environment.invoke({}, { requestId: 'one', kill });
    expect(result).toMatchObject({
      type: 'error',
      errorMessage: expect.stringContaining('killed'),
    });
  });

  it.each([
    [0, 'RequestId: one Error: Runtime exited without providing a reason'],
    [3, 'RequestId: one Error: Runtime exited with error: exit status 3'],
  ])('that exits with %i during an invocation fails it', async (code, errorMessage) => {
    await using environment = start({ handler: 'exits' });
    const result = await environment.invoke({ code }, { requestId: 'one' });
    expect(result).toMatchObject({ type: 'error', errorType: 'Runtime.ExitError', errorMessage });
    expect(environment.isUsable).toBe(false);
  });

  it.each([
    ['aborted', 'fillsMemory'],
    ['killed', 'killsItself'],
  ])('that was %s fails the invocation: %s', async (signal, handler) => {
    await using environment = start({ handler, memoryMb: 64 });
    const result = await environment.invoke({}, { requestId: 'one' });
    const errorMessage = `RequestId: one Error: Runtime exited with error: signal: ${signal}`;
    expect(result).toMatchObject({ type: 'error', errorType: 'Runtime.ExitError', errorMessage });
    expect(environment.isUsable).toBe(false);
  });

  it('is ended by an unhandled rejection', async () => {
    await using environment = start({ handler: 'rejectsElsewhere' });
    const result = await environment.invoke({}, { requestId: 'one' });
    expect(result).toMatchObject({ type: 'error', errorType: 'Runtime.ExitError' });
  });

  it('is killed at the time-out, even when it never yields', async () => {
    await using environment = start({ handler: 'spins', timeoutMs: 100 });
    const result = await environment.invoke({}, { requestId: 'one' });
    const errorMessage = 'one Task timed out after 0.10 seconds';
    expect(result).toMatchObject({ type: 'error', errorType: 'Sandbox.Timedout', errorMessage });
    await vi.waitFor(() => expect(isRunning(environment.pid)).toBe(false));
  });

  it('is gone once it is closed, even when it never yields', async () => {
    const environment = start({ handler: 'spins' });
    const result = environment.invoke({}, { requestId: 'one' });
    await environment.load();
    expect(isRunning(environment.pid)).toBe(true);
    await environment.close();
    expect(isRunning(environment.pid)).toBe(false);
    expect(await result).toMatchObject({ type: 'error', errorType: 'Runtime.ExitError' });
  });

  it('does not end by Ctrl-C, which the terminal sends to it too', async () => {
    await using environment = start();
    await environment.load();
    process.kill(environment.pid ?? 0, 'SIGINT');
    const result = await environment.invoke({}, { requestId: 'one' });
    expect(result).toMatchObject({ type: 'response', payload: { pid: environment.pid } });
  });

  it('has exactly the given variables', async () => {
    await using environment = start({ handler: 'variables', variables: { GREETING: 'hello' } });
    const result = await environment.invoke({}, { requestId: 'one' });
    expect(result).toMatchObject({ payload: { GREETING: 'hello' } });
    expect(result).not.toHaveProperty('payload.PATH');
  });
});

describe('a module', () => {
  it('may be CommonJS', async () => {
    await using environment = start({ bundleFile: fixture('common-js.cjs') });
    const result = await environment.invoke({ n: 1 }, { requestId: 'one' });
    expect(result).toMatchObject({ type: 'response', payload: { commonJs: { n: 1 } } });
  });

  it.each([
    ['fails-to-load.mjs', 'Error', 'not in the mood'],
    ['missing-import.mjs', 'Runtime.ImportModuleError', 'no-such-file.mjs'],
  ])('that cannot be loaded fails the invocation: %s', async (file, errorType, text) => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await using environment = start({ bundleFile: fixture(file) });
    const result = await environment.invoke({}, { requestId: 'one' });
    const shown = stderr.mock.calls.join('');
    stderr.mockRestore();
    expect(result).toMatchObject({ type: 'error', errorType });
    expect(result).toHaveProperty('errorMessage', expect.stringContaining(text));
    expect(shown).toContain(text);
    expect(environment.isUsable).toBe(false);
  });

  it('without the handler is reported with its exports', async () => {
    await using environment = start({ bundleFile: fixture('app-without-handler.mjs') });
    const result = await environment.invoke({}, { requestId: 'one' });
    expect(result).toMatchObject({
      type: 'error',
      errorType: 'Runtime.HandlerNotFound',
      errorMessage:
        '"handlers.ts" does not export a function "handler". It exports "app", "other".\n' +
        'Lambda calls an export with that name: in a Gatecast app, add export const handler = app.handler;',
    });
  });

  it('reports the manifest of its app', async () => {
    await using environment = start({ bundleFile: fixture('app-without-handler.mjs') });
    expect(await environment.load()).toEqual({
      type: 'loaded',
      module: {
        exports: ['app', 'other'],
        hasHandler: false,
        manifest: { version: 1, routes: [] },
      },
    });
  });
});
