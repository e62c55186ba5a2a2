import type { Cluster, Redis } from 'ioredis';
import { type RedisAddress, readAddress } from './redis-address.js';
import {
  connectionError,
  describe,
  isStale,
  LostConnectionError,
  RedisSetupError,
  toStoreError,
} from './redis-failure.js';
import type { RedisStoreOptions } from './redis-store.js';
import type { Script } from './scripts.js';

type Client = Redis | Cluster;

const TIMEOUT_MS = 2_000;

/** A client that the link made, and what last went wrong with it. */
interface Made {
  readonly client: Client;
  readonly where: string;
  readonly isTls: boolean;
  /** Makes a client of a cluster's first node alone. */
  readonly makeFirst?: () => Made;
  lastError?: unknown;
  /** What that node fails with. */
  firstError?: Promise<unknown>;
}

/**
 * The way to the server. A client of its own never reconnects by itself: a lost connection ends it,
 * and the next command gets a new one. So nothing piles up while the server is away, nothing hammers
 * it in the background, and a frozen environment wakes up with no timer of yesterday's.
 */
export class RedisLink {
  readonly #options: RedisStoreOptions;
  #made: Promise<Made> | undefined;
  #wasAnswered = false;

  constructor(options: RedisStoreOptions) {
    this.#options = options;
  }

  /** Runs commands, and turns whatever they fail with into a `StoreError`. */
  async during<T>(operation: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw toStoreError(operation, error);
    }
  }

  /** Sends a command; a second time when the connection turns out to be dead. It must be repeatable. */
  async send<T>(command: (client: Client) => Promise<T>): Promise<T> {
    if (this.#options.client) return command(this.#options.client);
    try {
      return await this.#attempt(command);
    } catch (error) {
      if (!(error instanceof LostConnectionError)) throw error;
      return this.#attempt(command);
    }
  }

  /** Runs a script on its one key. */
  run({ lua, sha }: Script, key: string, args: readonly (string | number)[]): Promise<unknown> {
    return this.send(async (client) => {
      try {
        return await client.evalsha(sha, 1, key, ...args);
      } catch (error) {
        if (!describe(error).includes('NOSCRIPT')) throw error;
        return await client.eval(lua, 1, key, ...args);
      }
    });
  }

  /** Ends the link's own client. */
  async close(): Promise<void> {
    const made = await this.#made?.catch(() => undefined);
    this.#made = undefined;
    if (made) end(made);
  }

  async #attempt<T>(command: (client: Client) => Promise<T>): Promise<T> {
    this.#made ??= make(this.#options);
    const current = this.#made;
    let made: Made;
    try {
      made = await current;
    } catch (error) {
      // What was missing may be there at the next call.
      if (this.#made === current) this.#made = undefined;
      throw error;
    }
    const limitMs = this.#options.commandTimeoutMs ?? TIMEOUT_MS;
    try {
      const answer = await within(limitMs, command(made.client));
      this.#wasAnswered = true;
      return answer;
    } catch (error) {
      if (!isStale(error)) {
        this.#wasAnswered = true;
        throw error;
      }
      const isWorking = isWorkingCluster(made.client);
      // Of all the commands that fail with a client, only the first one replaces it. A cluster's
      // client replaces what it has lost by itself, and serves others over its other nodes.
      if (this.#made === current && !isWorking) {
        this.#made = undefined;
        end(made);
      }
      const cause = await causeOf(made, error, limitMs);
      throw connectionError({ ...made, wasAnswered: this.#wasAnswered || isWorking, cause });
    }
  }
}

// For a client that has ended already ioredis would set a timer that nothing takes away.
function end({ client }: Made): void {
  if (client.status !== 'end') client.disconnect();
}

function isWorkingCluster(client: Client): boolean {
  return client.isCluster && client.status === 'ready';
}

/** What the client heard before, where the error itself says nothing. */
async function causeOf(made: Made, error: unknown, limitMs: number): Promise<unknown> {
  const said = describe(error) === 'Connection is closed.' ? (made.lastError ?? error) : error;
  const hasNoNode = /startup nodes is available|slots cache/.test(describe(said));
  if (made.makeFirst === undefined || !hasNoNode) return said;
  // Why it reached no node, a cluster's client keeps to itself.
  made.firstError ??= askForSlots(made.makeFirst(), limitMs);
  return (await made.firstError) ?? said;
}

async function askForSlots(made: Made, limitMs: number): Promise<unknown> {
  try {
    await within(limitMs, made.client.cluster('SLOTS'));
    return undefined;
  } catch (error) {
    return causeOf(made, error, limitMs);
  } finally {
    end(made);
  }
}

// Neither the queues of ioredis nor those of its cluster client have a limit of time of their own.
async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

async function make(options: RedisStoreOptions): Promise<Made> {
  const { cluster, commandTimeoutMs = TIMEOUT_MS } = options;
  const urls = cluster ?? options.url ?? process.env.GATECAST_REDIS_URL;
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
    connectTimeout: commandTimeoutMs,
    socketTimeout: commandTimeoutMs,
    // Each of these would cost a round trip before the first command.
    enableReadyCheck: false,
    disableClientInfo: true,
    protocol: 2 as const,
  };
  const isTls = first.tls !== undefined;
  const where = addresses.map(({ host, port }) => `${host}:${port}`).join(', ');
  const makeFirst = (): Made =>
    listening({ client: new ioredis.Redis({ ...first, ...settings }), where, isTls });
  if (cluster === undefined) return makeFirst();
  const client = new ioredis.Cluster(
    addresses.map(({ host, port }) => ({ host, port })),
    {
      lazyConnect: true,
      clusterRetryStrategy: null,
      enableReadyCheck: false,
      slotsRefreshTimeout: commandTimeoutMs,
      // Certificates are for names, so names must not become numbers before the handshake.
      dnsLookup: (host, found) => found(null, host),
      redisOptions: { ...credentials(first), ...settings },
    },
  );
  return listening({ client, where, isTls, makeFirst });
}

function listening(made: Made): Made {
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
