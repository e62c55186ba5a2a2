import type { RedisProxy } from '../../packages/adapters/test/engines/redis-proxy.js';
import type { Line } from './diary.js';

export interface ParticipantOptions {
  readonly name: string;
  readonly channels: readonly string[];
  readonly seed: number;
  /** The port of the gateway. */
  readonly port: number;
  /** The path of the API there. */
  readonly path: string;
}

/** A client of a run, wherever it is. */
export interface Participant extends AsyncDisposable {
  readonly name: string;
  readonly channels: readonly string[];
  /** What is between it and the gateway. */
  readonly network: Pick<RedisProxy, 'cut' | 'mute'>;
  join(): Promise<void>;
  /** Begins to send messages. */
  talk(): Promise<void>;
  /** Resolves when each of its messages has been answered or refused. */
  stop(): Promise<void>;
  /** The id of the last event that it got on each channel. */
  tails(): Promise<Readonly<Record<string, string>>>;
  lines(): Promise<readonly Line[]>;
}
