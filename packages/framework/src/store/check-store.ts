import { describeValue, type OptionType } from '../errors/check-options.js';
import { makeError } from '../errors/gatecast-error.js';
import type { Store } from './store.js';

/**
 * The option `store` of a function. It accepts any value, because {@link checkStore} gives better errors.
 */
export const storeOption: OptionType = { takes: 'a store', fits: () => true };

/**
 * Throws unless a value is a store of this version of the contract.
 *
 * @param where - The called function, as it appears in errors: `createApp()`.
 *
 * @throws ConfigurationError - ERR_STORE_MISSING, ERR_STORE_CONTRACT.
 */
export function checkStore(where: string, store: unknown): asserts store is Store {
  const { connections, log } = (store ?? {}) as Partial<Store>;
  if (typeof connections !== 'object' || connections === null) {
    const given = store === undefined ? 'nothing' : describeValue(store);
    throw makeError('ERR_STORE_MISSING', { where, given });
  }
  checkContract('connections', connections, 2);
  if (log !== undefined) checkContract('log', log, 1);
}

function checkContract(part: string, value: { contract: unknown } | null, needed: number): void {
  if (value?.contract === needed) return;
  throw makeError('ERR_STORE_CONTRACT', { part, given: String(value?.contract), needed });
}
