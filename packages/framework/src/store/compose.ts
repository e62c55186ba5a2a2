import { checkOptions } from '../errors/check-options.js';
import { inParallel } from '../time/in-parallel.js';
import { checkStore, storeOption } from './check-store.js';
import type { Store } from './store.js';

/** Which store each part of a composed store is taken from. */
export interface StoreParts {
  /** Whose connections and subscriptions the store keeps. */
  readonly connections: Store;
}

/**
 * Makes a store of parts that live in different places. Connections are the one part that a store has
 * so far; the log of channels with history and presence will be further ones.
 *
 * Disposing it disposes the stores it is made of.
 *
 * @example
 * ```ts
 * createApp({ channels: [RoomChannel], store: composeStore({ connections: redisStore() }) });
 * ```
 *
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN, for a part that no store has;
 * ERR_STORE_MISSING, ERR_STORE_CONTRACT.
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
