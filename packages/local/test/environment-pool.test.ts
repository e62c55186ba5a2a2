import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { InvocationResult } from '../src/gateway/lambda-function.js';
import { Environment } from '../src/lambda/environment/environment.js';
import { EnvironmentPool } from '../src/lambda/environment/pool.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatecast-pool-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

interface TestPool extends AsyncDisposable {
  readonly pool: EnvironmentPool;
  readonly started: Environment[];
}

function makePool(handler: string, maxEnvironments: number): TestPool {
  const started: Environment[] = [];
  const start = (): Environment => {
    const environment = Environment.start(
      {
        name: 'handlers',
        entry: 'handlers.ts',
        handler,
        variables: {},
        functionArn: '',
        timeoutMs: 20_000,
        memoryMb: 128,
        maxEnvironments,
      },
      fileURLToPath(new URL('fixtures/handlers.mjs', import.meta.url)),
    );
    started.push(environment);
    return environment;
  };
  const pool = new EnvironmentPool({ start, maxEnvironments, first: start() });
  return { pool, started, [Symbol.asyncDispose]: () => pool.close() };
}

const file = (name: string): string => join(directory, name);

const isRunning = ({ pid = 0 }: Environment): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const payload = (result: InvocationResult): unknown =>
  result.type === 'response' ? result.payload : result;

it('I3 keeps the result of an invocation when no process can be started for the next', async () => {
  const { pool, started } = makePool('exits', 1);
  const [first] = started;
  const failing = new EnvironmentPool({
    start: () => {
      throw new Error('spawn E2BIG');
    },
    maxEnvironments: 1,
    first: first as Environment,
  });
  const ended = failing.invoke({ code: 3 }, { requestId: 'one' });
  const waiting = failing.invoke({}, { requestId: 'two' });
  await expect(ended).resolves.toMatchObject({ errorType: 'Runtime.ExitError' });
  await expect(waiting).rejects.toThrow('spawn E2BIG');
  await pool.close();
});

describe('a pool', () => {
  it('runs invocations concurrently, each in its own process', async () => {
    await using test = makePool('waitsForFile', 10);
    const results = [1, 2].map((n) =>
      test.pool.invoke({ file: file('go') }, { requestId: `${n}` }),
    );
    await Promise.all(test.started.map((environment) => environment.load()));
    await writeFile(file('go'), '');
    const [first, second] = (await Promise.all(results)).map(payload);
    expect([first, second]).toEqual(test.started.map(({ pid }) => pid));
    expect(first).not.toBe(second);
  });

  it('reuses a process instead of starting another one', async () => {
    await using test = makePool('handler', 10);
    for (const requestId of ['one', 'two', 'three']) {
      await test.pool.invoke({}, { requestId });
    }
    expect(test.started).toHaveLength(1);
  });

  it('makes further invocations wait in order while all processes are busy', async () => {
    await using test = makePool('waitsForFile', 1);
    const ended: string[] = [];
    const results = ['one', 'two', 'three'].map(async (requestId) => {
      await test.pool.invoke({ file: file(requestId) }, { requestId });
      ended.push(requestId);
    });
    await writeFile(file('three'), '');
    await writeFile(file('two'), '');
    await writeFile(file('one'), '');
    await Promise.all(results);
    expect(ended).toEqual(['one', 'two', 'three']);
    expect(test.started).toHaveLength(1);
  });

  it('replaces a process that ended during an invocation', async () => {
    await using test = makePool('exits', 1);
    const waiting = test.pool.invoke({ code: 1 }, { requestId: 'one' });
    const next = test.pool.invoke({ code: 2 }, { requestId: 'two' });
    expect(await waiting).toMatchObject({ errorMessage: expect.stringContaining('status 1') });
    expect(await next).toMatchObject({ errorMessage: expect.stringContaining('status 2') });
    expect(test.started).toHaveLength(2);
  });

  it('replaces a process that ended while it was idle', async () => {
    await using test = makePool('endsWhileIdle', 1);
    const first = payload(await test.pool.invoke({}, { requestId: 'one' }));
    await vi.waitFor(() => expect(test.started[0]?.isUsable).toBe(false));
    const second = payload(await test.pool.invoke({}, { requestId: 'two' }));
    expect(second).not.toBe(first);
    expect(second).toBe(test.started[1]?.pid);
  });

  it('I3 keeps a process whose event could not be passed on', async () => {
    await using test = makePool('handler', 1);
    const nested = JSON.parse(`{"d":${'['.repeat(15_000)}${']'.repeat(15_000)}}`) as object;
    const failed = await test.pool.invoke(nested, { requestId: 'one' });
    expect(failed).toMatchObject({ type: 'error', errorType: 'Runtime.MarshalError' });
    const next = await test.pool.invoke({ n: 1 }, { requestId: 'two' });
    expect(next).toMatchObject({ type: 'response', payload: { event: { n: 1 } } });
    expect(test.started).toHaveLength(1);
  });

  it('completes running and waiting invocations when it drains, and then ends the processes', async () => {
    await using test = makePool('waitsForFile', 1);
    const results = ['one', 'two'].map((requestId) =>
      test.pool.invoke({ file: file(requestId) }, { requestId }),
    );
    const drained = test.pool.drain();
    await writeFile(file('one'), '');
    await writeFile(file('two'), '');
    const pid = test.started[0]?.pid;
    expect((await Promise.all(results)).map(payload)).toEqual([pid, pid]);
    await drained;
    expect(test.started.map(isRunning)).toEqual([false]);
  });

  it('ends everything at once when it closes', async () => {
    await using test = makePool('spins', 2);
    const results = [1, 2, 3].map((n) => test.pool.invoke({}, { requestId: `${n}` }));
    await Promise.all(test.started.map((environment) => environment.load()));
    await test.pool.close();
    expect(test.started.map(isRunning)).toEqual([false, false]);
    for (const result of await Promise.all(results)) {
      expect(result).toMatchObject({ type: 'error', errorType: 'Runtime.ExitError' });
    }
    const late = await test.pool.invoke({}, { requestId: 'late' });
    expect(late).toMatchObject({ type: 'error', errorType: 'Runtime.ExitError' });
  });
});
