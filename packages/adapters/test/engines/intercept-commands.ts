import type { Redis } from 'ioredis';
import * as logScripts from '../../src/redis/log/log-scripts.js';
import * as connectionScripts from '../../src/redis/scripts.js';

const scripts = { ...connectionScripts, ...logScripts };

/** The commands that a store sends. */
export const COMMANDS: ReadonlySet<string> = new Set([
  'evalsha',
  'hget',
  'hgetall',
  'unlink',
  'zrangebylex',
]);

/**
 * Called for each command of a store: `send` sends it, and `command` is its name or the name of its
 * script.
 */
export type Around = (send: () => Promise<unknown>, command: string) => Promise<unknown>;

/**
 * Wraps a client so that each command of a store passes through `around`. Scripts are sent in full, so
 * the server never answers NOSCRIPT.
 */
export function interceptCommands(client: Redis, around: Around): Redis {
  return new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const call = value.bind(target) as (...args: unknown[]) => Promise<unknown>;
      if (typeof name !== 'string' || !COMMANDS.has(name)) return call;
      if (name !== 'evalsha') return (...args: unknown[]) => around(() => call(...args), name);
      return (sha: string, ...args: [number, ...string[]]) => {
        const { lua, script } = scriptOf(sha);
        return around(() => target.eval(lua, ...args), script);
      };
    },
  });
}

function scriptOf(sha: string): { lua: string; script: string } {
  for (const [name, value] of Object.entries(scripts)) {
    if (typeof value === 'object' && value.sha === sha) {
      return { lua: value.lua, script: name.replace('Script', '') };
    }
  }
  throw new Error(`No script has the hash ${sha}.`);
}
