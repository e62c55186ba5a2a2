import { describeValue, type OptionType } from '../errors/check-options.js';
import { makeError } from '../errors/gatecast-error.js';
import type { Store } from './store.js';

/** A store among the options of a function, which {@link checkStore} looks at. */
export const storeOption: OptionType = { takes: 'a store', fits: () => true };

/**
 * Refuses what is not a store, and a store of another version of the contract.
 *
 * @param where - What was given the store, as the beginning of a sentence.
 *
 * @throws ConfigurationError - ERR_STORE_MISSING, ERR_STORE_CONTRACT.
 */
export function checkStore(where: string, store: unknown): asserts store is Store {
  const { connections } = (store ?? {}) as Partial<Store>;
  if (typeof connections !== 'object' || connections === null) {
    const given = store === undefined ? 'nothing' : describeValue(store);
    throw makeError('ERR_STORE_MISSING', { where, given });
  }
  const { contract } = connections as { readonly contract?: unknown };
  if (contract !== 2) throw makeError('ERR_STORE_CONTRACT', { given: String(contract) });
}
