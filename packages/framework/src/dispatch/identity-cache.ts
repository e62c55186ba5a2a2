import type { Identity } from '../wire/connection.js';

export const MOST_IDENTITIES = 10_000;

/**
 * Identities that an authorizer inside `$connect` established, by connection. An environment that has
 * seen a connection does not read its row again for each message. An identity never changes while its
 * connection lives, and its end is checked whenever it is used.
 */
export class IdentityCache {
  readonly #identities = new Map<string, Identity>();

  get(connectionId: string): Identity | undefined {
    return this.#identities.get(connectionId);
  }

  /** Keeps one; the oldest goes when there are too many. */
  keep(connectionId: string, identity: Identity): void {
    if (this.#identities.size >= MOST_IDENTITIES) {
      const [oldest] = this.#identities.keys();
      if (oldest !== undefined) this.#identities.delete(oldest);
    }
    this.#identities.set(connectionId, identity);
  }

  forget(connectionId: string): void {
    this.#identities.delete(connectionId);
  }
}
