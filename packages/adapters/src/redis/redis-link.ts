import { setImmediate } from 'node:timers/promises';
import { type TimeLimit, withinTime } from '@gatecast/framework/adapter';
import { type Client, makeClient, type OwnClient } from './make-client.js';
import { RedisCall } from './redis-call.js';
import {
  connectionError,
  describe,
  isStale,
  RedisSetupError,
  TimeOverError,
  toStoreError,
} from './redis-failure.js';
import type { RedisStoreOptions } from './redis-store.js';

/**
 * The connection to the server. A client that the link creates never reconnects by itself: a lost
 * connection ends the client, and the next command gets a new one. So no commands queue up while the
 * server is down, nothing retries in the background, and no old timer fires when a frozen environment
 * wakes up.
 */
export class RedisLink {
  readonly #options: RedisStoreOptions;
  readonly #timeoutMs: number;
  #own: Promise<OwnClient> | undefined;
  #wasAnswered = false;
  #isClosed = false;

  constructor(options: RedisStoreOptions) {
    this.#options = options;
    this.#timeoutMs = options.commandTimeoutMs ?? 2_000;
  }

  /** Runs one call of a store method, and converts its error to a `StoreError`. */
  async during<T>(
    operation: string,
    limit: TimeLimit | undefined,
    work: (call: RedisCall) => Promise<T>,
  ): Promise<T> {
    const call = new RedisCall(this, limit ?? {});
    try {
      call.check();
      return await work(call);
    } catch (error) {
      limit?.signal?.throwIfAborted();
      throw toStoreError(operation, error);
    }
  }

  /** Sends a command once, with a connected client. */
  async attempt<T>(command: (client: Client) => Promise<T>, limit: TimeLimit): Promise<T> {
    if (this.#options.client) return withinLimit(command(this.#options.client), limit);
    if (this.#isClosed) {
      throw new RedisSetupError(
        'The store was used after it was disposed.',
        'Dispose it after its last use.',
      );
    }
    this.#own ??= makeClient(this.#options, this.#timeoutMs);
    const current = this.#own;
    let own: OwnClient;
    try {
      own = await current;
    } catch (error) {
      // Try again at the next call: the missing package or variable may be there by then.
      if (this.#own === current) this.#own = undefined;
      throw error;
    }
    let isGivenUp = false;
    const work = open(own).then(() => {
      if (isGivenUp) throw new Error('This attempt was abandoned.');
      return command(own.client);
    });
    try {
      const answer = await withinLimit(work, limit, this.#timeoutMs);
      this.#wasAnswered = true;
      return answer;
    } catch (error) {
      isGivenUp = true;
      if (error instanceof TimeOverError || limit.signal?.aborted) throw error;
      if (!isStale(error)) {
        this.#wasAnswered = true;
        throw await causeOfRefusal(own, error);
      }
      const isWorking = isWorkingCluster(own.client);
      // Several commands may fail with the same client; only the first one replaces it. The client of a
      // cluster stays: it reconnects to nodes by itself, and serves other commands over its other nodes.
      if (this.#own === current && !isWorking) {
        this.#own = undefined;
        end(own);
      }
      const cause = await causeOf(own, error, limit);
      throw connectionError({ ...own, wasAnswered: this.#wasAnswered || isWorking, cause });
    }
  }

  /** Ends the link and the client that it created. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const own = await this.#own?.catch(() => undefined);
    this.#own = undefined;
    if (own) end(own);
  }
}

// The database is selected here, because ioredis silently uses the first database if the server refuses
// another. Commands wait until the client is connected: one in the client's own queue could not be
// withdrawn when its time is over.
function open(own: OwnClient): Promise<void> {
  const { client, db } = own;
  own.opening ??= (async () => {
    if (client.status === 'wait') await client.connect();
    if (db !== undefined && !client.isCluster) await client.select(db);
  })().catch((error: unknown) => {
    own.opening = undefined;
    throw error;
  });
  return own.opening;
}

/** Waits until the time limit, but no longer than one attempt may take. */
function withinLimit<T>(work: Promise<T>, limit: TimeLimit, attemptMs = Infinity): Promise<T> {
  const { endsAt = Infinity } = limit;
  const attemptEndsAt = Date.now() + attemptMs;
  return withinTime(work, { ...limit, endsAt: Math.min(endsAt, attemptEndsAt) }, () =>
    endsAt <= attemptEndsAt ? new TimeOverError() : new Error(`no answer within ${attemptMs} ms`),
  );
}

// Disconnecting a client that has ended would make ioredis set a timer that is never cleared.
function end({ client }: OwnClient): void {
  if (client.status !== 'end') client.disconnect();
}

function isWorkingCluster(client: Client): boolean {
  return client.isCluster && client.status === 'ready';
}

// ioredis 5 sends a command right after the password. If the server refuses the password, ioredis reports
// the failed command first and the refusal later.
async function causeOfRefusal(own: OwnClient, error: unknown): Promise<unknown> {
  if (!describe(error).startsWith('NOAUTH')) return error;
  await setImmediate();
  return own.lastError ?? error;
}

/** The real cause, if the error itself does not say it. */
async function causeOf(own: OwnClient, error: unknown, limit: TimeLimit): Promise<unknown> {
  const known = describe(error) === 'Connection is closed.' ? (own.lastError ?? error) : error;
  const hasNoNode = /startup nodes is available|slots cache/.test(describe(known));
  if (own.makeFirst === undefined || !hasNoNode) return known;
  // The client of a cluster does not say why it could not reach a node, so ask the first node. Commands
  // that fail at the same time share one request.
  own.asking ??= askForSlots(own.makeFirst(), own.timeoutMs).finally(() => {
    own.asking = undefined;
  });
  const fromFirstNode = await withinLimit(own.asking, limit).catch(() => undefined);
  return fromFirstNode ?? known;
}

async function askForSlots(own: OwnClient, timeoutMs: number): Promise<unknown> {
  try {
    await withinLimit(own.client.cluster('SLOTS'), {}, timeoutMs);
    return undefined;
  } catch (error) {
    return causeOf(own, error, {});
  } finally {
    end(own);
  }
}
