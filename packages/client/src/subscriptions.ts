import {
  type ErrorFrame,
  MAX_CHANNELS_PER_FRAME,
  type ReplyFrame,
  type SubscribeOutcome,
  type SubscribeReply,
  type UnsubscribeReply,
  type WireError,
} from '@gatecast/protocol';
import { backoffMs } from './backoff.js';
import { frameId } from './base64url.js';
import type { Connection } from './connection.js';
import { type Deferred, deferred } from './deferred.js';
import { ClientRequestError, clientError, clientErrors } from './errors.js';

/** What the server says to a subscription. */
export interface SubscribeAnswer<D = unknown> {
  /** The channel's name. */
  readonly channel: string;
  /** `live`: events from now on. The others belong to channels with history. */
  readonly result: 'live' | 'resumed' | 'reset';
  /** Why it is a `reset`. */
  readonly reason?: string;
  /** What the channel's `@OnSubscribe` handler returned. */
  readonly data: D;
}

/** Whom the subscriptions tell. */
export interface SubscriptionsListener {
  /** Channels are no longer under way. */
  onSettled(): void;
  /** The server no longer accepts a subscription that it accepted before. */
  onRefused(error: ClientRequestError, channel: string): void;
}

/** `out` and `in` are the server's view as far as known; the app's wish is `isWanted`. */
type Stage = 'out' | 'joining' | 'resting' | 'in' | 'leaving';

interface Subscription {
  readonly channel: string;
  stage: Stage;
  isWanted: boolean;
  /** What those wait for who subscribed before the server first answered. */
  answer: Deferred<SubscribeAnswer>;
  /** What the server answered last, on whichever connection. */
  latest: SubscribeAnswer | undefined;
  left?: Deferred<void>;
  retries: number;
  timer?: ReturnType<typeof setTimeout>;
}

interface Request {
  readonly subscriptions: readonly Subscription[];
  readonly timer: ReturnType<typeof setTimeout>;
}

type Outcome = SubscribeOutcome | UnsubscribeReply['channels'][number];

/** Longest wait for an answer. */
const ANSWER_MS = 10_000;

const NO_ANSWER: WireError = { code: 'ERR_TIMEOUT', message: clientErrors.ERR_TIMEOUT };

/** The answers after which a subscription that worked before is worth another try. */
const TRANSIENT = new Set(['ERR_INTERNAL', 'ERR_RATE_LIMIT', 'ERR_TIMEOUT']);

/**
 * What the app wants to be subscribed to, brought about on every connection anew. A channel has one
 * frame in flight, since the server may handle two of them in either order.
 */
export class Subscriptions {
  readonly #all = new Map<string, Subscription>();
  readonly #requests = new Map<string, Request>();
  readonly #connection: Connection;
  readonly #listener: SubscriptionsListener;
  #isScheduled = false;

  constructor(connection: Connection, listener: SubscriptionsListener) {
    this.#connection = connection;
    this.#listener = listener;
  }

