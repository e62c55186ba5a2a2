import type { DeliveryCount } from '../channel/publishing.js';
import type { DeliveryError } from '../errors/gatecast-error.js';
import type { ConnectionStore, Subscriber } from '../store/connections.js';
import { type Farewell, sayFarewell } from './farewell.js';
import type { Gateway } from './gateway.js';
import { type PostBudget, postWithRetry } from './post.js';

/** Posts of one publish that are under way at once. Sockets in flight bound the rate, not the CPU. */
export const POSTS_IN_FLIGHT = 64;

/** One event on its way to the subscribers of its channel. */
export interface Delivery {
  readonly channel: string;
  /** The whole frame, as it is posted. */
  readonly frame: string;
  /** A connection that is left out. */
  readonly except?: string;
  /** Tried once, and dropped when that fails. */
  readonly ephemeral: boolean;
}

/** What a delivery works with. */
export interface DeliveryMeans {
  readonly connections: ConnectionStore;
  readonly gateway: Gateway;
  readonly budget: PostBudget;
  /** Told of the first post of a batch that failed for good, and of a store that failed to prune. */
  readonly onFailure: (error: unknown) => void;
  /** Wraps each batch: the plugins' onDeliver. */
  readonly aroundBatch: (batch: DeliveryBatch, deliver: () => Promise<void>) => Promise<void>;
}

/** The subscribers that are posted to together: one page of the store's. */
export interface DeliveryBatch {
  /** Name of the channel that the event is published on. */
  readonly channel: string;
  readonly connectionIds: readonly string[];
}

// The longest an integration may take (row 7.9), and a little for clocks that disagree.
const LONGEST_CONNECT_MS = 35_000;

const TOKEN_EXPIRED: Farewell = {
  code: 'ERR_UNAUTHORIZED',
  reason: 'The token has expired.',
  reconnect: true,
};

/** Posts an event to every subscriber of its channel, page by page, and forgets those that are gone. */
export async function fanOut(delivery: Delivery, means: DeliveryMeans): Promise<DeliveryCount> {
  const count = { delivered: 0, gone: 0, failed: 0, queued: 0 };
  let after: string | undefined;
  do {
    const page = await means.connections.subscribers(delivery.channel, after ? { after } : {});
    const targets = page.items.filter(({ connectionId }) => connectionId !== delivery.except);
    if (targets.length > 0) await deliverBatch(targets, delivery, { ...means, count });
    after = page.next;
  } while (after !== undefined);
  return count;
}

async function deliverBatch(
  targets: readonly Subscriber[],
  delivery: Delivery,
  means: DeliveryMeans & { readonly count: { -readonly [K in keyof DeliveryCount]: number } },
): Promise<void> {
  const { connections, gateway, budget, count } = means;
  const once = { now: budget.now, deadline: 0 };
  const gone: string[] = [];
  let pending = 0;
  let failure: DeliveryError | undefined;

  const deliver = async ({
    connectionId,
    connectedAt,
    identityExpiresAt = Infinity,
  }: Subscriber) => {
    if (identityExpiresAt <= budget.now()) {
      await sayFarewell(connectionId, TOKEN_EXPIRED, gateway);
      gone.push(connectionId);
      return;
    }
    const outcome = await postWithRetry(
      () => gateway.post(connectionId, delivery.frame),
      delivery.ephemeral ? once : budget,
    );
    if (outcome.result === 'delivered') {
      count.delivered += 1;
    } else if (outcome.result === 'gone') {
      // Until its $connect has returned a connection is 410 too (row 3.14): do not forget it yet.
      if (budget.now() - connectedAt < LONGEST_CONNECT_MS) pending += 1;
      else gone.push(connectionId);
    } else {
      count.failed += 1;
      failure ??= outcome.error;
    }
  };

  const connectionIds = targets.map(({ connectionId }) => connectionId);
  await means.aroundBatch({ channel: delivery.channel, connectionIds }, async () => {
    const queue = targets.values();
    const work = async () => {
      for (const subscriber of queue) await deliver(subscriber);
    };
    await Promise.all(Array.from({ length: Math.min(POSTS_IN_FLIGHT, targets.length) }, work));
  });
  count.gone += gone.length + pending;
  if (failure) means.onFailure(failure);
  try {
    if (gone.length > 0) await connections.prune(gone);
  } catch (error) {
    // The event still has to reach the others; who was not forgotten is gone again at the next one.
    means.onFailure(error);
  }
}
