import type { Store } from '@gatecast/framework';
import { checkOptions, type OptionType, option } from '@gatecast/framework/adapter';
import type { Cluster, Redis } from 'ioredis';
import { RedisConnectionStore } from './redis-connection-store.js';
import { PREFIX_PATTERN, RedisKeys } from './redis-keys.js';
import { RedisLink } from './redis-link.js';

/** Options of {@link redisStore}. Give one of `url`, `cluster` and `client`. */
export interface RedisStoreOptions {
  /**
   * One server: `redis://user:password@host:6379/0`, with TLS `rediss://…`.
   *
   * @default the environment variable `GATECAST_REDIS_URL`, read at the first call
   */
  readonly url?: string;
  /**
   * A cluster: the URL of its configuration endpoint, or those of some of its nodes. Name, password
   * and TLS of the first one count for all.
   */
  readonly cluster?: string | readonly string[];
  /**
   * A client of your own, used as it is: its time-outs and retries count, and it is never closed.
   */
  readonly client?: Redis | Cluster;
  /**
   * What every key begins with, without braces. Two apps that share a server need one each, and so do
   * two stages of one: under one prefix a channel has one set of subscribers.
   *
   * @default the environment variable `GATECAST_KEY_PREFIX`, read at the first call, else `gatecast:`
   */
  readonly keyPrefix?: string;
  /**
   * How long one command may take, opening a connection included, in milliseconds. Then it is sent
   * once more, over a new connection, and fails after the same time; before that if the function's
   * own time is over. Does not count for a `client` of your own.
   *
   * @default 2000
   */
  readonly commandTimeoutMs?: number;
  /** The clock, in milliseconds since 1970. @default Date.now */
  readonly now?: () => number;
}

const urls: OptionType = {
  takes: 'a URL or a list of them',
  fits: (value) =>
    option.text.fits(value) ||
    (Array.isArray(value) && value.length > 0 && value.every((url) => option.text.fits(url))),
};
const prefix: OptionType = {
  takes: 'a text that is not empty and has no brace in it',
  fits: (value) => typeof value === 'string' && PREFIX_PATTERN.test(value),
};

/**
 * A store in Redis 6.2 or later, or in what speaks its language: Valkey, ElastiCache, MemoryDB. It
 * connects at the first call, and again at the next call after the connection was lost: an
 * environment of Lambda that was frozen, a server that failed over. The whole environment shares one
 * client.
 *
 * A process other than a Lambda function ends only when the store is disposed of
 * (`await using store = redisStore()`); a client of your own is left open then.
 *
 * @example
 * ```ts
 * createApp({ channels: [RoomChannel], store: redisStore({ url: process.env.REDIS_URL }) });
 * ```
 *
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE, ERR_OPTION_CONFLICT.
 */
export function redisStore(options: RedisStoreOptions = {}): Store & AsyncDisposable {
  checkOptions(
    'redisStore()',
    options,
    {
      url: option.text,
      cluster: urls,
      client: option.object,
      keyPrefix: prefix,
      commandTimeoutMs: option.milliseconds(1),
      now: option.callback,
    },
    [['url', 'cluster', 'client']],
  );
  const { keyPrefix, now = Date.now } = options;
  const link = new RedisLink(options);
  const keys = new RedisKeys(keyPrefix);
  return {
    name: 'redis',
    connections: new RedisConnectionStore({ link, keys, now }),
    [Symbol.asyncDispose]: () => link.close(),
  };
}
