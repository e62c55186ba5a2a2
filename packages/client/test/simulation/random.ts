/** Random numbers that are the same whenever the seed is. */
export class Random {
  #state: number;

  /** @param seed - Streams with different texts have nothing to do with each other. */
  constructor(seed: string) {
    let state = 0;
    for (const character of seed)
      state = Math.imul(state ^ character.charCodeAt(0), 0x01000193) + 7;
    this.#state = state;
  }

  /** From 0 to just below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 0x2c1b3c6d);
    bits = Math.imul(bits ^ (bits >>> 12), 0x297a2d39);
    return ((bits ^ (bits >>> 15)) >>> 0) / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)] as T;
  }
}
