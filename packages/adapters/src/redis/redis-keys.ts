import { RedisSetupError } from './redis-failure.js';

/** A `{` or `}` in it would decide into which slot of a cluster all keys fall. */
export const PREFIX_PATTERN: RegExp = /^[^{}]+$/;

/** The names of all keys. */
export class RedisKeys {
  readonly #given: string | undefined;
  #prefix: string | undefined;

  constructor(given: string | undefined) {
    this.#given = given;
  }

  /** The row of a connection. */
  row(connectionId: string): string {
    return `${this.#read()}c:{${connectionId}}`;
  }

  /** The members of a channel. */
  channel(channel: string): string {
    return `${this.#read()}s:{${channel}}`;
  }

  /** The members of a channel, and the ends of tokens in it: all in one slot of a cluster. */
  membership(channel: string, tokens: readonly string[]): string[] {
    const ends = tokens.map((token) => `${this.#read()}e:{${channel}}${token}`);
    return [this.channel(channel), ...ends];
  }

  /** Read when it is first needed: an app is also put together where its environment is not set. */
  #read(): string {
    this.#prefix ??= this.#given ?? readEnvironment();
    return this.#prefix;
  }
}

function readEnvironment(): string {
  const prefix = process.env.GATECAST_KEY_PREFIX || 'gatecast:';
  if (PREFIX_PATTERN.test(prefix)) return prefix;
  throw new RedisSetupError(
    `The environment variable GATECAST_KEY_PREFIX is "${prefix}", which has a brace in it.`,
    'Set it to a text without { and }: in a cluster they decide where a key is kept.',
  );
}
