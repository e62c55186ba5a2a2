import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { Random } from './random.js';
import { RealDate } from './real.js';
import type { Pending, World } from './world.js';

let world: World | undefined;

/** Makes a world the one that clocks, timers and random functions belong to. */
export function enterWorld(entered: World | undefined): void {
  world = entered;
}

/** The world that is running. */
export function currentWorld(): World {
  if (!world) throw new Error('Code of a run went on after the run.');
  return world;
}

/** A timer of the world. */
class Timer {
  readonly #callback: () => void;
  readonly #everyMs: number | undefined;
  #pending: Pending | undefined;

  constructor(callback: () => void, delayMs: number, isRepeated: boolean) {
    this.#callback = callback;
    this.#everyMs = isRepeated ? Math.max(1, delayMs) : undefined;
    this.#start(delayMs);
  }

  clear(): void {
    if (this.#pending) this.#pending.isCancelled = true;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  #start(delayMs: number): void {
    const { current } = currentWorld();
    const fire = (): void => {
      if (this.#everyMs !== undefined) this.#start(this.#everyMs);
      this.#callback();
    };
    this.#pending = currentWorld().after(delayMs, fire, current);
  }
}

type Callback = (...args: unknown[]) => void;

const noRandom = new Random(0);
const random = (): Random => currentWorld().current?.random ?? noRandom;

/**
 * Puts the world's clock, timers and random numbers in the place of those of this thread.
 */
function install(): void {
  class WorldDate extends RealDate {
    constructor(...args: readonly unknown[]) {
      super(...((args.length === 0 ? [currentWorld().clock] : args) as [number]));
    }

    static override now(): number {
      return currentWorld().clock;
    }
  }
  const timer =
    (isRepeated: boolean) =>
    (callback: Callback, delayMs: number = 1, ...args: unknown[]): Timer =>
      new Timer(() => callback(...args), delayMs, isRepeated);
  const clear = (cleared: unknown): void => {
    if (cleared instanceof Timer) cleared.clear();
  };
  Object.assign(globalThis, {
    Date: WorldDate,
    setTimeout: timer(false),
    setInterval: timer(true),
    setImmediate: (callback: Callback, ...args: unknown[]) =>
      new Timer(() => callback(...args), 0, false),
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: clear,
  });
  Math.random = () => random().next();
  Object.defineProperty(performance, 'now', { value: () => currentWorld().clock });
  installRandomFunctions();
}

function installRandomFunctions(): void {
  const randomUUID = (): string => {
    const hex = random().bytes(16).toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
  };
  const getRandomValues = (array: Uint8Array): Uint8Array => {
    array.set(random().bytes(array.length));
    return array;
  };
  Object.assign(crypto, {
    randomBytes: (size: number) => random().bytes(size),
    randomInt: (end: number) => random().below(end),
    randomFillSync: getRandomValues,
    randomUUID,
  });
  // Accessors of a prototype, which cannot be assigned.
  Object.defineProperties(globalThis.crypto, {
    randomUUID: { value: randomUUID },
    getRandomValues: { value: getRandomValues },
  });
  syncBuiltinESMExports();
}

install();
