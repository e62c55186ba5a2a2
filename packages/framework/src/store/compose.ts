import { checkOptions, type OptionType, option } from '../errors/check-options.js';
import { makeError } from '../errors/gatecast-error.js';
import { inParallel } from '../time/in-parallel.js';
import type { Store } from './store.js';

const aStore: OptionType = {
  takes: 'a store, such as memoryStore()',
  fits: (value) => option.object.fits(value) && option.object.fits((value as Store).connections),
};

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
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN, for a part that no store has; ERR_OPTION_VALUE, for
 * one that is not a store.
 */
export function composeStore(parts: StoreParts): Store & AsyncDisposable {
  checkOptions('composeStore()', parts, { connections: aStore });
  if (parts.connections === undefined) {
    throw makeError('ERR_OPTION_VALUE', {
      where: 'composeStore()',
      option: 'connections',
      given: 'nothing',
      takes: aStore.takes,
    });
  }
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
