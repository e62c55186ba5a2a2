import { type Deferred, deferred } from './deferred.js';
import { type ClientRequestError, clientError } from './errors.js';
import type { Fields } from './incoming.js';
import { after, backoffMs, milliseconds, type Timer } from './timers.js';

/** What the server says to a subscription. */
export interface SubscribeAnswer<D = unknown> {
  /** The channel's name. */
  readonly channel: string;
  /** `live`: events from now on. */
  readonly result: 'live';
  /** What the channel's `@OnSubscribe` handler returned. */
  readonly data: D;
}

/** What the server is asked about a channel. */
export type SubscriptionAction = 'subscribe' | 'unsubscribe';

/** Whom a subscription tells. */
export interface SubscriptionEvents {
  /** There may be something to ask, or messages may go that waited. */
  changed(): void;
  /** The server ended it, and it is not asked for again. */
  ended(channel: string, error: ClientRequestError): void;
  /** The server has refused it for a while, and is asked again. */
  refused(channel: string, error: ClientRequestError, retryInMs: number): void;
}

/** Longest that `subscribe()` and `unsubscribe()` wait for an answer. */
export const ANSWER_MS = 10_000;
/** Longest time to come back after that a first `subscribe()` takes; of a longer one the app is told. */
export const MAX_WAIT_MS = 30_000;
/** Refusals in a row before the app is told. */
export const REFUSALS = 3;

/** The errors after which the server may have done what it was asked. */
const UNCERTAIN = ['ERR_INTERNAL', 'ERR_TIMEOUT'];
/** The errors after which a subscription that worked before is worth another try. */
const TRANSIENT = [...UNCERTAIN, 'ERR_RATE_LIMIT'];
/** The errors of a channel that nobody can be subscribed to. */
const NOBODYS = ['ERR_CHANNEL_NAME', 'ERR_CHANNEL_UNKNOWN'];

/**
 * What the app and the server think of one channel. It has one frame in flight, since the server may
 * handle two of them in either order.
 */
export class Subscription {
  readonly #channel: string;
  readonly #events: SubscriptionEvents;
  /** How many `subscribe()` calls no `unsubscribe()` has taken back. */
  #users = 0;
  /** What has no answer yet. */
  #asked: SubscriptionAction | undefined;
  /** Whether the server has it on this connection, besides what it is being asked. */
  #membership: 'none' | 'unsure' | 'live' = 'none';
  /** An earlier frame was answered after the present one was written: nobody knows which came later. */
  #isStale = false;
  /** The server's latest answer, on whichever connection. */
  #latest: SubscribeAnswer | undefined;
  #joined: Deferred<SubscribeAnswer> = deferred();
  #left: Deferred<void> | undefined;
  /** Ends the wait of `subscribe()` or `unsubscribe()`. */
  #clock: Timer | undefined;
  /** Ends the wait before another try. */
  #pause: Timer | undefined;
  #refusals = 0;

  constructor(channel: string, events: SubscriptionEvents) {
    this.#channel = channel;
    this.#events = events;
  }

