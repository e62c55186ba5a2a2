import { MAX_CHANNEL_BYTES_PER_CONNECTION, MAX_CHANNELS_PER_CONNECTION } from '@gatecast/protocol';
import { ClientError } from '../errors/client-error.js';
import type { EventInvocation } from './app-invocation.js';

/** How long channels that are ready wait for the others, in milliseconds. */
const LONGEST_WAIT_MS = 10;

interface Waiting {
  readonly channel: string;
  resolve(wasMember: boolean): void;
  reject(error: unknown): void;
}

/**
 * Subscribes the channels of one frame together. Each channel passes its access rule and the plugins
 * separately; the store is called once for all channels that are ready. A slow channel delays the others
 * only briefly.
 */
export class Joins {
  readonly #invocation: EventInvocation;
  #waiting: Waiting[] = [];
  #expected: number;
  #timer: NodeJS.Timeout | undefined;

  /** @param expected - The number of channels, each of which must call {@link join} or {@link giveUp}. */
  constructor(invocation: EventInvocation, expected: number) {
    this.#invocation = invocation;
    this.#expected = expected;
  }

  /**
   * Subscribes one channel. Returns whether the connection was a member of it already.
   *
   * @throws ClientError - ERR_CHANNEL_LIMIT, ERR_CONNECTION_UNKNOWN.
   * @throws StoreError - if the store fails.
   */
  join(channel: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ channel, resolve, reject });
      this.#timer ??= setTimeout(() => this.#send(), LONGEST_WAIT_MS);
      this.#expect(0);
    });
  }

  /** Announces that one channel will not join, because it was refused. */
  giveUp(): void {
    this.#expect(-1);
  }

  #expect(more: number): void {
    this.#expected += more;
    if (this.#waiting.length > 0 && this.#waiting.length >= this.#expected) this.#send();
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#expected -= waiting.length;
    this.#invocation.delayAnswer(this.#subscribe(waiting)).catch((error: unknown) => {
      for (const entry of waiting) entry.reject(error);
    });
  }

  async #subscribe(waiting: readonly Waiting[]): Promise<void> {
    const { connections, connection } = this.#invocation;
    const results = await connections.subscribe(
      connection.id,
      waiting.map(({ channel }) => channel),
      { maxChannels: MAX_CHANNELS_PER_CONNECTION, maxBytes: MAX_CHANNEL_BYTES_PER_CONNECTION },
      this.#invocation.limit(),
    );
    waiting.forEach((entry, index) => {
      const result = results[index];
      if (result === 'full') entry.reject(limitReached());
      else if (result === 'subscribed' || result === 'present') entry.resolve(result === 'present');
      else entry.reject(connectionUnknown());
    });
  }
}

function limitReached(): ClientError {
  return new ClientError(
    'ERR_CHANNEL_LIMIT',
    `A connection may be subscribed to at most ${MAX_CHANNELS_PER_CONNECTION} channels, whose names have at most ${MAX_CHANNEL_BYTES_PER_CONNECTION} bytes.`,
  );
}

function connectionUnknown(): ClientError {
  return new ClientError('ERR_CONNECTION_UNKNOWN', 'The connection has ended. Connect again.');
}
