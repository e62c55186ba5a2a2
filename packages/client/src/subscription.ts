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

/** What a subscription reports. */
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
const NO_SUCH_CHANNEL = ['ERR_CHANNEL_NAME', 'ERR_CHANNEL_UNKNOWN'];

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
  #pending: SubscriptionAction | undefined;
  /** Whether the server has it on this connection, besides what it is being asked. */
  #membership: 'none' | 'unsure' | 'live' = 'none';
  /** An earlier frame was answered after the present one was written: nobody knows which came later. */
  #isStale = false;
  /** The server ended it before it was answered for the first time: its answer was on the way. */
  #earlyEnd: ClientRequestError | undefined;
  /** The server's latest answer, on whichever connection. */
  #latest: SubscribeAnswer | undefined;
  #joining: Deferred<SubscribeAnswer> = deferred();
  #leaving: Deferred<void> | undefined;
  /** Ends the wait of `subscribe()` or `unsubscribe()`. */
  #answerTimer: Timer | undefined;
  /** Ends the wait before another try. */
  #retryTimer: Timer | undefined;
  #refusals = 0;

  constructor(channel: string, events: SubscriptionEvents) {
    this.#channel = channel;
    this.#events = events;
  }

  /** What to ask the server now. */
  get next(): SubscriptionAction | undefined {
    if (this.#pending || this.#retryTimer) return undefined;
    if (this.#users > 0) return this.#membership === 'live' ? undefined : 'subscribe';
    return this.#membership === 'none' ? undefined : 'unsubscribe';
  }

  /** Whether neither the app nor the server has it. */
  get isOver(): boolean {
    return this.#users === 0 && !this.#pending && this.#membership === 'none';
  }

  /** Whether a message that is sent now might miss its own event. */
  get isUnderWay(): boolean {
    return this.#pending === 'subscribe' ? this.#users > 0 : this.next === 'subscribe';
  }

  join(): Promise<SubscribeAnswer> {
    this.#users += 1;
    if (this.#users === 1) {
      // It may just be ending. Asking once more is harmless, and brings a fresh answer.
      if (this.#membership === 'live') this.#membership = 'unsure';
      this.#endLeave();
      this.#stopWaiting();
      this.#joining = deferred();
      if (this.#pending === 'subscribe') this.#startAnswerTimer();
      this.#events.changed();
    }
    return this.#latest ? Promise.resolve(this.#latest) : this.#joining.promise;
  }

  leave(): Promise<void> {
    if (this.#users > 1) {
      this.#users -= 1;
      return Promise.resolve();
    }
    if (this.#users === 1) this.#drop(clientError('ERR_UNSUBSCRIBED'), 'rejectQuietly');
    this.#events.changed();
    if (this.isOver) return Promise.resolve();
    if (!this.#leaving) {
      this.#leaving = deferred();
      this.#startAnswerTimer();
    }
    return this.#leaving.promise;
  }

  /** A frame was written. */
  written(action: SubscriptionAction): void {
    this.#pending = action;
    if (action === 'subscribe' && !this.#latest) this.#startAnswerTimer();
  }

  /** The server accepted what it was asked, or refused it; or it never answered, which is an error too. */
  answered(error: ClientRequestError | undefined, answer: Fields): void {
    const action = this.#pending;
    const isStale = this.#isStale;
    const end = this.#earlyEnd;
    this.#pending = undefined;
    this.#isStale = false;
    this.#earlyEnd = undefined;
    if (error) {
      if (action === 'subscribe') this.#joinRefused(error);
      else this.#leaveRefused(error);
      return;
    }
    this.#membership = action === 'subscribe' ? 'live' : 'none';
    if (isStale) this.#membership = 'unsure';
    if (action === 'unsubscribe') this.#endLeave();
    else if (this.#users > 0) {
      clearTimeout(this.#answerTimer);
      this.#latest = answer as unknown as SubscribeAnswer;
      this.#joining.resolve(this.#latest);
    }
    if (end && this.#users > 0) this.#end(end);
  }

  /** A frame was answered that another one had taken the place of. */
  answeredLate(): void {
    if (this.#pending) this.#isStale = true;
    this.#membership = 'unsure';
  }

  /** The server ended it. */
  ended(error: ClientRequestError): void {
    if (this.#pending === 'unsubscribe') return;
    if (this.#pending && !this.#latest) {
      this.#earlyEnd = error;
      return;
    }
    if (this.#pending) this.#isStale = true;
    else this.#membership = 'none';
    if (this.#users > 0) this.#end(error);
    this.#stopWaiting();
    this.#endLeave();
  }

  /** The connection is gone, and with it what the server knew. */
  lose(): void {
    this.#pending = undefined;
    this.#membership = 'none';
    this.#isStale = false;
    this.#earlyEnd = undefined;
    this.#stopWaiting();
    this.#endLeave();
  }

  close(): void {
    this.#drop(clientError('ERR_CLOSED'), 'rejectQuietly');
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
    clearTimeout(this.#answerTimer);
    const retryInMs = this.#retry(error);
    if (this.#refusals >= REFUSALS || !isSoon) {
      this.#events.refused(this.#channel, error, retryInMs);
    }
  }

  #leaveRefused(error: ClientRequestError): void {
    if (NO_SUCH_CHANNEL.includes(error.code)) this.#membership = 'none';
    if (error.retryAfterMs === undefined) this.#endLeave(error);
    if (this.next === 'unsubscribe') this.#retry(error);
  }

  /** Nobody is subscribed any more. The error is for a `subscribe()` that has no answer yet. */
  #drop(error: ClientRequestError, how: 'reject' | 'rejectQuietly'): void {
    this.#joining[how](error);
    this.#users = 0;
    this.#latest = undefined;
    this.#stopWaiting();
  }

  #end(error: ClientRequestError): void {
    const wasTold = this.#latest !== undefined;
    this.#drop(error, 'reject');
    if (wasTold) this.#events.ended(this.#channel, error);
  }

  #endLeave(error?: Error): void {
    if (!this.#leaving) return;
    clearTimeout(this.#answerTimer);
    if (error) this.#leaving.rejectQuietly(error);
    else this.#leaving.resolve();
    this.#leaving = undefined;
  }

  /** After an outage all clients subscribe at once, and some meet a server that cannot cope. */
  #retry({ retryAfterMs }: ClientRequestError): number {
    const retryInMs = milliseconds(milliseconds(retryAfterMs) + backoffMs(this.#refusals));
    this.#refusals += 1;
    this.#retryTimer = after(retryInMs, () => {
      this.#retryTimer = undefined;
      this.#events.changed();
    });
    return retryInMs;
  }

  #stopWaiting(): void {
    clearTimeout(this.#answerTimer);
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#refusals = 0;
  }

  #startAnswerTimer(): void {
    clearTimeout(this.#answerTimer);
    this.#answerTimer = after(ANSWER_MS, () => {
      const error = clientError('ERR_TIMEOUT');
      if (this.#leaving) this.#endLeave(error);
      else this.#drop(error, 'reject');
      this.#events.changed();
    });
  }
}
