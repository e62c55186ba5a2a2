import { MAX_CHANNEL_NAME_BYTES, MAX_CHANNELS_PER_FRAME } from '@gatecast/protocol';
import { ClientRequestError, clientError } from './errors.js';
import { frameId } from './frame-id.js';
import { type Fields, fields, readError } from './incoming.js';
import type { RequestTable } from './request-table.js';
import {
  type SubscribeAnswer,
  Subscription,
  type SubscriptionAction,
  type SubscriptionEvents,
} from './subscription.js';
import type { Supervisor } from './supervisor.js';

/** The longest that API Gateway waits for an answer is 29 s: afterwards none will come. */
const REQUEST_MS = 30_000;

/** What the app wants to be subscribed to, brought about on every connection anew. */
export class Subscriptions {
  readonly #all = new Map<string, Subscription>();
  readonly #supervisor: Supervisor;
  readonly #requests: RequestTable;
  readonly #events: SubscriptionEvents;
  #isScheduled = false;

  /** `events.changed` is told whenever a message may go that waited. */
  constructor(supervisor: Supervisor, requests: RequestTable, events: SubscriptionEvents) {
    this.#supervisor = supervisor;
    this.#requests = requests;
    this.#events = events;
  }

  subscribe(channel: string): Promise<SubscribeAnswer> {
    if (this.#supervisor.state === 'closed') return Promise.reject(clientError('ERR_CLOSED'));
    // API Gateway ends a connection for a frame that is too large, and so for names that are too long.
    if (channel.length > MAX_CHANNEL_NAME_BYTES) {
      const message = `The name of the channel has more than ${MAX_CHANNEL_NAME_BYTES} characters.`;
      return Promise.reject(new ClientRequestError({ code: 'ERR_CHANNEL_NAME', message }));
    }
    return this.#of(channel).join();
  }

  /** Whether the app or the server has a subscription. */
  has(channel: string): boolean {
    return this.#all.has(channel);
  }

  unsubscribe(channel: string): Promise<void> {
    return this.#all.get(channel)?.leave() ?? Promise.resolve();
  }

  /** Whether a channel is being subscribed to: a message sent now might miss its own event. */
  isUnderWay(channel: string): boolean {
    return this.#all.get(channel)?.isUnderWay ?? false;
  }

  /** The server says that it ended a subscription: perhaps one that it had made by itself. */
  end(channel: string, error: ClientRequestError): void {
    const subscription = this.#all.get(channel);
    if (subscription) subscription.ended(error);
    else this.#events.ended(channel, error);
    this.#schedule();
  }

  /** Writes what there is to ask, and lets messages go that waited. */
  flush(): void {
    if (this.#supervisor.state === 'connected') {
      this.#askAll('subscribe');
      this.#askAll('unsubscribe');
    }
    for (const [channel, { isOver }] of this.#all) if (isOver) this.#all.delete(channel);
    this.#events.changed();
  }

  /** The connection is gone, and with it what the server knew. */
  lose(): void {
    for (const subscription of this.#all.values()) subscription.lose();
  }

  close(): void {
    for (const subscription of this.#all.values()) subscription.close();
  }

  #of(channel: string): Subscription {
    const events = { ...this.#events, changed: () => this.#schedule() };
    const subscription = this.#all.get(channel) ?? new Subscription(channel, events);
    this.#all.set(channel, subscription);
    return subscription;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // Channels of one tick share a frame, and so an invocation.
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.flush();
    });
  }

  #askAll(action: SubscriptionAction): void {
    const all = [...this.#all].filter(([, { next }]) => next === action);
    while (all.length > 0) this.#ask(action, all.splice(0, MAX_CHANNELS_PER_FRAME));
  }

  #ask(action: SubscriptionAction, asked: readonly [string, Subscription][]): void {
    const id = frameId();
    const channels = asked.map(([channel]) => (action === 'subscribe' ? { channel } : channel));
    this.#requests.add({
      id,
      frame: JSON.stringify({ action, id, channels }),
      timeoutMs: REQUEST_MS,
      isResent: false,
      settle: (error, data) => {
        const { channels: outcomes } = fields(data);
        for (const [index, [, subscription]] of asked.entries()) {
          const outcome = fields(Array.isArray(outcomes) && outcomes[index]);
          subscription.answered(error ?? errorOf(outcome), outcome);
        }
        this.flush();
      },
      answeredLate: () => {
        for (const [channel] of asked) this.#of(channel).answeredLate();
        this.flush();
      },
    });
    // A connection that is closing takes no frame: they are asked for on the next.
    if (!this.#requests.write(id)) this.#requests.forget(id);
    else for (const [, subscription] of asked) subscription.written(action);
  }
}

function errorOf(outcome: Fields): ClientRequestError | undefined {
  if (!('channel' in outcome)) return clientError('ERR_TIMEOUT');
  return 'error' in outcome ? readError(outcome['error']) : undefined;
}
