import type { Cluster, Redis } from 'ioredis';
import { type RedisAddress, readAddress } from './redis-address.js';
import { RedisSetupError } from './redis-failure.js';
import type { RedisStoreOptions } from './redis-store.js';

/** A client that commands are sent with. */
export type Client = Redis | Cluster;

/** A client that the link created itself, and its last error. */
export interface OwnClient {
  readonly client: Client;
  readonly where: string;
  readonly isTls: boolean;
  /** How long one attempt may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Creates a client for only the first node of a cluster. */
  readonly makeFirst?: () => OwnClient;
  /** Number of the database, unless it is the first one. */
  readonly db?: number;
  /** The attempt to connect; `undefined` before it begins and after it failed. */
  opening?: Promise<void> | undefined;
  lastError?: unknown;
  /** A request to the first node for the slots of the cluster, while it runs. Resolves with its error. */
  asking?: Promise<unknown> | undefined;
}

/** Creates the client that the options describe, without connecting it. */
export async function makeClient(
  options: RedisStoreOptions,
  timeoutMs: number,
): Promise<OwnClient> {
  const urls = options.cluster ?? options.url ?? process.env.GATECAST_REDIS_URL;
  const addresses = [urls ?? []].flat().map(readAddress);
  const [first] = addresses;
  if (first === undefined) {
    throw new RedisSetupError(
      'No server is set.',
      'Pass redisStore({ url }), or set the environment variable GATECAST_REDIS_URL.',
    );
  }
  const ioredis = await load();
  const settings = {
    lazyConnect: true,
    retryStrategy: null,
    connectTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    // Each of these two checks would cost a round trip before the first command.
    enableReadyCheck: false,
    disableClientInfo: true,
    protocol: 2 as const,
  };
  const isTls = first.tls !== undefined;
  const where = addresses.map(({ host, port }) => `${host}:${port}`).join(', ');
  const { db, ...server } = first;
  const makeFirst = (): OwnClient =>
    listening({
      client: new ioredis.Redis({ ...server, ...settings }),
      where,
      isTls,
      timeoutMs,
      ...(db !== undefined && db > 0 && { db }),
    });
  if (options.cluster === undefined) return makeFirst();
  const client = new ioredis.Cluster(
    addresses.map(({ host, port }) => ({ host, port })),
    {
      lazyConnect: true,
      clusterRetryStrategy: null,
      enableReadyCheck: false,
      slotsRefreshTimeout: timeoutMs,
      // Keep host names for the TLS handshake: certificates are issued for names, not for IP addresses.
      dnsLookup: (host, found) => found(null, host),
      redisOptions: { ...credentials(first), ...settings },
    },
  );
  return listening({ client, where, isTls, timeoutMs, makeFirst });
}

function listening(own: OwnClient): OwnClient {
  const note = (error: unknown): void => {
    own.lastError = error;
  };
  own.client.on('error', note).on('node error', note);
  return own;
}

function credentials({ host: _host, port: _port, db: _db, ...rest }: RedisAddress) {
  return rest;
}

async function load(): Promise<{ Redis: typeof Redis; Cluster: typeof Cluster }> {
  try {
    return await import('ioredis');
  } catch (error) {
    throw new RedisSetupError(
      'The package ioredis cannot be loaded.',
      'Run: npm install ioredis',
      error,
    );
  }
}
