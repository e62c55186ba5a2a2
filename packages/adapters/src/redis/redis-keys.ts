import { RedisSetupError } from './redis-failure.js';

/** With a `{` or `}` in the prefix, all keys could fall into one slot of a cluster. */
export const PREFIX_PATTERN: RegExp = /^[^{}]+$/;

export class RedisKeys {
  readonly #given: string | undefined;
  #prefix: string | undefined;

  constructor(given: string | undefined) {
    this.#given = given;
  }

  row(connectionId: string): string {
    return this.of('c', connectionId);
  }

  /** The sorted set with the members of a channel. */
  channel(channel: string): string {
    return this.of('s', channel);
  }

  /**
   * The members of a channel, and one key for each token that may have ended in it. All are in one slot
   * of a cluster.
   */
  membership(channel: string, tokens: readonly string[]): string[] {
    return [this.channel(channel), ...tokens.map((token) => this.of('e', channel, token))];
  }

  /** A key of one kind. Keys with the same tag are in one slot of a cluster. */
  of(kind: string, tag: string, rest = ''): string {
    return `${this.#read()}${kind}:{${tag}}${rest}`;
  }

  /**
   * Read when it is first needed, because an app may be created where the variable is not set, such as in
   * a build.
   */
  #read(): string {
    this.#prefix ??= this.#given ?? readEnvironment();
    return this.#prefix;
  }
}

function readEnvironment(): string {
  const prefix = process.env.GATECAST_KEY_PREFIX || 'gatecast:';
  if (PREFIX_PATTERN.test(prefix)) return prefix;
  throw new RedisSetupError(
    `The environment variable GATECAST_KEY_PREFIX is "${prefix}", which contains a brace.`,
    'Set it to a string without { and }: in a cluster, braces decide where a key is stored.',
  );
}
