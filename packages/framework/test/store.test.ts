import { composeStore, type MessageLog, memoryStore, StoreError } from '@gatecast/framework';
import { describe, expect, it, vi } from 'vitest';

describe('composeStore()', () => {
  it('uses the stores of its parts', async () => {
    const dispose = vi.fn<() => Promise<void>>(async () => {});
    const memory = memoryStore();
    const connections = { ...memory, [Symbol.asyncDispose]: dispose };
    const store = composeStore({ connections });
    expect(store).toMatchObject({ name: 'memory', isInProcess: true });
    expect(store.connections).toBe(memory.connections);
    await store[Symbol.asyncDispose]();
    expect(dispose).toHaveBeenCalledOnce();
  });

  it('accepts stores that are not disposable, and refuses an unknown part', async () => {
    const connections = memoryStore();
    await expect(composeStore({ connections })[Symbol.asyncDispose]()).resolves.toBeUndefined();
    expect(() => composeStore({ connections, leases: connections } as never)).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTION_UNKNOWN',
        hint: 'Use one of: connections, log.',
      }),
    );
  });

  it('keeps connections in one store and the log in another, and disposes both', async () => {
    const disposed: string[] = [];
    const storeOf = (name: string) => ({
      name,
      connections: memoryStore().connections,
      log: memoryStore().log as MessageLog,
      async [Symbol.asyncDispose]() {
        disposed.push(name);
      },
    });
    const [connections, log] = [storeOf('first'), storeOf('second')];
    const store = composeStore({ connections, log });
    expect(store.name).toBe('first+second');
    expect(store.isInProcess).toBe(false);
    expect(store.connections).toBe(connections.connections);
    expect(store.log).toBe(log.log);
    await store[Symbol.asyncDispose]();
    expect(disposed.sort()).toEqual(['first', 'second']);
    expect(composeStore({ connections, log: memoryStore() })).toMatchObject({
      name: 'first+memory',
      isInProcess: true,
    });
  });

  it('uses the log of the connections, if there is one and no other was given', async () => {
    const connections = memoryStore();
    for (const parts of [{ connections }, { connections, log: connections }]) {
      expect(composeStore(parts)).toMatchObject({ name: 'memory', log: connections.log });
    }
    const { log: _log, ...without } = connections;
    expect(composeStore({ connections: without })).not.toHaveProperty('log');
    expect(composeStore({ connections: without, log: connections }).log).toBe(connections.log);
  });

  it('refuses as its log a store that has none', () => {
    const { log: _log, ...without } = memoryStore();
    expect(() => composeStore({ connections: memoryStore(), log: without })).toThrow(
      expect.objectContaining({
        code: 'ERR_STORE_LOG',
        message:
          'composeStore() was given the store "memory" as its log, but that store has no log.',
        hint: 'Pass a store that has one: memoryStore(), dynamoDbStore() or redisStore().',
      }),
    );
  });

  it.each([
    ['connections', { contract: 1 }, '1', 2],
    ['connections', {}, 'undefined', 2],
    ['log', { contract: 2 }, '2', 1],
    ['log', { contract: '1' }, '1', 1],
    ['log', {}, 'undefined', 1],
    ['log', null, 'undefined', 1],
  ])('refuses %s of another version: %o', (part, given, version, needed) => {
    const store = { ...memoryStore(), [part]: given } as never;
    for (const parts of [{ connections: store }, { connections: memoryStore(), log: store }]) {
      expect(() => composeStore(parts)).toThrow(
        expect.objectContaining({
          code: 'ERR_STORE_CONTRACT',
          message: `The store's "${part}" implements version ${version} of the contract, but this release needs version ${needed}.`,
        }),
      );
    }
  });

  it.each([
    [{ connections: 'memory' }, '"memory"'],
    [{ connections: memoryStore }, 'the function memoryStore'],
    [{ connections: memoryStore().connections }, 'an object'],
    [{ connections: undefined }, 'nothing'],
    [{ connections: memoryStore(), log: memoryStore().log }, 'an object'],
    [{ connections: memoryStore(), log: null }, 'null'],
    [{}, 'nothing'],
  ])('K2 K5 refuses %o, whose parts are not stores', (parts, given) => {
    expect(() => composeStore(parts as never)).toThrow(
      expect.objectContaining({
        code: 'ERR_STORE_MISSING',
        message: `composeStore() was given ${given} as its store.`,
      }),
    );
  });
});

describe('StoreError.of()', () => {
  const failure = { store: 'dynamodb', operation: 'save a connection', reason: 'It is down.' };

  it('is retryable unless somebody has to change something first', () => {
    expect(StoreError.of(failure)).toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: 'The store "dynamodb" could not save a connection: It is down.',
      hint: 'Check that the store is up, reachable from the function and within its limits. The same call may succeed later.',
      retryable: true,
    });
  });

  it('says what to change, and keeps the cause', () => {
    const cause = new Error('AccessDenied');
    const error = StoreError.of({ ...failure, advice: 'Grant dynamodb:PutItem.', cause });
    expect(error).toMatchObject({
      code: 'ERR_STORE_REFUSED',
      message: 'The store "dynamodb" refused to save a connection: It is down.',
      hint: 'Grant dynamodb:PutItem.',
      retryable: false,
      cause,
    });
    expect(StoreError.is(error)).toBe(true);
  });
});
