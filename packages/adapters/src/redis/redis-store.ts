import type { Store } from '@gatecast/framework';
import { checkOptions, lazyLog, type OptionType, option } from '@gatecast/framework/adapter';
import type { Cluster, Redis } from 'ioredis';
import { RedisConnectionStore } from './redis-connection-store.js';
import { PREFIX_PATTERN, RedisKeys } from './redis-keys.js';
import { RedisLink } from './redis-link.js';

/** Options of {@link redisStore}. Give one of `url`, `cluster` and `client`. @group Start here */
export interface RedisStoreOptions {
  /**
   * URL of one server: `redis://user:password@host:6379/0`, or `rediss://…` for TLS.
   *
   * @default the environment variable `GATECAST_REDIS_URL`, read at the first call
   */
  readonly url?: string;
  /**
   * A cluster: the URL of its configuration endpoint, or the URLs of some of its nodes. User, password
   * and TLS of the first URL apply to all.
   */
  readonly cluster?: string | readonly string[];
  /**
   * A client of your own, used as it is: its own time-outs and retries apply, and the store never closes
   * it.
   */
  readonly client?: Redis | Cluster;
  /**
   * Prefix of every key, without braces. Two apps, or two stages of one app, that share a server need
   * different prefixes: otherwise they share the subscribers of channels with the same name.
   *
   * @default the environment variable `GATECAST_KEY_PREFIX`, read at the first call, else `gatecast:`
   */
  readonly keyPrefix?: string;
  /**
   * How long one command may take, in milliseconds, including opening a connection. After that it is sent
   * once more over a new connection, with the same limit. It ends earlier if the invocation does. Does
   * not apply to a `client` of your own.
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
  takes: 'a string that is not empty and contains no braces',
  fits: (value) => typeof value === 'string' && PREFIX_PATTERN.test(value),
};

/**
 * A store in Redis 6.2 or later, or in a compatible server: Valkey, ElastiCache, MemoryDB. It connects at
 * the first call. If the connection is lost, for example after Lambda froze the environment or the server
 * failed over, it connects again at the next call. All calls share one client.
 *
 * Outside Lambda, the open connection keeps the process running until the store is disposed (`await using
 * store = redisStore()`). A client of your own stays open.
 *
 * @example
 * ```ts
 * createApp({ channels: [RoomChannel], store: redisStore({ url: process.env.REDIS_URL }) });
 * ```
 *
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE, ERR_OPTION_CONFLICT.
 * @group Start here
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
    log: lazyLog(async () => {
      const { RedisMessageLog } = await import('./log/redis-message-log.js');
      return new RedisMessageLog({ link, keys, now });
    }),
    [Symbol.asyncDispose]: () => link.close(),
  };
}
