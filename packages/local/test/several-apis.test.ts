import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LateFunction } from '../src/dev/late-function.js';
import { startGateway } from '../src/dev/start-gateway.js';
import { StartError } from '../src/start-error.js';
import { openLocalApi } from './local-api.js';
import { openConnection } from './open-connection.js';

const slow = { timeout: 60_000 };

let directory: string;
let entry: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatecast-apis-'));
  entry = join(directory, 'app.mjs');
  await writeFile(
    entry,
    `let count = 0;
    export const handler = async ({ requestContext }) => ({ statusCode: 200, body: JSON.stringify({
      apiId: requestContext.apiId, count: ++count, endpoint: process.env.GATECAST_ENDPOINT,
      id: process.env.GATECAST_API_ID }) });
    export const late = async ({ text = '' }) => text + count;
    export const fails = async () => { throw new TypeError('no'); };`,
  );
});

afterAll(() => rm(directory, { recursive: true }));

const routes = [{ routeKey: '$default', twoWay: true, function: 'shared' }];

async function ask(url: string): Promise<unknown> {
  await using connection = await openConnection(url);
  connection.send('{}');
  return JSON.parse(await connection.receive());
}

describe('several APIs', () => {
  it('share their functions, which no variable leads to one of them', slow, async () => {
    await using gateway = await startGateway({
      quiet: true,
      functions: { shared: { entry, maxEnvironments: 1 } },
      apiId: 'first',
      routes,
      apis: { other: { apiId: 'second', stage: 'beta', routes } },
    });
    const { other } = gateway.apis;
    expect(other?.url).toMatch(/\/beta$/);
    expect(await ask(gateway.url)).toEqual({ apiId: 'first', count: 1 });
    expect(await ask(other?.url ?? '')).toEqual({ apiId: 'second', count: 2 });
    expect(other?.environment).toMatchObject({
      GATECAST_API_ID: 'second',
      GATECAST_STAGE: 'beta',
      GATECAST_ENDPOINT: other?.endpoint,
    });
  });

  it('get the next free ports', slow, async () => {
    await using taken = await openLocalApi();
    const options = { quiet: true, functions: { shared: { entry } }, routes };
    const apis = { other: { apiId: 'second', routes } };
    const port = taken.gateway.port - 1;
    const gateway = await startGateway({ ...options, port, apis }).catch((error: unknown) => {
      // Another program may have that port: then there is nothing to see here.
      if (!(error instanceof StartError) || error.code !== 'ERR_PORT_TAKEN') throw error;
    });
    if (!gateway) return;
    await using _ = gateway;
    expect(gateway.port).toBe(port);
    expect(gateway.apis['other']?.port).toBeGreaterThan(taken.gateway.port);
  });

  it('need ids of their own', async () => {
    const starting = startGateway({
      functions: { shared: { entry } },
      routes,
      apis: { other: { routes } },
    });
    await expect(starting).rejects.toThrow(
      'Two APIs have the id "local00000": the first one and "other". Give each an apiId of its own.',
    );
  });

  it('are refused with an option that they do not have', async () => {
    const apis = { other: { apiId: 'second', entry } as object };
    await expect(startGateway({ entry, routes: [], apis })).rejects.toMatchObject({
      code: 'ERR_OPTION_UNKNOWN',
      message: expect.stringContaining('The API "other" of startGateway()'),
    });
  });
});

