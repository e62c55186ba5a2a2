import { checkOptions } from '../errors/check-options.js';
import { makeError } from '../errors/gatecast-error.js';
import { inParallel } from '../time/in-parallel.js';
import { checkStore, storeOption } from './check-store.js';
import type { Store } from './store.js';

/** The store for each part of a composed store. @group Stores */
export interface StoreParts {
  /** Keeps connections and subscriptions. */
  readonly connections: Store;
  /** Keeps the events of channels with `history`. @default the store of `connections`, if it has a log */
  readonly log?: Store;
}

/**
 * Makes a store whose parts are kept in different stores: for example connections in Redis, and the log of
 * channels with history in DynamoDB.
 *
 * Disposing it disposes the stores it is made of.
 *
 * @example
 * ```ts
 * createApp({ channels: [RoomChannel], store: composeStore({ connections: redisStore(), log: dynamoDbStore() }) });
 * ```
 *
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN, for an unknown part; ERR_STORE_MISSING,
 * ERR_STORE_CONTRACT.
 * @group Stores
 */
export function composeStore(parts: StoreParts): Store & AsyncDisposable {
  checkOptions('composeStore()', parts, { connections: storeOption, log: storeOption });
  checkStore('composeStore()', parts.connections);
  if (parts.log !== undefined) checkStore('composeStore()', parts.log);
  const { connections, log: withLog = connections } = parts;
  if (parts.log && !withLog.log) throw makeError('ERR_STORE_LOG', { store: withLog.name });
  const stores = [...new Set<Store>([connections, withLog])];
  return {
    name: stores.map(({ name }) => name).join('+'),
    isInProcess: stores.some(({ isInProcess }) => isInProcess),
    connections: connections.connections,
    ...(withLog.log && { log: withLog.log }),
    async [Symbol.asyncDispose]() {
      await inParallel(stores, stores.length, async (store) => store[Symbol.asyncDispose]?.());
    },
  };
}
