import type { Weather } from './weather.js';

export const STORES = ['dynamodb', 'memory', 'redis'] as const;
export type StoreName = (typeof STORES)[number];

export const LEVELS = ['app', 'log'] as const;
export type Level = (typeof LEVELS)[number];

/** Something that people do in a run, after some time from its beginning. */
interface At {
  readonly atMs: number;
}

/** A message of a client, which goes again until it is acknowledged. */
export interface PublishOperation extends At {
  readonly does: 'publish';
  /** Who sends it. */
  readonly client: number;
  readonly id: string;
  readonly content: string;
  readonly onOtherHash: 'keep-first' | 'refuse';
  /** Whether the client sends it once, and does not wait for an answer. @default false */
  readonly isOnce?: boolean;
  /** When it goes again anyhow, in milliseconds after the first time. */
  readonly againMs: readonly number[];
}

/** A reader asks for what it has missed. */
export interface ReadOperation extends At {
  readonly does: 'read';
  readonly client: number;
  readonly keep: boolean;
  readonly limit: number;
  readonly maxBytes: number;
}

/** Somebody reads the newest entries, then older ones, page by page. */
export interface HistoryOperation extends At {
  readonly does: 'history';
  readonly pages: number;
  readonly limit: number;
}

/** The log is purged, or its end is asked for, or it is checked that it has what it has promised. */
export interface PlainOperation extends At {
  readonly does: 'purge' | 'head' | 'check';
}

/** A client closes its connection, and comes back later. */
export interface LeaveOperation extends At {
  readonly does: 'leave';
  readonly client: number;
  readonly forMs: number;
}

export type Operation =
  | PublishOperation
  | LeaveOperation
  | ReadOperation
  | HistoryOperation
  | PlainOperation;

/** Everything that a run depends on. The same plan is the same run. */
export interface Plan {
  readonly seed: number;
  /** Whether clients use an app through API Gateway, or publishers and readers use the log itself. */
  readonly level: Level;
  readonly store: StoreName;
  readonly retentionSeconds: number;
  readonly maxEntries?: number;
  /** The offset that the log has reached when the run begins, with entries that have expired. */
  readonly firstOffset: number;
  readonly clients: number;
  /** Most execution environments that handle calls at once. */
  readonly environments: number;
  readonly weather: Weather;
  readonly operations: readonly Operation[];
  /** How long one operation of the store may take, in milliseconds. */
  readonly budgetMs: number;
  /**
   * What the adversary does for certain, by the name of the decision: for schedules written by hand. The value
   * of a freeze is its length in milliseconds, any other is ignored.
   */
  readonly forced?: Readonly<Record<string, number>>;
  /** Decisions of the adversary that are left out. */
  readonly left: readonly string[];
}
