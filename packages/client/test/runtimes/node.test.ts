import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RunningCommand, startCommand } from '../../../../test/running-command.js';
import { bundlePrograms, type Programs } from './bundle.js';
import { expectVisit } from './program-tests.js';
import { PATIENCE, Room } from './room.js';

/** Node 20 has a WebSocket of its own too, behind a flag. */
const FLAGS = globalThis.WebSocket ? [] : ['--experimental-websocket', '--no-warnings'];

let programs: Programs;

beforeAll(async () => {
  programs = await bundlePrograms([
    'program',
    'program-with-ws',
    'program-with-thread',
    'closing-program',
  ]);
});

afterAll(() => programs[Symbol.asyncDispose]());

// oxlint-disable vitest/expect-expect -- expectVisit and expectToEnd expect.
describe('the client in Node', () => {
  it.each([
    ['with the package ws', 'program-with-ws'],
    ["with Node's own WebSocket", 'program'],
    ['in a worker thread', 'program-with-thread'],
  ])('sends again what was cut off, %s, and lets the program end', async (_, program) => {
    await expectVisit(process.execPath, [...FLAGS, programs.fileOf(program)]);
  });

  // Not with Node's own WebSocket, which waits for the answer for ever; nothing can end it.
  it('F10 lets the program end when the server does not answer the close', async () => {
    await using room = await Room.open();
    await using running = startClosing(room.url, 'ws');
    await vi.waitFor(() => expect(room.connections).toBe(1), PATIENCE);
    room.hush();
    await expectToEnd(running);
  });

  it.each(['ws', 'own'] as const)(
    'F10 lets the program end when the server does not answer the handshake, with a WebSocket that is %s',
    async (whose) => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      await using running = startClosing(`ws://127.0.0.1:${port}`, whose);
      const [socket] = await once(server, 'connection');
      await once(socket, 'data');
      await expectToEnd(running);
      server.close();
    },
  );
});

function startClosing(url: string, whose: 'ws' | 'own'): RunningCommand {
  return startCommand(process.execPath, [...FLAGS, programs.fileOf('closing-program'), url, whose]);
}

/** Half of what the package ws waits by itself. */
const DEADLINE_MS = 15_000;

async function expectToEnd(running: RunningCommand): Promise<void> {
  running.kill('SIGUSR2');
  const late = new Promise((resolve) => setTimeout(resolve, DEADLINE_MS, 'still running').unref());
  expect(await Promise.race([running.ended, late])).toMatchObject({ code: 0, stderr: '' });
}