describe('a function that no route uses', () => {
  it(
    'gets no address of the API but by variables of its own, like any function with tables',
    slow,
    async () => {
      await using gateway = await startGateway({
        quiet: true,
        tables: [],
        functions: {
          shared: { entry, environment: { GATECAST_API_ID: 'given00000' } },
        },
        routes,
      });
      expect(await ask(gateway.url)).toMatchObject({ id: 'given00000' });
      expect(await ask(gateway.url)).not.toHaveProperty('endpoint');
    },
  );

  it('has its own Region in its ARN', slow, async () => {
    const arn = join(directory, 'arn.mjs');
    await writeFile(
      arn,
      'export const handler = async (_, context) => context.invokedFunctionArn;',
    );
    await using gateway = await startGateway({
      quiet: true,
      tables: [],
      functions: {
        shared: { entry },
        abroad: { entry: arn, environment: { AWS_REGION: 'cn-north-1' } },
      },
      routes,
    });
    expect(await gateway.invoke('abroad')).toMatchObject({
      payload: 'arn:aws-cn:lambda:cn-north-1:123456789012:function:abroad',
    });
  });

  it('is loaded when it is invoked', slow, async () => {
    await using gateway = await startGateway({
      quiet: true,
      tables: [],
      functions: {
        shared: { entry },
        late: { entry, handler: 'late' },
        fails: { entry, handler: 'fails' },
        absent: { entry: join(directory, 'none.mjs') },
      },
      routes,
    });
    const result = { type: 'response', payload: 'a0' };
    expect(await gateway.invoke('late', { text: 'a' })).toMatchObject(result);
    expect(await gateway.invoke('fails')).toMatchObject({ type: 'error', errorType: 'TypeError' });
    await expect(gateway.invoke('absent')).rejects.toMatchObject({ code: 'ERR_ENTRY_NOT_FOUND' });
    await expect(gateway.invoke('nobody')).rejects.toThrow('There is no function "nobody".');
  });
});

it('a function that fails to load is loaded once more, however many invocations wait', async () => {
  const attempts: (() => void)[] = [];
  const late = new LateFunction(
    () =>
      new Promise((resolve, reject) => {
        attempts.push(() => (attempts.length === 1 ? reject(new Error('no')) : resolve(loaded)));
      }),
  );
  const loaded = { invoke: async () => ({ type: 'response', payload: 1 }) as const };
  const invoke = () => late.invoke({}, { requestId: 'any' });
  const both = [invoke(), invoke().catch(() => invoke())];
  attempts[0]?.();
  await expect(both[0]).rejects.toThrow('no');
  await vi.waitFor(() => expect(attempts).toHaveLength(2));
  const third = invoke();
  attempts[1]?.();
  expect(await Promise.all([both[1], third])).toEqual([
    await loaded.invoke(),
    await loaded.invoke(),
  ]);
  expect(attempts).toHaveLength(2);
});

describe('code that is built already', () => {
  it('is copied once for all functions of an asset', slow, async () => {
    const asset = await mkdtemp(join(directory, 'asset-'));
    const index = join(asset, 'index.js');
    await writeFile(index, 'exports.handler = async () => process.env.LAMBDA_TASK_ROOT;');
    const built = { entry: index, asset };
    await using gateway = await startGateway({
      quiet: true,
      tables: [],
      functions: { one: built, two: built },
      routes: [{ routeKey: '$default', function: 'one' }],
    });
    const [one, two] = [await gateway.invoke('one'), await gateway.invoke('two')];
    expect(one).toMatchObject({ type: 'response', payload: expect.stringMatching(/\btask$/) });
    expect(two).toMatchObject({ payload: (one as { payload: unknown }).payload });
  });

  it.each([
    ['@aws-sdk/no-such', 'Lambda brings "@aws-sdk/no-such", but this machine does not. Install it'],
    ['left-out', '"left-out" is not in the code that was built. Bundle it'],
  ])('says what to do if it lacks %s', slow, async (name, hint) => {
    const asset = await mkdtemp(join(directory, 'asset-'));
    const index = join(asset, 'index.js');
    await writeFile(index, `require('${name}'); exports.handler = async () => {};`);
    const functions = { built: { entry: index, asset } };
    const starting = startGateway({ quiet: true, functions, routes: [] });
    await expect(starting).rejects.toMatchObject({
      code: 'ERR_LOAD_FAILED',
      hint: expect.stringContaining(hint),
    });
  });

  it('is refused if the entry is not in its folder', async () => {
    const asset = await mkdtemp(join(directory, 'asset-'));
    const functions = { built: { entry, asset } };
    await expect(startGateway({ functions, routes: [] })).rejects.toMatchObject({
      code: 'ERR_ENTRY_NOT_FOUND',
      message: expect.stringContaining(`"${entry}" is not a file in the folder "${asset}".`),
    });
  });
});
