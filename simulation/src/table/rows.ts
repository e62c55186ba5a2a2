import { compareText, type Item } from './values.js';

/** What a row was from some time on. */
interface Version {
  readonly from: number;
  /** `undefined`: the row was deleted. */
  readonly item: Item | undefined;
  /** When its time to live lets DynamoDB delete it. */
  readonly deletedAt: number;
}

/** For how long an eventually consistent read may find what a row was before. */
export const LONGEST_LAG_MS = 3_000;

/** A row of the table, with what it was during the last seconds. */
export class Row {
  readonly sk: string;
  #versions: Version[] = [];

  constructor(sk: string) {
    this.sk = sk;
  }

  /** The item at a point in time, now or shortly before. */
  itemAt(time: number): Item | undefined {
    for (let index = this.#versions.length - 1; index >= 0; index -= 1) {
      const version = this.#versions[index] as Version;
      if (version.from <= time) return version.deletedAt <= time ? undefined : version.item;
    }
    return undefined;
  }

  write(version: Version): void {
    const kept = this.#versions.findLastIndex(({ from }) => from <= version.from - LONGEST_LAG_MS);
    if (kept > 0) this.#versions.splice(0, kept);
    this.#versions.push(version);
  }
}

/** All rows with one partition key, in the order of their sort keys. */
export class Partition {
  readonly #rows = new Map<string, Row>();
  #sorted: Row[] | undefined;

  row(sk: string): Row | undefined {
    return this.#rows.get(sk);
  }

  rowForWrite(sk: string): Row {
    let row = this.#rows.get(sk);
    if (!row) {
      row = new Row(sk);
      this.#rows.set(sk, row);
      this.#sorted = undefined;
    }
    return row;
  }

  get sorted(): readonly Row[] {
    this.#sorted ??= [...this.#rows.values()].sort((one, other) => compareText(one.sk, other.sk));
    return this.#sorted;
  }
}
