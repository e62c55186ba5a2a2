import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Environment } from '../src/lambda/environment/environment.js';
import type { FunctionConfiguration } from '../src/lambda/function.js';

const bundleFile = fileURLToPath(new URL('fixtures/handlers.mjs', import.meta.url));
const configuration: FunctionConfiguration = {
  name: 'handlers',
  entry: 'handlers.ts',
  handler: 'startsProcess',
  variables: {},
  functionArn: '',
  timeoutMs: 60_000,
  memoryMb: 128,
  maxEnvironments: 1,
  quiet: true,
};

// Both the function and the process that it starts connect to this server, which sees their ends.
const server = createServer((socket) => {
  connections++;
  sockets.add(socket.on('error', () => {}).once('close', () => sockets.delete(socket)));
  // The function goes on when both are connected.
  if (sockets.size === 2) for (const each of sockets) each.write('go');
});
const sockets = new Set<Socket>();
let connections = 0;
let port: number;

beforeEach(async () => {
  connections = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, 'close');
});

const patience = { timeout: 20_000 };
const bothConnected = () => vi.waitFor(() => expect(connections).toBe(2), patience);

it.each(['spin', 'return'])(
  'I4 the processes of a function end when its environment is closed: %s',
  async (next) => {
    await using environment = Environment.start(configuration, bundleFile);
    const result = environment.invoke({ port, next }, { requestId: 'one' });
    await bothConnected();
    if (next === 'return') await result;
    await environment.close();
    await vi.waitFor(() => expect(sockets.size).toBe(0), patience);
    await result;
  },
);

it('I4 the processes of a function end when it ends itself', async () => {
  await using environment = Environment.start(configuration, bundleFile);
  const result = environment.invoke({ port, next: 'exit' }, { requestId: 'one' });
  await bothConnected();
  expect(await result).toMatchObject({ errorType: 'Runtime.ExitError' });
  await vi.waitFor(() => expect(sockets.size).toBe(0), patience);
});

it('I4 the processes of a busy function end when the gateway is killed', async () => {
  const module = new URL('../dist/lambda/environment/environment.js', import.meta.url).href;
  const code = `
    import { Environment } from ${JSON.stringify(module)};
    const environment = Environment.start(...${JSON.stringify([configuration, bundleFile])});
    await environment.invoke(${JSON.stringify({ port, next: 'spin' })}, { requestId: 'one' });
  `;
  const gateway = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore' });
  await bothConnected();
  gateway.kill('SIGKILL');
  await vi.waitFor(() => expect(sockets.size).toBe(0), patience);
});
