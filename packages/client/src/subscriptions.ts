import { MAX_CHANNEL_NAME_BYTES, MAX_CHANNELS_PER_FRAME } from '@gatecast/protocol';
import type { SubscribeAnswer } from './channel.js';
import { ClientRequestError, clientError } from './errors.js';
import { frameId } from './frame-id.js';
import { type Fields, fields, list, readError } from './incoming.js';
import type { RequestTable, Settle } from './request-table.js';
import { Subscription, type SubscriptionAction } from './subscription.js';
import type { SubscriptionHost, SubscriptionsHost } from './subscription-host.js';
import type { Supervisor } from './supervisor.js';
import { ANSWERED_WITHIN_MS } from './timers.js';

/** What the app wants to be subscribed to, brought about on every connection anew. */
export class Subscriptions {
  readonly #all = new Map<string, Subscription>();
  readonly #supervisor: Supervisor;
  readonly #requests: RequestTable;
  readonly #host: SubscriptionsHost;
  /** The frames that subscribe and unsubscribe and have no answer yet. */
  readonly #asking = new Set<string>();
  readonly #toSync = new Set<string>();
  /**
   * Channels that the app has left, or that the server has ended, with the number of moves before: what comes late
   * of them is dropped. Events of other channels come from subscriptions that the server made by itself, when the
   * connection opened.
   */
  readonly #left = new Map<string, number>();
  /** Connections that took the place of another one while that was open. */
  #moves = 0;
  #isScheduled = false;

  constructor(supervisor: Supervisor, requests: RequestTable, host: SubscriptionsHost) {
    this.#supervisor = supervisor;
    this.#requests = requests;
    this.#host = host;
  }

