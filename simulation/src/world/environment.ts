import type { Random } from './random.js';

/** Something that waits for an environment to go on. */
interface Parked {
  readonly work: () => void;
  readonly isCancelled: boolean;
}

/** A process that runs the project's code, such as a Lambda execution environment. */
export class Environment {
  readonly name: string;
  /** By how much its clock is wrong, in milliseconds. */
  readonly skewMs: number;
  /** What its random functions draw from. */
  readonly random: Random;
  /** Calls that it has made so far, by which the adversary knows them. */
  calls: number = 0;
  isDead: boolean = false;
  #freezes = 0;
  #isFrozen = false;
  #parked: Parked[] = [];

  constructor(name: string, options: { readonly skewMs: number; readonly random: Random }) {
    this.name = name;
    this.skewMs = options.skewMs;
    this.random = options.random;
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** @returns The number of this freeze. */
  freeze(): number {
    this.#isFrozen = true;
    this.#freezes += 1;
    return this.#freezes;
  }

  /** Whether it is still frozen by the freeze with this number. */
  isFrozenBy(freeze: number): boolean {
    return this.#isFrozen && this.#freezes === freeze;
  }

  park(event: Parked): void {
    this.#parked.push(event);
  }

  /** Ends the freeze, and returns what has waited for it. */
  thaw(): readonly Parked[] {
    this.#isFrozen = false;
    const parked = this.#parked.filter(({ isCancelled }) => !isCancelled);
    this.#parked = [];
    return parked;
  }

  die(): void {
    this.isDead = true;
    this.#parked = [];
  }
}
