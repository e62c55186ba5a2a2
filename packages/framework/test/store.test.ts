import { composeStore, memoryStore, StoreError } from '@gatecast/framework';
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

  it.each([
    [{ connections: 'memory' }, '"memory"'],
    [{ connections: memoryStore }, 'a function'],
    [{ connections: memoryStore().connections }, 'an object'],
    [{ connections: undefined }, 'nothing'],
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
