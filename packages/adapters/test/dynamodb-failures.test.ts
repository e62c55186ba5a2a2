import type { BatchGetItemInput } from '@aws-sdk/client-dynamodb';
import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { type ConnectionStore, StoreError } from '@gatecast/framework';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Engine } from './engines/engine.js';
import { startRefusing } from './engines/refusing-server.js';
import { startDynalite } from './engines/start-dynalite.js';
import { ample, connected, makeRecord, makeTestClient, openTable } from './table-under-test.js';

let engine: Engine;
beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine[Symbol.asyncDispose]());

/**
 * A budget that is enough for an answer on a busy machine, and one for several attempts without an
 * answer.
 */
const [ANSWER_MS, ATTEMPTS_MS] = [60_000, 1_000];

function storeAt(endpoint: string, budgetMs = ANSWER_MS): ConnectionStore {
  const client = makeTestClient(endpoint);
  return dynamoDbStore({ table: 'chat', client, budgetMs }).connections;
}

async function failureOf(promise: Promise<unknown>): Promise<StoreError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreError);
  return error as StoreError;
}

/** Every method of a store, with the action that it calls first and its description in errors. */
const methods: readonly (readonly [
  string,
  string,
  string,
  (store: ConnectionStore) => Promise<unknown>,
])[] = [
  ['connect', 'UpdateItem', 'save a connection', (s) => s.connect(makeRecord(), ['rooms/1'])],
  ['get', 'GetItem', 'read a connection', (s) => s.get('c=')],
  ['disconnect', 'UpdateItem', 'remove a connection', (s) => s.disconnect('c=')],
  ['subscribe', 'GetItem', 'subscribe a connection', (s) => s.subscribe('c=', ['rooms/1'], ample)],
  ['unsubscribe', 'GetItem', 'unsubscribe a connection', (s) => s.unsubscribe('c=', ['rooms/1'])],
  ['subscribers', 'Query', 'read the subscribers of a channel', (s) => s.subscribers('rooms/1')],
  ['channels', 'GetItem', 'read the channels of a connection', (s) => s.channels('c=')],
  ['prune', 'UpdateItem', 'prune connections', (s) => s.prune(['c='])],
];

describe.each(methods)('%s()', (_method, action, operation, call) => {
  it('names the table that is missing, and what to set and to grant', async () => {
    const error = await failureOf(call(storeAt(engine.endpoint)));
    expect(error).toMatchObject({
      code: 'ERR_STORE_REFUSED',
      message: `The store "dynamodb" refused to ${operation}: There is no table "chat" in us-east-1.`,
      hint: `Set GATECAST_TABLE to the name of a table in us-east-1, and grant dynamodb:${action} on it to the function's role.`,
    });
  });

  it('names the action that is not allowed', async () => {
    await using server = await startRefusing({ status: 400, type: 'AccessDeniedException' });
    const error = await failureOf(call(storeAt(server.endpoint)));
    expect(error.retryable).toBe(false);
    expect(error.message).toContain(
      `refused to ${operation}: dynamodb:${action} on the table "chat" in us-east-1 is not allowed.`,
    );
    expect(error.hint).toContain(`Grant dynamodb:${action} on the table "chat"`);
    expect(server.served.count).toBe(1);
  });

  it('tries again while it is throttled, and is retryable when the budget is spent', async () => {
    await using server = await startRefusing({ status: 400, type: 'ThrottlingException' });
    const error = await failureOf(call(storeAt(server.endpoint, ATTEMPTS_MS)));
    expect(error.retryable).toBe(true);
    expect(error.message).toContain('DynamoDB throttles the table "chat" in us-east-1');
    expect(server.served.count).toBeGreaterThan(1);
  });

  it('is retryable when DynamoDB cannot be reached', async () => {
    const { endpoint } = await (async () => {
      await using server = await startRefusing({ status: 400, type: 'ThrottlingException' });
      return server;
    })();
    const error = await failureOf(call(storeAt(endpoint, ATTEMPTS_MS)));
    expect(error.retryable).toBe(true);
    expect(error.message).toContain('DynamoDB in us-east-1 could not be reached (ECONNREFUSED).');
  });
});