  subscribe(channel: string, rewind: number): Promise<SubscribeAnswer> {
    if (this.#supervisor.state === 'closed') return Promise.reject(clientError('ERR_CLOSED'));
    // API Gateway ends a connection for a frame that is too large, and so for names that are too long.
    if (channel.length > MAX_CHANNEL_NAME_BYTES) {
      const message = `The name of the channel has more than ${MAX_CHANNEL_NAME_BYTES} characters.`;
      return Promise.reject(new ClientRequestError({ code: 'ERR_CHANNEL_NAME', message }));
    }
    return this.#of(channel).join(rewind);
  }

  /** Whether the app or the server has a subscription. */
  has(channel: string): boolean {
    return this.#all.has(channel);
  }

  /** The position after the last event whose listeners have returned. */
  position(channel: string): string | undefined {
    return this.#all.get(channel)?.position;
  }

  /** The server pushed an event: perhaps of a subscription that it had made by itself. */
  receive(channel: string, event: Fields): void {
    const subscription = this.#all.get(channel);
    if (subscription) subscription.receive(event);
    else if (!this.#left.has(channel)) this.#host.deliver(channel, { event });
  }

  /** The server said whether the last events of a channel were missed; an error if it did not. */
  synced(channel: string, result: unknown, error?: ClientRequestError): void {
    this.#all.get(channel)?.synced(result, error);
  }

  /** Asks for all channels whether their last events were missed. */
  syncAll(): void {
    for (const channel of this.#all.keys()) this.#toSync.add(channel);
    this.#schedule();
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
    if (subscription) subscription.ended(error, this.#supervisor.isMoving);
    else if (!this.#left.has(channel)) this.#host.ended(channel, error);
    this.#schedule();
  }

  /** Writes what there is to ask, and lets messages go that waited. */
  flush(): void {
    if (this.#supervisor.state === 'connected') {
      this.#askAll('subscribe');
      this.#askAll('unsubscribe');
      this.#sync();
    }
    for (const [channel, { isOver }] of this.#all) {
      if (!isOver) continue;
      this.#all.delete(channel);
      this.#left.set(channel, this.#moves);
    }
    this.#host.changed();
  }

  /** Whether all are settled on the present connection. */
  get areSettled(): boolean {
    return [...this.#all.values()].every(({ isSettled }) => isSettled);
  }

  /** The connection before the present one has ended. */
  retired(): void {
    for (const subscription of this.#all.values()) {
      // It was no longer subscribed there, and is not yet here.
      if (!subscription.isSettled) subscription.loseEvents();
    }
    for (const [channel, moves] of this.#left) if (moves < this.#moves) this.#left.delete(channel);
    this.flush();
  }

  /** Another connection takes the place of the present one. */
  move(): void {
    this.#moves += 1;
    for (const id of this.#asking) this.#requests.forget(id);
    this.#asking.clear();
    for (const subscription of this.#all.values()) subscription.move();
    this.flush();
  }

  /** The connection is gone, and with it what the server knew. */
  lose(): void {
    this.#asking.clear();
    this.#toSync.clear();
    this.#left.clear();
    for (const subscription of this.#all.values()) subscription.lose();
  }

  close(): void {
    for (const subscription of this.#all.values()) subscription.close();
  }

  #of(channel: string): Subscription {
    const known = this.#all.get(channel);
    if (known) return known;
    const own: SubscriptionHost = {
      ...this.#host,
      changed: () => this.#schedule(),
      fill: (after, limit, settle) => {
        this.#request({ action: 'history', channel, after, limit }, (error, data) =>
          settle(error, fields(data)),
        );
      },
      sync: () => {
        this.#toSync.add(channel);
        this.#schedule();
      },
    };
    const subscription = new Subscription(channel, own);
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
    const channels = asked.map(([channel, { wish }]) =>
      action === 'subscribe' ? { channel, ...wish } : channel,
    );
    const id = this.#request(
      { action, channels },
      (error, data) => {
        if (id) this.#asking.delete(id);
        const outcomes = list(fields(data)['channels']);
        // Another one has taken the room that may have been missing.
        const isFull = outcomes.some(({ events }) => list(events)[0]);
        for (const [index, [, subscription]] of asked.entries()) {
          const outcome = fields(outcomes[index]);
          subscription.answered(error ?? errorOf(outcome), outcome, isFull);
        }
        this.flush();
      },
      () => {
        for (const [channel] of asked) this.#of(channel).answeredLate();
        this.flush();
      },
    );
    // A connection that is closing takes no frame: they are asked for on the next.
    if (!id) return;
    this.#asking.add(id);
    for (const [, subscription] of asked) subscription.written(action);
  }

  #sync(): void {
    const wanted = [...this.#toSync].flatMap((channel) => {
      const subscription = this.#all.get(channel);
      // Else the answer to the subscription will say it, and the server would not know of one yet.
      const position = subscription?.isSettled && subscription.wish.position;
      // No server takes this name of a field.
      return position && channel !== '__proto__' ? [[channel, position] as const] : [];
    });
    this.#toSync.clear();
    while (wanted.length > 0) {
      const asked = wanted.splice(0, MAX_CHANNELS_PER_FRAME);
      this.#request({ action: 'sync', positions: Object.fromEntries(asked) }, (error, data) => {
        const outcomes = list(fields(data)['channels']);
        for (const [channel] of asked) {
          // By name: an object puts keys that are numbers first, so the order may be another.
          const outcome = fields(outcomes.find((one) => one['channel'] === channel));
          this.synced(channel, outcome['result'], error ?? errorOf(outcome));
        }
      });
    }
  }

  /** Writes a request that never goes again. Its id; `undefined` without an open connection: it is dropped then. */
  #request(frame: object, settle: Settle, answeredLate?: () => void): string | undefined {
    const id = frameId();
    this.#requests.add({
      id,
      frame: JSON.stringify({ ...frame, id }),
      writtenMs: ANSWERED_WITHIN_MS,
      answeredMs: ANSWERED_WITHIN_MS,
      unanswered: 'ERR_TIMEOUT',
      isResent: false,
      settle,
      ...(answeredLate && { answeredLate }),
    });
    if (this.#requests.write(id)) return id;
    this.#requests.forget(id);
    return undefined;
  }
}

function errorOf(outcome: Fields): ClientRequestError | undefined {
  if (!('channel' in outcome)) return clientError('ERR_TIMEOUT');
  return 'error' in outcome ? readError(outcome['error']) : undefined;
}
