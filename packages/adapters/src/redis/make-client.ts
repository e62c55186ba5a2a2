import type { Cluster, Redis } from 'ioredis';
import { type RedisAddress, readAddress } from './redis-address.js';
import { RedisSetupError } from './redis-failure.js';
import type { RedisStoreOptions } from './redis-store.js';

/** What commands are given to. */
export type Client = Redis | Cluster;

/** A client that the link made, and what last went wrong with it. */
export interface OwnClient {
  readonly client: Client;
  readonly where: string;
  readonly isTls: boolean;
  /** How long one attempt may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Makes a client of a cluster's first node alone. */
  readonly makeFirst?: () => OwnClient;
  /** Number of the database, where it is not the first one. */
  readonly db?: number;
  /** Being connected; absent after it has failed. */
  opening?: Promise<void> | undefined;
  lastError?: unknown;
  /** What the first node says when it is asked for the slots; only while that goes on. */
  asking?: Promise<unknown> | undefined;
}

/** Makes the client that the options ask for; it is not connected yet. */
export async function makeClient(
  options: RedisStoreOptions,
  timeoutMs: number,
): Promise<OwnClient> {
  const urls = options.cluster ?? options.url ?? process.env.GATECAST_REDIS_URL;
  const addresses = [urls ?? []].flat().map(readAddress);
  const [first] = addresses;
  if (first === undefined) {
    throw new RedisSetupError(
      'No server is named.',
      'Pass redisStore({ url }), or set the environment variable GATECAST_REDIS_URL.',
    );
  }
  const ioredis = await load();
  const settings = {
    lazyConnect: true,
    retryStrategy: null,
    connectTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    // Each of these would cost a round trip before the first command.
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
      // Certificates are for names, so names must not become numbers before the handshake.
      dnsLookup: (host, found) => found(null, host),
      redisOptions: { ...credentials(first), ...settings },
    },
  );
  return listening({ client, where, isTls, timeoutMs, makeFirst });
}

function listening(made: OwnClient): OwnClient {
  const note = (error: unknown): void => {
    made.lastError = error;
  };
  made.client.on('error', note).on('node error', note);
  return made;
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
      'npm install ioredis',
      error,
    );
  }
}
