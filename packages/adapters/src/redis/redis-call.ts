import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { type TimeLimit, timeLeftMs } from '@gatecast/framework/adapter';
import type { Client } from './make-client.js';
import { describe, LostConnectionError, TimeOverError } from './redis-failure.js';
import type { RedisLink } from './redis-link.js';
import type { Script } from './scripts.js';

const ATTEMPTS = 2;

/**
 * One call of a store method. All its commands share its time limit, and after one has failed no more are
 * sent.
 */
export class RedisCall {
  /**
   * Identifies the call in the database, so that a command that runs twice, because its answer was lost,
   * recognises its own work.
   */
  readonly id: string = randomBytes(6).toString('base64url');
  readonly #link: RedisLink;
  readonly #limit: TimeLimit;
  readonly #startedAt = Date.now();
  #failure: { readonly error: unknown } | undefined;

  constructor(link: RedisLink, limit: TimeLimit) {
    this.#link = link;
    this.#limit = limit;
    // Each running command adds a listener, and Node warns about more than ten.
    if (limit.signal) setMaxListeners(0, limit.signal);
  }

  /** Throws if no more commands may be sent. */
  check({ endsAt = Infinity, signal }: TimeLimit = this.#limit): void {
    signal?.throwIfAborted();
    if (this.#failure) throw this.#failure.error;
    if (Date.now() >= endsAt) throw new TimeOverError();
  }

  /**
   * Sends a command, and sends it again over a new connection if the first one turns out to be dead. The
   * command must be safe to repeat.
   */
  async send<T>(
    command: (client: Client) => Promise<T>,
    limit: TimeLimit = this.#limit,
  ): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      this.check(limit);
      try {
        return await this.#link.attempt((client) => {
          this.check(limit);
          return command(client);
        }, limit);
      } catch (error) {
        const isWorthAnother = error instanceof LostConnectionError && attempt < ATTEMPTS;
        if (isWorthAnother && timeLeftMs(limit) > 0) continue;
        this.#failure ??= { error };
        throw error;
      }
    }
  }

  /**
   * Runs a script that returns a list of strings.
   *
   * @param makeArgs - Called for each attempt, because arguments may contain the time.
   */
  run(
    { lua, sha, withinMs = Infinity }: Script,
    keys: readonly string[],
    makeArgs: () => readonly (string | number)[],
  ): Promise<readonly string[]> {
    const { endsAt = Infinity } = this.#limit;
    const limit = { ...this.#limit, endsAt: Math.min(endsAt, this.#startedAt + withinMs) };
    return this.send(async (client) => {
      const args = [keys.length, ...keys, ...makeArgs()] as const;
      try {
        return (await client.evalsha(sha, ...args)) as readonly string[];
      } catch (error) {
        if (!describe(error).includes('NOSCRIPT')) throw error;
        this.check(limit);
        return (await client.eval(lua, ...args)) as readonly string[];
      }
    }, limit);
  }
}
