// The engines of benchmarks on DynamoDB: dynalite in this process, and DynamoDB Local.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import dynalite from 'dynalite';

const emulator = fileURLToPath(
  new URL(
    '../node_modules/.cache/gatecast/amplify-dynamodb-simulator-2.9.30/package/emulator',
    import.meta.url,
  ),
);

export async function startDynalite() {
  const server = dynalite({ createTableMs: 0 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { endpoint: `http://127.0.0.1:${server.address().port}`, stop };
}

export const runs = (program, ...args) => spawnSync(program, args).status === 0;

/** Whether the tests have downloaded DynamoDB Local and Java is installed. */
export const hasDynamoDbLocal = () => runs('java', '-version') && existsSync(emulator);

export async function startDynamoDbLocal() {
  const port = await freePort();
  const options = ['-Djava.library.path=DynamoDBLocal_lib', '-jar', 'DynamoDBLocal.jar'];
  const java = spawn('java', [...options, '-inMemory', '-port', port], {
    cwd: emulator,
    stdio: 'ignore',
  });
  const endpoint = `http://127.0.0.1:${port}`;
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (await fetch(endpoint).catch(() => undefined)) break;
    await sleep(100);
  }
  return { endpoint, stop: () => java.kill('SIGKILL') };
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return String(port);
}