  /** What to ask the server now. */
  get next(): SubscriptionAction | undefined {
    if (this.#asked || this.#pause) return undefined;
    if (this.#users > 0) return this.#membership === 'live' ? undefined : 'subscribe';
    return this.#membership === 'none' ? undefined : 'unsubscribe';
  }

  /** Whether neither the app nor the server has it. */
  get isOver(): boolean {
    return this.#users === 0 && !this.#asked && this.#membership === 'none';
  }

  /** Whether a message that is sent now might miss its own event. */
  get isUnderWay(): boolean {
    return this.#users > 0 && this.#membership !== 'live' && !this.#pause;
  }

  join(): Promise<SubscribeAnswer> {
    this.#users += 1;
    if (this.#users === 1) {
      // It may just be ending. Asking once more is harmless, and brings a fresh answer.
      if (this.#membership === 'live') this.#membership = 'unsure';
      this.#endLeave();
      this.#stopWaiting();
      this.#joined = deferred();
      if (this.#asked === 'subscribe') this.#startClock();
      this.#events.changed();
    }
    return this.#latest ? Promise.resolve(this.#latest) : this.#joined.promise;
  }

  leave(): Promise<void> {
    if (this.#users > 1) {
      this.#users -= 1;
      return Promise.resolve();
    }
    if (this.#users === 1) this.#unwant(clientError('ERR_UNSUBSCRIBED'), 'abandon');
    this.#events.changed();
    if (this.isOver) return Promise.resolve();
    if (!this.#left) {
      this.#left = deferred();
      this.#startClock();
    }
    return this.#left.promise;
  }

  /** A frame was written. */
  asked(action: SubscriptionAction): void {
    this.#asked = action;
    if (action === 'subscribe' && !this.#latest) this.#startClock();
  }

  /** The server accepted what it was asked, or refused it; or it never answered, which is an error too. */
  answered(error: ClientRequestError | undefined, answer: Fields): void {
    const action = this.#asked;
    const isStale = this.#isStale;
    this.#asked = undefined;
    this.#isStale = false;
    if (error) {
      if (action === 'subscribe') this.#joinRefused(error);
      else this.#leaveRefused(error);
      return;
    }
    this.#membership = action === 'subscribe' ? 'live' : 'none';
    if (isStale) this.#membership = 'unsure';
    if (action === 'unsubscribe') this.#endLeave();
    else if (this.#users > 0) {
      clearTimeout(this.#clock);
      this.#latest = answer as unknown as SubscribeAnswer;
      this.#joined.resolve(this.#latest);
    }
  }

  /** A frame was answered that another one had taken the place of. */
  answeredLate(): void {
    if (this.#asked) this.#isStale = true;
    this.#membership = 'unsure';
  }

  /** The server ended it. While it is asked for the first time, the answer says how things stand. */
  ended(error: ClientRequestError): void {
    if (this.#asked && !this.#latest) return;
    this.#membership = 'none';
    if (this.#users > 0) this.#end(error);
    else this.#endLeave();
  }

  /** The connection is gone, and with it what the server knew. */
  lose(): void {
    this.#asked = undefined;
    this.#membership = 'none';
    this.#isStale = false;
    this.#stopWaiting();
    this.#endLeave();
  }

  close(): void {
    this.#unwant(clientError('ERR_CLOSED'), 'abandon');
  }

  #joinRefused(error: ClientRequestError): void {
    const { code, retryAfterMs } = error;
    if (UNCERTAIN.includes(code)) this.#membership = 'unsure';
    if (this.#users === 0) {
      if (this.#membership === 'none') this.#endLeave();
      return;
    }
    const isSoon = milliseconds(retryAfterMs) <= MAX_WAIT_MS;
    const mayRetry = this.#latest
      ? TRANSIENT.includes(code)
      : retryAfterMs !== undefined && isSoon && this.#refusals < REFUSALS;
    if (!mayRetry) {
      this.#end(error);
      return;
    }
    clearTimeout(this.#clock);
    const retryInMs = this.#retry(error);
    if (this.#refusals >= REFUSALS || !isSoon) {
      this.#events.refused(this.#channel, error, retryInMs);
    }
  }

  #leaveRefused(error: ClientRequestError): void {
    if (NOBODYS.includes(error.code)) this.#membership = 'none';
    if (error.retryAfterMs === undefined) this.#endLeave(error);
    if (this.next === 'unsubscribe') this.#retry(error);
  }

  /** Nobody is subscribed any more. The error is for a `subscribe()` that has no answer yet. */
  #unwant(error: ClientRequestError, how: 'reject' | 'abandon'): void {
    this.#joined[how](error);
    this.#users = 0;
    this.#latest = undefined;
    this.#stopWaiting();
  }

  #end(error: ClientRequestError): void {
    const wasTold = this.#latest !== undefined;
    this.#unwant(error, 'reject');
    if (wasTold) this.#events.ended(this.#channel, error);
  }

  #endLeave(error?: Error): void {
    if (!this.#left) return;
    clearTimeout(this.#clock);
    if (error) this.#left.abandon(error);
    else this.#left.resolve();
    this.#left = undefined;
  }

  /** After an outage all clients subscribe at once, and some meet a server that cannot cope. */
  #retry({ retryAfterMs }: ClientRequestError): number {
    const retryInMs = milliseconds(milliseconds(retryAfterMs) + backoffMs(this.#refusals));
    this.#refusals += 1;
    this.#pause = after(retryInMs, () => {
      this.#pause = undefined;
      this.#events.changed();
    });
    return retryInMs;
  }

  #stopWaiting(): void {
    clearTimeout(this.#clock);
    clearTimeout(this.#pause);
    this.#pause = undefined;
    this.#refusals = 0;
  }

  #startClock(): void {
    clearTimeout(this.#clock);
    this.#clock = after(ANSWER_MS, () => {
      const error = clientError('ERR_TIMEOUT');
      if (this.#left) this.#endLeave(error);
      else this.#unwant(error, 'reject');
      this.#events.changed();
    });
  }
}
