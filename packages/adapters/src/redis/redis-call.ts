import { randomBytes } from 'node:crypto';
import { type TimeLimit, timeLeftMs } from '@gatecast/framework/adapter';
import type { Client } from './make-client.js';
import { describe, LostConnectionError, TimeOverError } from './redis-failure.js';
import type { RedisLink } from './redis-link.js';
import type { Script } from './scripts.js';

const ATTEMPTS = 2;

/**
 * One call of a method of the store: all its commands end with its time limit, and none is sent after
 * one of them has failed.
 */
export class RedisCall {
  /** Names the call: what it does twice because an answer was lost is known by it. */
  readonly id: string = randomBytes(6).toString('base64url');
  readonly #link: RedisLink;
  readonly #limit: TimeLimit;
  readonly #startedAt = Date.now();
  #failure: { readonly error: unknown } | undefined;

  constructor(link: RedisLink, limit: TimeLimit) {
    this.#link = link;
    this.#limit = limit;
  }

  /** Throws when nothing may be sent any more. */
  check({ endsAt = Infinity, signal }: TimeLimit = this.#limit): void {
    signal?.throwIfAborted();
    if (this.#failure) throw this.#failure.error;
    if (Date.now() >= endsAt) throw new TimeOverError();
  }

  /**
   * Sends a command; a second time when the connection turns out to be dead. It must be repeatable.
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
   * Runs a script, which returns a list of texts.
   *
   * @param makeArgs - Makes its arguments for each attempt: some time may have passed since the first.
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
