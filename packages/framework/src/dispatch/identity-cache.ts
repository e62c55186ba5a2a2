import type { Identity } from '../wire/connection.js';

export const MOST_IDENTITIES = 10_000;

/**
 * Caches the identities of an authorizer inside `$connect` by connection, so that an environment does not
 * read a connection's row for each message. An identity never changes during a connection, and its expiry
 * is checked at every use.
 */
export class IdentityCache {
  readonly #identities = new Map<string, Identity>();

  get(connectionId: string): Identity | undefined {
    return this.#identities.get(connectionId);
  }

  /** Adds an identity, and removes the oldest one if there are too many. */
  keep(connectionId: string, identity: Identity): void {
    if (this.#identities.size >= MOST_IDENTITIES) {
      const [oldest] = this.#identities.keys();
      this.#identities.delete(oldest as string);
    }
    this.#identities.set(connectionId, identity);
  }

  forget(connectionId: string): void {
    this.#identities.delete(connectionId);
  }
}
