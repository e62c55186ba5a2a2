import type { ConnectionStore } from './connections.js';

/**
 * Keeps an app's state. The log of channels with history and the leases of presence will be further
 * members beside `connections`. {@link composeStore} combines members of different stores.
 *
 * Disposing it closes its connections, if it has any.
 */
export interface Store extends Partial<AsyncDisposable> {
  /** Name of the store in messages: `memory`, `dynamodb`. */
  readonly name: string;
  /** Whether the state is in the memory of this process, so that the app can run in only one process. */
  readonly isInProcess?: boolean;
  /** Keeps connections and subscriptions. */
  readonly connections: ConnectionStore;
}
