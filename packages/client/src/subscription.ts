import type { SubscribeAnswer } from './channel.js';
import { type Deferred, deferred } from './deferred.js';
import { type ClientRequestError, clientError, TRANSIENT, UNCERTAIN } from './errors.js';
import { type Fields, list } from './incoming.js';
import { LogReader } from './log-reader.js';
import type { SubscriptionHost } from './subscription-host.js';
import { after, backoffMs, milliseconds, type Timer } from './timers.js';

/** What the server is asked about a channel. */
export type SubscriptionAction = 'subscribe' | 'unsubscribe';

/** Longest that `subscribe()` and `unsubscribe()` wait for an answer. */
export const SUBSCRIBE_MS = 10_000;
/** Longest time to come back after that a first `subscribe()` takes; of a longer one the app is told. */
export const MAX_WAIT_MS = 30_000;
/** Refusals in a row before the app is told. */
export const REFUSALS = 3;
/** How long a first `subscribe()` goes again while the server fails and says that it will not for long. */
export const OUTAGE_MS = 60_000;

/** Doubts about a position that are further apart have nothing to do with each other. */
const CALM_MS = 30_000;
/** The errors of a channel that nobody can be subscribed to. */
const NO_SUCH_CHANNEL = ['ERR_CHANNEL_NAME', 'ERR_CHANNEL_UNKNOWN'];

/**
 * What the app and the server think of one channel. It has one frame in flight, since the server may
 * handle two of them in either order.
 */
export class Subscription {
  readonly #channel: string;
  readonly #host: SubscriptionHost;
  /** Puts the events in order; a new one for each life of the subscription. */
  #reader: LogReader | undefined;
  /** The position after the last event whose listeners have returned. */
  position: string | undefined;
  /** How many of the latest events it wants where it has no position. */
  #rewind = 0;
  /** How many `subscribe()` calls no `unsubscribe()` has taken back. */
  #users = 0;
  /** What has no answer yet. */
  #pending: SubscriptionAction | undefined;
  /** The reader and the wish of the pending frame: if the app left and came back, the answer may not fit. */
  #asker: LogReader | undefined;
  #asked = '';
  /** What the server has on this connection, as far as it has answered. */
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
  /** When the first of them came. */
  #refusedAt = 0;
  /** How often the position was doubted lately, and when last. */
  #doubts = 0;
  #doubtedAt = -CALM_MS;

