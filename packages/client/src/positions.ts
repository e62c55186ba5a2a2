/**
 * The part of a browser's `Storage` that the client uses. Spelled out, because programs for Node are compiled
 * without the types of a browser.
 *
 * @group History
 */
export interface PositionStorage {
  /** The position that is stored under a key; `null` if there is none. */
  getItem(key: string): string | null;
  /** Stores a position, in the place of the one before. */
  setItem(key: string, position: string): void;
  /** Forgets the position of a key. */
  removeItem(key: string): void;
}

/**
 * Where the application stands in each channel, kept across page loads. Whatever goes wrong with the storage
 * (a browser may forbid it, or it is full), the client works as without.
 */
export class Positions {
  readonly #prefix: string;
  readonly #storage: (() => PositionStorage) | undefined;

  constructor(address: string, storage: (() => PositionStorage) | undefined) {
    this.#prefix = `gatecast:${address}:`;
    this.#storage = storage;
  }

  get(channel: string): unknown {
    try {
      return this.#storage?.().getItem(this.#prefix + channel);
    } catch {
      return undefined;
    }
  }

  set(channel: string, position: string | undefined): void {
    const key = this.#prefix + channel;
    try {
      if (position) this.#storage?.().setItem(key, position);
      else this.#storage?.().removeItem(key);
    } catch {
      // Then the next page begins anew.
    }
  }
}
