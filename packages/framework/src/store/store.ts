import type { ConnectionStore } from './connections.js';
import type { MessageLog } from './log.js';

/**
 * Keeps an app's state. The leases of presence will be a further member. {@link composeStore} combines
 * members of different stores.
 *
 * Disposing it closes its connections, if it has any.
 *
 * @group Stores
 */
export interface Store extends Partial<AsyncDisposable> {
  /** Name of the store in messages: `memory`, `dynamodb`. */
  readonly name: string;
  /** Whether the state is in the memory of this process, so that the app can run in only one process. */
  readonly isInProcess?: boolean;
  /** Keeps connections and subscriptions. */
  readonly connections: ConnectionStore;
  /** Keeps the events of channels with `history`, which need it. */
  readonly log?: MessageLog;
}
