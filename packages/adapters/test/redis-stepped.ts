import type { Step } from '@gatecast/framework/testing';
import { type Command, Redis } from 'ioredis';
import { vi } from 'vitest';
import { COMMANDS } from './engines/intercept-commands.js';

/**
 * Passes each command of a store through `step`. The store creates its own clients, because it does not
 * retry with a client that it was given.
 */
export function stepCommands(step: Step): Disposable {
  const send: unknown = Reflect.get(Redis.prototype, 'sendCommand');
  if (typeof send !== 'function')
    throw new Error('This version of the client sends its commands differently.');
  return vi.spyOn(Redis.prototype, 'sendCommand').mockImplementation(async function (
    this: Redis,
    command: Command,
  ) {
    const call = async (): Promise<unknown> => send.call(this, command);
    if (!COMMANDS.has(command.name)) return call();
    return step(call).catch((error: unknown) => {
      const isLost = error instanceof Error && error.name === 'TimeoutError';
      // The error of ioredis for a command that was running when its connection broke.
      throw isLost ? new Error('Connection is closed.', { cause: error }) : error;
    });
  });
}
