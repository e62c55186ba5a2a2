import { MAX_CHANNELS_PER_FRAME } from '@gatecast/protocol';
import { type ClientRequestError, clientError } from './errors.js';
import { frameId } from './frame-id.js';
import { fields, readError } from './incoming.js';
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

  constructor(supervisor: Supervisor, requests: RequestTable, events: SubscriptionEvents) {
    this.#supervisor = supervisor;
    this.#requests = requests;
    this.#events = events;
  }

  subscribe(channel: string): Promise<SubscribeAnswer> {
    if (this.#supervisor.state === 'closed') return Promise.reject(clientError('ERR_CLOSED'));
    return this.#of(channel).join();
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

  /** Writes what there is to ask. */
  flush(): void {
    if (this.#supervisor.state !== 'connected') return;
    const asking: Record<SubscriptionAction, string[]> = { subscribe: [], unsubscribe: [] };
    for (const [channel, subscription] of this.#all) {
      if (subscription.next) asking[subscription.next].push(channel);
      else if (subscription.isOver) this.#all.delete(channel);
    }
    this.#ask('subscribe', asking.subscribe);
    this.#ask('unsubscribe', asking.unsubscribe);
  }

  /** The connection is gone, and with it what the server knew. */
  lose(): void {
    for (const subscription of this.#all.values()) subscription.lose();
  }

  close(): void {
    for (const subscription of this.#all.values()) subscription.close();
    this.#all.clear();
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
      this.#events.changed();
    });
  }

  #ask(action: SubscriptionAction, channels: readonly string[]): void {
    for (let start = 0; start < channels.length; start += MAX_CHANNELS_PER_FRAME) {
      const some = channels.slice(start, start + MAX_CHANNELS_PER_FRAME);
      const id = frameId();
      let isSettled = false;
      const named = some.map((channel) => (action === 'subscribe' ? { channel } : channel));
      this.#requests.add({
        id,
        frame: JSON.stringify({ action, id, channels: named }),
        timeoutMs: REQUEST_MS,
        outlives: false,
        settle: (error, data) => {
          const { channels: outcomes } = fields(data);
          for (const [index, channel] of some.entries()) {
            if (isSettled) this.#of(channel).answeredLate();
            else
              this.#settle(channel, error, Array.isArray(outcomes) ? outcomes[index] : undefined);
          }
          isSettled = true;
          this.flush();
          this.#events.changed();
        },
      });
      this.#requests.write(id);
      for (const channel of some) this.#all.get(channel)?.asked(action);
    }
  }

  #settle(channel: string, refusal: ClientRequestError | undefined, answer: unknown): void {
    const outcome = fields(answer);
    let error = refusal;
    if (!error && !('channel' in outcome)) error = clientError('ERR_TIMEOUT');
    if (!error && 'error' in outcome) error = readError(outcome['error']);
    this.#all.get(channel)?.answered(error, outcome as unknown as SubscribeAnswer);
  }
}