  constructor(channel: string, host: SubscriptionHost) {
    this.#channel = channel;
    this.#host = host;
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

  /** Whether the app misses nothing here: it wants no events, or the server has answered on this connection. */
  get isSettled(): boolean {
    return this.#users === 0 || (!this.#pending && this.#membership === 'live');
  }

  /** What to ask the server for, besides the channel. */
  get wish(): { readonly position?: string; readonly rewind?: number } {
    const position = this.#reader?.position;
    return { ...(position && { position }), ...(this.#rewind > 0 && { rewind: this.#rewind }) };
  }

  join(rewind: number): Promise<SubscribeAnswer> {
    this.#users += 1;
    if (this.#users === 1) {
      this.#rewind = rewind;
      this.#reader = this.#newReader();
      // It may just be ending. Asking once more is harmless, and brings a fresh answer.
      if (this.#membership === 'live') this.#membership = 'unsure';
      this.#endLeave();
      this.#stopWaiting();
      this.#joining = deferred();
      if (this.#pending === 'subscribe') this.#startAnswerTimer();
      this.#host.changed();
    }
    return this.#latest ? Promise.resolve(this.#latest) : this.#joining.promise;
  }

  leave(): Promise<void> {
    if (this.#users > 1) {
      this.#users -= 1;
      return Promise.resolve();
    }
    if (this.#users === 1) {
      this.#drop(clientError('ERR_UNSUBSCRIBED'), 'rejectQuietly');
      this.#forget();
    }
    this.#host.changed();
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
    this.#asker = this.#reader;
    this.#asked = JSON.stringify(this.wish);
    if (action === 'subscribe' && !this.#latest) this.#startAnswerTimer();
  }

  /** The server accepted what it was asked, or refused it; or it never answered, which is an error too. */
  answered(error: ClientRequestError | undefined, answer: Fields, isFull: boolean): void {
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
    const { channel, data, reason, events, more } = answer;
    const isResumed = this.#reader?.resumes(answer) ?? false;
    const result = isResumed ? 'resumed' : answer['result'];
    const isOther = this.#asker !== this.#reader && this.#asked !== JSON.stringify(this.wish);
    // The other channels left no room for any of its latest events. Among fewer there is.
    const isStarved = isFull && more && result !== 'resumed' && !list(events)[0];
    const isOfNoUse = isOther || isStarved;
    if (isStale || isOfNoUse) this.#membership = 'unsure';
    if (action === 'unsubscribe') this.#endLeave();
    else if (isOfNoUse) return;
    else if (this.#users > 0) {
      clearTimeout(this.#answerTimer);
      this.#refusals = 0;
      const latest = { channel, data, result, ...(result === 'reset' && { reason }) };
      this.#latest = latest as SubscribeAnswer;
      this.#joining.resolve(this.#latest);
      this.#reader?.answered(answer, isResumed);
    }
    if (end && this.#users > 0) this.#end(end);
  }

  /** The server pushed an event. */
  receive(event: Fields): void {
    this.#reader?.receive(event);
  }

  /** Whether the last events were missed; an error if the server did not say. */
  synced(result: unknown, error: ClientRequestError | undefined): void {
    if (error && TRANSIENT.includes(error.code)) this.#reader?.syncFailed(error);
    else this.#reader?.synced(result);
  }

  /** A frame was answered that another one had taken the place of. */
  answeredLate(): void {
    if (this.#pending) this.#isStale = true;
    this.#membership = 'unsure';
  }

  /** The server ended it, on one of two connections if the client `isMoving`. */
  ended(error: ClientRequestError, isMoving: boolean): void {
    if (this.#pending === 'unsubscribe') return;
    if (this.#pending && !this.#latest) {
      this.#earlyEnd = error;
      return;
    }
    if (this.#pending) this.#isStale = true;
    else this.#membership = isMoving ? 'unsure' : 'none';
    if (this.#users > 0) this.#end(error);
    this.#stopWaiting();
    this.#endLeave();
  }

  /** The connection is gone, and with it what the server knew. */
  lose(): void {
    this.move();
    this.loseEvents();
  }

  /** Events may have been published that came over no connection. */
  loseEvents(): void {
    this.#reader?.lose();
  }

  /** Another connection takes the place of the present one, which still brings events. */
  move(): void {
    this.#pending = undefined;
    this.#membership = 'none';
    this.#isStale = false;
    this.#earlyEnd = undefined;
    this.#stopWaiting();
    this.#endLeave();
  }

  close(): void {
    const reader = this.#reader;
    this.#drop(clientError('ERR_CLOSED'), 'rejectQuietly');
    // A listener may have closed the client: the position of its event is still kept, or the next page gets it again.
    this.#reader = reader;
  }

  #joinRefused(error: ClientRequestError): void {
    const { code, retryAfterMs } = error;
    if (UNCERTAIN.includes(code)) this.#membership = 'unsure';
    if (this.#users === 0) {
      if (this.#membership === 'none') this.#endLeave();
      return;
    }
    const now = performance.now();
    if (this.#refusals === 0) this.#refusedAt = now;
    const isOutage = UNCERTAIN.includes(code) && now - this.#refusedAt < OUTAGE_MS;
    const isSoon = milliseconds(retryAfterMs) <= MAX_WAIT_MS;
    const mayRetry = this.#latest
      ? TRANSIENT.includes(code)
      : retryAfterMs !== undefined && isSoon && (this.#refusals < REFUSALS || isOutage);
    if (!mayRetry) {
      this.#end(error);
      return;
    }
    clearTimeout(this.#answerTimer);
    const retryInMs = this.#retry(error);
    if (this.#refusals >= REFUSALS || !isSoon) {
      this.#host.refused(this.#channel, error, retryInMs);
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
    // They go with the reader, and the pending answer has only later ones: a next reader asks again.
    if (this.#reader?.hasEarly) this.#asked = '';
    this.#reader?.suspend();
    this.#reader = undefined;
    this.#stopWaiting();
  }

  /** The app does not go on from here: what it misses from now on is not missing. */
  #forget(): void {
    this.position = undefined;
    this.#host.positions.set(this.#channel, undefined);
  }

  #newReader(): LogReader {
    const { positions, ...host } = this.#host;
    const isCurrent = (): boolean => this.#reader === reader;
    const reader = new LogReader(
      {
        ...host,
        missed: (reason) => host.missed(this.#channel, reason),
        fill: (...args) => {
          if (isCurrent()) host.fill(...args);
        },
        resume: () => {
          if (isCurrent()) this.#doubt();
        },
        take: (event, position) => {
          if (!isCurrent()) return;
          const returned = (): void => {
            // An event outside of the log moves no position.
            if (!isCurrent() || (event && !position)) return;
            this.position = position;
            positions.set(this.#channel, position);
          };
          host.deliver(this.#channel, { event, isInOrder: position !== undefined, returned });
        },
      },
      positions.get(this.#channel),
    );
    return reader;
  }

  /** Asks the server what its log says to the position. */
  #doubt(): void {
    this.#reader?.suspend();
    if (this.#pending) this.#isStale = true;
    else this.#membership = 'unsure';
    const now = performance.now();
    if (now - this.#doubtedAt >= CALM_MS) this.#doubts = 0;
    this.#doubtedAt = now;
    if (this.#doubts > 0 && !this.#retryTimer) this.#startRetryTimer(backoffMs(this.#doubts));
    this.#doubts += 1;
    this.#host.changed();
  }

  #end(error: ClientRequestError): void {
    const wasTold = this.#latest !== undefined;
    this.#drop(error, 'reject');
    if (!wasTold) return;
    this.#forget();
    this.#host.ended(this.#channel, error);
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
    this.#startRetryTimer(retryInMs);
    return retryInMs;
  }

  #startRetryTimer(ms: number): void {
    this.#retryTimer = after(ms, () => {
      this.#retryTimer = undefined;
      this.#host.changed();
    });
  }

  #stopWaiting(): void {
    clearTimeout(this.#answerTimer);
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#refusals = 0;
  }

  #startAnswerTimer(): void {
    clearTimeout(this.#answerTimer);
    this.#answerTimer = after(SUBSCRIBE_MS, () => {
      const error = clientError('ERR_TIMEOUT');
      if (this.#leaving) this.#endLeave(error);
      else this.#drop(error, 'reject');
      this.#host.changed();
    });
  }
}
