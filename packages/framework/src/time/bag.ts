/** Something in a {@link Bag}. */
export interface BagItem<T> {
  readonly value: T;
  /** Where it lies. */
  index: number;
}

/**
 * Holds values, in no order. For thousands that stay for a moment each: the tables that a Set outgrows then
 * live long and keep alive what was in them, so that the garbage collector has more to do than all others.
 */
export class Bag<T> {
  readonly #items: BagItem<T>[] = [];

  /** What is in it now. */
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

  /** Takes an item out. Returns whether it was still in it. */
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
