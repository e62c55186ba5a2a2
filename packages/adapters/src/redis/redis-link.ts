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
 * The way to the server. A client of its own never reconnects by itself: a lost connection ends it,
 * and the next command gets a new one. So nothing piles up while the server is away, nothing hammers
 * it in the background, and a frozen environment wakes up with no timer of yesterday's.
 */
export class RedisLink {
  readonly #options: RedisStoreOptions;
  readonly #timeoutMs: number;
  #made: Promise<OwnClient> | undefined;
  #wasAnswered = false;
  #isClosed = false;

  constructor(options: RedisStoreOptions) {
    this.#options = options;
    this.#timeoutMs = options.commandTimeoutMs ?? 2_000;
  }

  /** Runs one call of a method, and turns whatever it fails with into a `StoreError`. */
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

  /** Sends a command once, over a client that is connected. */
  async attempt<T>(command: (client: Client) => Promise<T>, limit: TimeLimit): Promise<T> {
    if (this.#options.client) return withinLimit(command(this.#options.client), limit);
    if (this.#isClosed) {
      throw new RedisSetupError('The store was disposed of.', 'Dispose of it after its last use.');
    }
    this.#made ??= makeClient(this.#options, this.#timeoutMs);
    const current = this.#made;
    let made: OwnClient;
    try {
      made = await current;
    } catch (error) {
      // What was missing may be there at the next call.
      if (this.#made === current) this.#made = undefined;
      throw error;
    }
    let isGivenUp = false;
    const work = open(made).then(() => {
      if (isGivenUp) throw new Error('This attempt was given up.');
      return command(made.client);
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
        throw await causeOfRefusal(made, error);
      }
      const isWorking = isWorkingCluster(made.client);
      // Of all the commands that fail with a client, only the first one replaces it. A cluster's
      // client replaces what it has lost by itself, and serves others over its other nodes.
      if (this.#made === current && !isWorking) {
        this.#made = undefined;
        end(made);
      }
      const cause = await causeOf(made, error, limit);
      throw connectionError({ ...made, wasAnswered: this.#wasAnswered || isWorking, cause });
    }
  }

  /** Ends the link's own client, and with it the link. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const made = await this.#made?.catch(() => undefined);
    this.#made = undefined;
    if (made) end(made);
  }
}

// ioredis itself goes on with the first database when the server refuses another one. A command is
// given to a client only once it is connected: one that waits in its queue could not be taken back
// when the time for it is over.
function open(made: OwnClient): Promise<void> {
  const { client, db } = made;
  made.opening ??= (async () => {
    if (client.status === 'wait') await client.connect();
    if (db !== undefined && !client.isCluster) await client.select(db);
  })().catch((error: unknown) => {
    made.opening = undefined;
    throw error;
  });
  return made.opening;
}

/** Waits no longer than the time limit allows, nor than one attempt may take. */
function withinLimit<T>(work: Promise<T>, limit: TimeLimit, attemptMs = Infinity): Promise<T> {
  const { endsAt = Infinity } = limit;
  const attemptEndsAt = Date.now() + attemptMs;
  return withinTime(work, { ...limit, endsAt: Math.min(endsAt, attemptEndsAt) }, () =>
    endsAt <= attemptEndsAt ? new TimeOverError() : new Error(`no answer within ${attemptMs} ms`),
  );
}

// For a client that has ended already ioredis would set a timer that nothing takes away.
function end({ client }: OwnClient): void {
  if (client.status !== 'end') client.disconnect();
}

function isWorkingCluster(client: Client): boolean {
  return client.isCluster && client.status === 'ready';
}

// ioredis 5 sends a command right behind the password, and reports that the server has refused the
// password after it has reported what became of the command.
async function causeOfRefusal(made: OwnClient, error: unknown): Promise<unknown> {
  if (!describe(error).startsWith('NOAUTH')) return error;
  await setImmediate();
  return made.lastError ?? error;
}

/** What the client heard before, where the error itself says nothing. */
async function causeOf(made: OwnClient, error: unknown, limit: TimeLimit): Promise<unknown> {
  const said = describe(error) === 'Connection is closed.' ? (made.lastError ?? error) : error;
  const hasNoNode = /startup nodes is available|slots cache/.test(describe(said));
  if (made.makeFirst === undefined || !hasNoNode) return said;
  // Why it reached no node, a cluster's client keeps to itself. All that fail at once ask once.
  made.asking ??= askForSlots(made.makeFirst(), made.timeoutMs).finally(() => {
    made.asking = undefined;
  });
  const heard = await withinLimit(made.asking, limit).catch(() => undefined);
  return heard ?? said;
}

async function askForSlots(made: OwnClient, timeoutMs: number): Promise<unknown> {
  try {
    await withinLimit(made.client.cluster('SLOTS'), {}, timeoutMs);
    return undefined;
  } catch (error) {
    return causeOf(made, error, {});
  } finally {
    end(made);
  }
}
