import { checkOptions } from '../errors/check-options.js';
import { inParallel } from '../time/in-parallel.js';
import { checkStore, storeOption } from './check-store.js';
import type { Store } from './store.js';

/** The store for each part of a composed store. */
export interface StoreParts {
  /** Keeps connections and subscriptions. */
  readonly connections: Store;
}

/**
 * Makes a store whose parts are kept in different stores. So far `connections` is the only part; the log
 * of channels with history and presence will be others.
 *
 * Disposing it disposes the stores it is made of.
 *
 * @example
 * ```ts
 * createApp({ channels: [RoomChannel], store: composeStore({ connections: redisStore() }) });
 * ```
 *
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN, for an unknown part; ERR_STORE_MISSING,
 * ERR_STORE_CONTRACT.
 */
export function composeStore(parts: StoreParts): Store & AsyncDisposable {
  checkOptions('composeStore()', parts, { connections: storeOption });
  checkStore('composeStore()', parts.connections);
  const stores = [...new Set<Store>(Object.values(parts))];
  return {
    name: stores.map(({ name }) => name).join('+'),
    isInProcess: stores.some(({ isInProcess }) => isInProcess),
    connections: parts.connections.connections,
    async [Symbol.asyncDispose]() {
      await inParallel(stores, stores.length, async (store) => store[Symbol.asyncDispose]?.());
    },
  };
}
