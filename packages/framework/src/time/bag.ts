/** A value in a {@link Bag}. */
export interface BagItem<T> {
  readonly value: T;
  /** Its index in the bag. */
  index: number;
}

/**
 * An unordered collection for thousands of values that stay only for a moment. A Set replaces its tables
 * as it grows. The old ones live long and keep their values alive, which makes more work for the garbage
 * collector than all other objects.
 */
export class Bag<T> {
  readonly #items: BagItem<T>[] = [];

  /** A copy of its items. */
  get items(): readonly BagItem<T>[] {
    return [...this.#items];
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  add(value: T): BagItem<T> {
    const item = { value, index: this.#items.length };
    this.#items.push(item);
    return item;
  }

  /** Removes an item. Returns whether it was still there. */
  remove(item: BagItem<T>): boolean {
    const items = this.#items;
    if (items[item.index] !== item) return false;
    const last = items.pop() as BagItem<T>;
    if (last !== item) {
      last.index = item.index;
      items[last.index] = last;
    }
    return true;
  }
}
