import type { LogChecks } from './checks.js';
import type { PositionStorage } from './client-under-test.js';
import { channelNames } from './steps.js';

const PREFIX = 'gatecast:wss://simulated.test/dev:';

/** The storage of a page, which outlives it. */
export class SimulatedStorage implements PositionStorage {
  readonly #checks: LogChecks;
  readonly #values = new Map<string, string>();

  constructor(checks: LogChecks) {
    this.#checks = checks;
  }

  of(channel: string): string | undefined {
    return this.#values.get(PREFIX + channel);
  }

  getItem(key: string): string | null {
    this.#channelOf(key);
    return this.#values.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    const channel = this.#channelOf(key);
    this.#values.set(key, value);
    this.#checks.world.note('stored', channel, value);
    const check = this.#checks.of(channel);
    if (check.isWanted) check.checkPosition(value, 'is stored');
    else this.#fails('a position that is not forgotten', `${value} of "${channel}" is stored.`);
  }

  removeItem(key: string): void {
    this.#checks.world.note('forgotten', this.#channelOf(key));
    this.#values.delete(key);
  }

  /** Looks whether positions are left of channels that the page has left. */
  step(): void {
    for (const { name, isWanted, hasLeft } of this.#checks.all) {
      if (isWanted || !hasLeft || this.of(name) === undefined) continue;
      this.#fails('a position that is not forgotten', `The storage has that of "${name}".`);
    }
  }

  #channelOf(key: string): string {
    const channel = channelNames.find((name) => key === PREFIX + name);
    if (channel === undefined) this.#fails('a wrong position', `The key is "${key}".`);
    return channel ?? channelNames[0];
  }

  #fails: LogChecks['world']['fails'] = (kind, text) => this.#checks.world.fails(kind, text);
}