  subscribe(channel: string): Promise<SubscribeAnswer> {
    if (this.#connection.state === 'closed') return Promise.reject(clientError('ERR_CLOSED'));
    let subscription = this.#all.get(channel);
    if (subscription?.isWanted) {
      return subscription.latest
        ? Promise.resolve(subscription.latest)
        : subscription.answer.promise;
    }
    const wish = { isWanted: true, latest: undefined, answer: deferred<SubscribeAnswer>() };
    if (subscription) {
      // It was about to end. Asking once more is harmless, and brings a fresh answer.
      if (subscription.stage === 'in') subscription.stage = 'out';
      subscription.left?.resolve();
      Object.assign(subscription, wish);
    } else {
      subscription = { channel, stage: 'out', retries: 0, ...wish };
      this.#all.set(channel, subscription);
    }
    this.#schedule();
    return wish.answer.promise;
  }

  unsubscribe(channel: string): Promise<void> {
    const subscription = this.#all.get(channel);
    if (!subscription) return Promise.resolve();
    if (!subscription.isWanted && subscription.left) return subscription.left.promise;
    subscription.isWanted = false;
    subscription.left = deferred();
    if (!subscription.latest) subscription.answer.reject(clientError('ERR_UNSUBSCRIBED'));
    const { promise } = subscription.left;
    if (subscription.stage === 'out' || subscription.stage === 'resting') {
      this.#forget(subscription);
      // Messages that waited for the subscription need not wait any more.
      this.#listener.onSettled();
    } else {
      this.#schedule();
    }
    return promise;
  }

  /** Whether a channel is being subscribed to: a message sent now might miss its own event. */
  isUnderWay(channel: string): boolean {
    const subscription = this.#all.get(channel);
    if (!subscription?.isWanted) return false;
    return subscription.stage === 'out' || subscription.stage === 'joining';
  }

  /** Writes what there is to ask. */
  flush(): void {
    const all = [...this.#all.values()];
    const joining = all.filter(({ isWanted, stage }) => isWanted && stage === 'out');
    const leaving = all.filter(({ isWanted, stage }) => !isWanted && stage === 'in');
    this.#ask('subscribe', joining);
    this.#ask('unsubscribe', leaving);
  }

  /** Takes an answer, if it is one to a request of here. */
  settle(frame: ReplyFrame | ErrorFrame): void {
    if (frame.id === undefined || !this.#requests.has(frame.id)) return;
    const reply = frame.type === 'reply' ? (frame.data as Partial<SubscribeReply> | null) : null;
    const outcomes: readonly Outcome[] = Array.isArray(reply?.channels) ? reply.channels : [];
    this.#settle(frame.id, outcomes, frame.type === 'error' ? frame.error : NO_ANSWER);
  }

  /** The connection is gone, and with it what the server knew. */
  lose(): void {
    this.#dropRequests();
    for (const subscription of this.#all.values()) {
      clearTimeout(subscription.timer);
      subscription.stage = 'out';
      if (!subscription.isWanted) this.#forget(subscription);
    }
  }

  close(error: ClientRequestError): void {
    this.#dropRequests();
    for (const subscription of this.#all.values()) {
      if (subscription.isWanted && !subscription.latest) subscription.answer.reject(error);
      this.#forget(subscription);
    }
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

  #ask(action: 'subscribe' | 'unsubscribe', subscriptions: readonly Subscription[]): void {
    for (let start = 0; start < subscriptions.length; start += MAX_CHANNELS_PER_FRAME) {
      const some = subscriptions.slice(start, start + MAX_CHANNELS_PER_FRAME);
      const id = frameId();
      const channels = some.map(({ channel }) => (action === 'subscribe' ? { channel } : channel));
      if (!this.#connection.ask(JSON.stringify({ action, id, channels }))) return;
      for (const subscription of some) {
        subscription.stage = action === 'subscribe' ? 'joining' : 'leaving';
      }
      const timer = setTimeout(() => this.#settle(id, [], NO_ANSWER), ANSWER_MS);
      this.#requests.set(id, { subscriptions: some, timer });
    }
  }

  /** `otherwise` is what becomes of the channels that have no outcome. */
  #settle(id: string, outcomes: readonly Outcome[], otherwise: WireError): void {
    const { timer, subscriptions } = this.#requests.get(id) as Request;
    this.#requests.delete(id);
    clearTimeout(timer);
    for (const subscription of subscriptions) {
      const { channel } = subscription;
      const found = outcomes.find((outcome) => outcome.channel === channel);
      const outcome = found ?? { channel, error: otherwise };
      if (subscription.stage === 'leaving') this.#left(subscription, outcome);
      else this.#joined(subscription, outcome);
    }
    this.flush();
    this.#listener.onSettled();
  }

  #joined(subscription: Subscription, outcome: Outcome): void {
    if ('error' in outcome) {
      this.#refused(subscription, outcome.error);
      return;
    }
    subscription.stage = 'in';
    subscription.retries = 0;
    if (!subscription.isWanted) return;
    subscription.latest = outcome as SubscribeAnswer;
    subscription.answer.resolve(subscription.latest);
  }

  #refused(subscription: Subscription, error: WireError): void {
    if (!subscription.isWanted) {
      this.#forget(subscription);
      return;
    }
    if (subscription.latest && TRANSIENT.has(error.code)) {
      this.#rest(subscription, error);
      return;
    }
    this.#forget(subscription);
    const refusal = new ClientRequestError(error);
    if (subscription.latest) this.#listener.onRefused(refusal, subscription.channel);
    else subscription.answer.reject(refusal);
  }

  /** After an outage all clients subscribe at once, and some meet a server that cannot cope. */
  #rest(subscription: Subscription, { retryAfterMs }: WireError): void {
    subscription.stage = 'resting';
    const delayMs = (Number(retryAfterMs) || 0) + backoffMs(subscription.retries);
    subscription.retries += 1;
    subscription.timer = setTimeout(() => {
      subscription.stage = 'out';
      this.flush();
    }, delayMs);
  }

  #left(subscription: Subscription, outcome: Outcome): void {
    subscription.stage = 'out';
    if ('error' in outcome) subscription.left?.reject(new ClientRequestError(outcome.error));
    if (!subscription.isWanted) this.#forget(subscription);
  }

  #forget(subscription: Subscription): void {
    clearTimeout(subscription.timer);
    subscription.left?.resolve();
    this.#all.delete(subscription.channel);
  }

  #dropRequests(): void {
    for (const { timer } of this.#requests.values()) clearTimeout(timer);
    this.#requests.clear();
  }
}
