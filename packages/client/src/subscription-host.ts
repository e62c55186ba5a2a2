import type { ClientRequestError } from './errors.js';
import type { Fields } from './incoming.js';
import type { LogReaderHost, MissedReason } from './log-reader.js';
import type { Positions } from './positions.js';

/** What the subscriptions of a client need, and what they report. */
export interface SubscriptionsHost {
  /** The positions where an earlier life stopped are kept here. */
  readonly positions: Positions;
  /** Messages may go that waited. */
  changed(): void;
  /** The server ended one, and it is not asked for again. */
  ended(channel: string, error: ClientRequestError): void;
  /** The server has refused one for a while, and is asked again. */
  refused(channel: string, error: ClientRequestError, retryInMs: number): void;
  /** Events may be missing between the last that was handed over and the next. */
  missed(channel: string, reason: MissedReason): void;
  /** Hands something of a channel over to the app. */
  deliver(channel: string, delivery: Delivery): void;
}

/** What one of them needs besides. When something has changed, there may be something to ask, too. */
export interface SubscriptionHost extends SubscriptionsHost, Pick<LogReaderHost, 'fill' | 'sync'> {}

/** What is handed over. */
export interface Delivery {
  readonly event: Fields | undefined;
  /** Whether it is the next one of the channel's log. */
  readonly isInOrder?: boolean;
  /** Called when the listeners of all that was handed over before, and of this, have returned. */
  readonly returned?: () => void;
}