describe('dynamoDbStore()', () => {
  it('reads the name of the table at the first call, and says which variable is missing', async () => {
    vi.stubEnv('GATECAST_TABLE', '');
    const { connections } = dynamoDbStore({ client: makeTestClient(engine.endpoint) });
    const error = await failureOf(connections.get('c='));
    expect(error.hint).toContain('Set GATECAST_TABLE');

    await using table = await openTable(engine);
    const record = await connected(table);
    vi.stubEnv('GATECAST_TABLE', table.table);
    expect(await connections.get(record.connectionId)).toEqual(record);
    vi.unstubAllEnvs();
  });

  it('makes a client of its own for an endpoint, with the credentials of the environment', async () => {
    await using table = await openTable(engine);
    const record = await connected(table);
    vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'any');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'any');
    const { connections } = dynamoDbStore({ table: table.table, endpoint: engine.endpoint });
    expect(await connections.get(record.connectionId)).toEqual(record);
    vi.unstubAllEnvs();
  });

  it('says what to set when there is no Region', async () => {
    vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
    vi.stubEnv('AWS_REGION', undefined);
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
    const error = await failureOf(dynamoDbStore({ table: 'chat' }).connections.get('c='));
    expect(error.message).toContain('Region is missing');
    expect(error.hint).toContain('Set AWS_REGION');
    vi.unstubAllEnvs();
  });

  it('tries again when DynamoDB fails, and is retryable', async () => {
    await using server = await startRefusing({ status: 500, type: 'InternalServerError' });
    const error = await failureOf(storeAt(server.endpoint, ATTEMPTS_MS).get('c='));
    expect(error.retryable).toBe(true);
    expect(error.message).toContain('InternalServerError (500)');
    expect(server.served.count).toBeGreaterThan(1);
  });

  it('says what went wrong, although the timer of the pause fired when the time was over', async () => {
    const client = makeTestClient(engine.endpoint);
    const refuse = (): Promise<never> => {
      setTimeout(block, 0);
      return Promise.reject(Object.assign(new Error('No.'), { code: 'ECONNREFUSED' }));
    };
    const block = (): void => {
      const until = Date.now() + ATTEMPTS_MS;
      while (Date.now() < until);
    };
    client.middlewareStack.add(() => refuse, { step: 'finalizeRequest' });
    const { connections } = dynamoDbStore({ table: 'chat', client, budgetMs: ATTEMPTS_MS });
    const error = await failureOf(connections.get('c='));
    expect(error.message).toContain('could not be reached (ECONNREFUSED).');
  });

  it('does not show the signed request, which contains the session token, in the error', async () => {
    await using server = await startRefusing({
      status: 400,
      type: 'InvalidSignatureException',
      message: 'The Canonical String should have been x-amz-security-token:SECRET',
    });
    const error = await failureOf(storeAt(server.endpoint).get('c='));
    expect(error.hint).toContain('valid AWS credentials');
    expect(JSON.stringify(error)).not.toContain('SECRET');
  });

  it.each([
    ['ValidationException', 'keys are pk and sk'],
    ['ItemCollectionSizeLimitExceededException', 'developer guide'],
  ])('does not try again after %s, and says where to look', async (type, advice) => {
    await using server = await startRefusing({ status: 400, type, message: 'Wrong key.' });
    const error = await failureOf(storeAt(server.endpoint).get('c='));
    expect(error.retryable).toBe(false);
    expect(error.hint).toContain(advice);
    expect(server.served.count).toBe(1);
  });

  it('writes what a batch leaves unprocessed', async () => {
    await using table = await openTable(engine);
    const channels = Array.from({ length: 30 }, (_, index) => `rooms/${index}`);
    // DynamoDB accepts two items of each of the first batches and returns the rest as unprocessed.
    let handedBack = 0;
    const leftOf = new Map<object, unknown[]>();
    table.hooks.before = (action, input) => {
      if (action !== 'BatchWriteItem' || handedBack >= 40) return;
      const left =
        (input['RequestItems'] as Record<string, unknown[]>)[table.table]?.splice(2) ?? [];
      handedBack += left.length;
      if (left.length > 0) leftOf.set(input, left);
    };
    table.hooks.after = (_action, output, input) => {
      const left = leftOf.get(input);
      if (left) output['UnprocessedItems'] = { [table.table]: left };
    };
    const { connectionId } = await connected(table, channels);
    expect(handedBack).toBeGreaterThan(20);
    expect((await table.rows()).length).toBe(31);
    handedBack = 0;
    await table.connections.disconnect(connectionId);
    expect(handedBack).toBeGreaterThan(20);
    expect(await table.rows()).toEqual([]);
  });

  it('reads what a batch leaves unprocessed', async () => {
    await using table = await openTable(engine);
    const channels = Array.from({ length: 30 }, (_, index) => `rooms/${index}`);
    const { connectionId } = await connected(table, channels);
    const keysOf = (input: object) =>
      (input as BatchGetItemInput).RequestItems?.[table.table]?.Keys ?? [];
    const leftOf = new Map<object, unknown[]>();
    table.hooks.before = (action, input) => {
      if (action === 'BatchGetItem') leftOf.set(input, keysOf(input).splice(20));
    };
    table.hooks.after = (_action, output, input) => {
      const Keys = leftOf.get(input) ?? [];
      if (Keys.length > 0) output['UnprocessedKeys'] = { [table.table]: { Keys } };
    };
    const results = await table.connections.subscribe(connectionId, channels, ample);
    expect(leftOf.size).toBe(2);
    expect(new Set(results)).toEqual(new Set(['present']));
  });

  it('B5 starts no call after one has failed', async () => {
    await using table = await openTable(engine);
    const channels = Array.from({ length: 200 }, (_, index) => `rooms/${index}`);
    const all = [await connected(table, channels), await connected(table, channels)];
    table.calls.length = 0;
    let batches = 0;
    table.hooks.before = (action) => {
      if (action !== 'BatchWriteItem') return;
      batches += 1;
      if (batches === 1) throw Object.assign(new Error('no'), { name: 'ValidationException' });
    };
    await failureOf(table.connections.prune(all.map(({ connectionId }) => connectionId)));
    const count = table.calls.length;
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
    expect(table.calls).toHaveLength(count);
  });

  it('B5 does not retry a running call after another call has failed', async () => {
    await using table = await openTable(engine);
    const all = await Promise.all(Array.from({ length: 3 }, () => connected(table)));
    table.calls.length = 0;
    table.hooks.before = () => {
      const name = table.calls.length === 1 ? 'ThrottlingException' : 'AccessDeniedException';
      throw Object.assign(new Error('no'), { name });
    };
    await failureOf(table.connections.prune(all.map(({ connectionId }) => connectionId)));
    expect(table.calls).toHaveLength(3);
  });

  it('is retryable when a batch stays unprocessed', async () => {
    await using table = await openTable(engine, { budgetMs: 3_000 });
    let items: unknown;
    table.hooks.before = (_action, input) => {
      items = input['RequestItems'];
    };
    table.hooks.after = (action, output) => {
      if (action === 'BatchWriteItem') output['UnprocessedItems'] = items;
    };
    const error = await failureOf(table.connections.connect(makeRecord(), ['rooms/1']));
    expect(error.retryable).toBe(true);
    expect(error.message).toContain('unprocessed');
  });
});
