import type { ClientRequestError } from './errors.js';
import type { Fields } from './incoming.js';
import type { LogReaderHost } from './log-reader.js';
import type { Positions } from './positions.js';

/** What a subscription needs, and what it reports. */
export interface SubscriptionHost extends Pick<LogReaderHost, 'fill' | 'sync' | 'missed'> {
  /** The position where an earlier life stopped is kept here. */
  readonly positions: Positions;
  /** There may be something to ask, or messages may go that waited. */
  changed(): void;
  /** The server ended it, and it is not asked for again. */
  ended(error: ClientRequestError): void;
  /** The server has refused it for a while, and is asked again. */
  refused(error: ClientRequestError, retryInMs: number): void;
  /** Hands something over to the app. */
  deliver(delivery: Delivery): void;
}

/** What is handed over. */
export interface Delivery {
  readonly event: Fields | undefined;
  /** Whether it is the next one of the channel's log. */
  readonly isInOrder?: boolean;
  /** Called when the listeners of all that was handed over before, and of this, have returned. */
  readonly returned?: () => void;
}
