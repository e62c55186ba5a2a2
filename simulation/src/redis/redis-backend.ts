import { redisStore } from '../../../packages/adapters/src/redis/redis-store.js';
import type { LogOfChannel, MessageLog } from '../../../packages/framework/src/store/log.js';
import type { Store } from '../../../packages/framework/src/store/store.js';
import type { LogTruth } from '../check/log-truth.js';
import type { Backend } from '../run/backend.js';
import { type Answer, type CallWorld, EngineCall } from '../run/engine-call.js';
import { type Reply, RespClient } from './resp-client.js';

export interface RedisBackendOptions extends Omit<CallWorld, 'environment'> {
  readonly truth: LogTruth;
  readonly log: LogOfChannel;
}

/** How long a client of the store waits for an answer, after which it does not send the command any more. */
const COMMAND_TIMEOUT_MS = 2_000;

let client: RespClient | undefined;

/** Connects this thread to its server, by the path of the server's socket. */
export async function openRedis(path: string): Promise<void> {
  client = await RespClient.open(path);
}

/** The Redis store on a real server, which has nothing but the keys of this run. */
export function redisBackend(options: RedisBackendOptions): Backend {
  if (!client) throw new Error('This thread is not connected to Redis.');
  const { truth, log, world } = options;
  const server = new Server(client, () => world.now);
  const direct = storeWith((...command) => server.send(...command));
  const watched = async (...command: Command): Promise<Reply> => {
    const reply = await server.send(...command);
    if (command[0] === 'UNLINK') {
      const { position } = await (direct.log as MessageLog).head(log);
      truth.mayPurge(position.epoch, position.offset);
    }
    if (Array.isArray(reply) && reply[0] === 'new') {
      const [, epoch, offset, tag] = reply.map(String);
      truth.failOvers.made({ epoch: epoch ?? '', offset: Number(offset), tag: tag ?? '' });
    }
    return reply;
  };
  return {
    load: (environment) =>
      storeWith((...command) => send(watched, { ...options, environment }, command)),
    direct,
    async prepare() {
      await server.clear();
      // Otherwise the first call of a script would depend on earlier runs.
      await server.send('SCRIPT', 'FLUSH');
    },
    remember: () => server.remember(),
    async failOver() {
      await server.failOver();
      const { position } = await (direct.log as MessageLog).head(log);
      truth.forgetAfter(position);
    },
  };
}

type Command = readonly (string | number)[];

/** Sends a command to Redis. */
type Run = (...command: Command) => Promise<Reply>;

/** The store with a client that has the commands which the log uses. */
function storeWith(run: Run): Store {
  const commands = {
    evalsha: (...args: Command) => run('EVALSHA', ...args),
    eval: (...args: Command) => run('EVAL', ...args),
    unlink: (...keys: Command) => run('UNLINK', ...keys),
  };
  return redisStore({ client: commands as never, keyPrefix: 'simulation:' });
}

function send(run: Run, options: CallWorld, command: Command): Promise<Reply> {
  const { world, story } = options;
  const sentAt = world.clock;
  return new Promise((resolve, reject) => {
    const settle = (answer: Answer): void => {
      if ('error' in answer) reject(answer.error);
      else resolve(answer.output as Reply);
    };
    const call: EngineCall = new EngineCall(
      options,
      {
        isOver: () => world.clock > sentAt + COMMAND_TIMEOUT_MS,
        async apply() {
          const answer = await run(...command)
            .then((output): Answer => ({ output }))
            .catch((error: Error): Answer => ({ error }));
          const result = 'error' in answer ? answer.error.message : JSON.stringify(answer.output);
          story?.tell(`${call.name}: ${String(command[0])} → ${result.slice(0, 120)}`);
          return answer;
        },
        throttled: undefined,
        serverError: new Error('LOADING Redis is loading the dataset in memory'),
        brokenConnection: new Error('Connection is closed.'),
      },
      settle,
    );
  });
}

/** A server whose keys expire by the clock of the world. */
class Server {
  readonly #client: RespClient;
  readonly #now: () => number;
  /** When each key expires. */
  readonly #expiry = new Map<string, number>();
  #remembered = new Map<string, { readonly value: Buffer; readonly expiresAt: number }>();

  constructor(redis: RespClient, now: () => number) {
    this.#client = redis;
    this.#now = now;
  }

  async clear(): Promise<void> {
    this.#expiry.clear();
    await this.#client.send('FLUSHALL');
  }

  /** Runs a command. Its keys have as long to live as they have in the world. */
  async send(...command: Command): Promise<Reply> {
    const [name, , count] = command;
    const hasKeys = name === 'EVAL' || name === 'EVALSHA';
    const keys = hasKeys ? command.slice(3, 3 + Number(count)).map(String) : [];
    await Promise.all(keys.map((key) => this.#setLife(key)));
    const reply = await this.#client.send(...command);
    await Promise.all(keys.map((key) => this.#noteLife(key)));
    return reply;
  }

  /** Keeps a copy of everything, which a replica might have. */
  async remember(): Promise<void> {
    this.#remembered = new Map();
    for (const [key, expiresAt] of this.#expiry) {
      const value = await this.#client.send('DUMP', key);
      if (typeof value !== 'string') continue;
      this.#remembered.set(key, { value: Buffer.from(value, 'latin1'), expiresAt });
    }
  }

  /** Continues with that copy: what was written since is lost. */
  async failOver(): Promise<void> {
    await this.clear();
    for (const [key, { value, expiresAt }] of this.#remembered) {
      if (expiresAt <= this.#now()) continue;
      await this.#client.send('RESTORE', key, 0, value);
      this.#expiry.set(key, expiresAt);
    }
  }

  async #setLife(key: string): Promise<void> {
    const expiresAt = this.#expiry.get(key);
    if (expiresAt === undefined) return;
    const leftMs = Math.ceil(expiresAt - this.#now());
    await this.#client.send(...(leftMs > 0 ? ['PEXPIRE', key, leftMs] : ['UNLINK', key]));
  }

  async #noteLife(key: string): Promise<void> {
    const leftMs = Number(await this.#client.send('PTTL', key));
    if (leftMs >= 0) this.#expiry.set(key, this.#now() + leftMs);
    else this.#expiry.delete(key);
  }
}
