import type { Redis } from 'ioredis';

const COMMANDS = new Set(['evalsha', 'hget', 'hmget', 'hgetall', 'hdel', 'zrem', 'zrangebylex']);

/** The client, with something around each command of a store: `send` sends it. */
export function interceptCommands(
  client: Redis,
  around: (send: () => Promise<unknown>, command: string) => Promise<unknown>,
): Redis {
  return new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const call = value.bind(target) as (...args: unknown[]) => Promise<unknown>;
      if (typeof name !== 'string' || !COMMANDS.has(name)) return call;
      return (...args: unknown[]) => around(() => call(...args), name);
    },
  });
}
