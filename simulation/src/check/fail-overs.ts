import type { Position } from '@gatecast/protocol';

/** What fail-overs of the database have forgotten. */
export class FailOvers {
  /** How often the database has failed over. */
  count: number = 0;
  readonly #made = new Map<string, Position>();
  readonly #forgotten = new Set<string>();
  readonly #remade = new Set<string>();

  /**
   * The database has made an entry. After a fail-over the same event can come to the same place again; then nothing
   * was lost, but for the time of the entry.
   */
  made(position: Position): void {
    const key = keyOf(position);
    this.#made.set(key, position);
    if (this.#forgotten.delete(key)) this.#remade.add(key);
  }

  /** A fail-over has forgotten some of the entries. */
  forget(isLost: (position: Position) => boolean): void {
    this.count += 1;
    for (const [key, position] of this.#made) {
      if (!isLost(position)) continue;
      this.#forgotten.add(key);
      this.#made.delete(key);
    }
  }

  hasForgotten(position: Position): boolean {
    return this.#forgotten.has(keyOf(position));
  }

  /** Whether an entry was forgotten and made again, perhaps at another time. */
  hasRemade(position: Position): boolean {
    return this.#remade.has(keyOf(position));
  }
}

function keyOf({ epoch, offset, tag }: Position): string {
  return `${epoch}:${offset}:${tag}`;
}
