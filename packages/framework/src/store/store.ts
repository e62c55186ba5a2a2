import type { ConnectionStore } from './connections.js';

/**
 * Where an app's state lives. The log of channels with history and the leases of presence will be
 * further members beside `connections`, so that each may live elsewhere: see {@link composeStore}.
 *
 * Disposing it closes its connections, if it has any.
 */
export interface Store extends Partial<AsyncDisposable> {
  /** Names the store in messages: `memory`, `dynamodb`. */
  readonly name: string;
  /** True when the state is in this process's memory: then there can be only one process. */
  readonly isInProcess?: boolean;
  /** Where connections and subscriptions live. */
  readonly connections: ConnectionStore;
}
