import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Engine } from './engine.js';

const run = promisify(execFile);

// AWS publishes DynamoDB Local as an archive. This npm package contains it, so npm can download it.
const PACKAGE = 'amplify-dynamodb-simulator@2.9.30';
const TARBALL = 'amplify-dynamodb-simulator-2.9.30.tgz';
const SHA512 =
  'xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ==';

const cache = fileURLToPath(new URL('../../../../node_modules/.cache/gatecast/', import.meta.url));
const home = join(cache, TARBALL.replace('.tgz', ''));

const hasJava = spawnSync('java', ['-version']).status === 0;
/**
 * Whether to skip the tests on DynamoDB Local. If CI is set they are never skipped: without Java they
 * fail.
 */
export const isWithoutDynamoDbLocal: boolean = !hasJava && !process.env['CI'];
const MISSING =
  'Java is missing, so the store is NOT tested on DynamoDB Local: apt-get install openjdk-17-jre-headless';
// oxlint-disable-next-line no-console -- a skipped test must be visible.
if (isWithoutDynamoDbLocal) console.warn(MISSING);

/** How long its start may take on a busy machine. */
const START_MS = 60_000;

/** DynamoDB Local in its own process. */
export interface DynamoDbLocal extends Engine {
  /** Ends it like a power failure. Data in memory is lost. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  restart(): Promise<void>;
}

/**
 * Starts DynamoDB Local on a free port. Downloads it first if necessary.
 *
 * @param directory - Folder of its data. Default: it is in memory.
 */
export async function startDynamoDbLocal({
  directory,
}: {
  readonly directory?: string;
} = {}): Promise<DynamoDbLocal> {
  if (!hasJava) throw new Error(MISSING);
  if (!existsSync(home)) await fetchEmulator();
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const data = directory === undefined ? ['-inMemory'] : ['-dbPath', directory];
  let java = await launch(endpoint, data);
  const kill = async (): Promise<void> => {
    if (java.exitCode !== null || java.signalCode !== null) return;
    java.kill('SIGKILL');
    await once(java, 'exit');
  };
  return {
    endpoint,
    kill,
    async restart() {
      await kill();
      java = await launch(endpoint, data);
    },
    [Symbol.asyncDispose]: kill,
  };
}

async function launch(endpoint: string, data: readonly string[]): Promise<ChildProcess> {
  // One database for all access keys, because each function has its own key.
  const options = ['-Xmx512m', '-Djava.library.path=DynamoDBLocal_lib', '-jar'];
  const java = spawn(
    'java',
    [...options, 'DynamoDBLocal.jar', ...data, '-sharedDb', '-port', new URL(endpoint).port],
    {
      cwd: join(home, 'package/emulator'),
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, DDB_LOCAL_TELEMETRY: '0' },
    },
  );
  const end = () => java.kill('SIGKILL');
  process.once('exit', end);
  java.once('exit', () => process.off('exit', end));
  let said = '';
  java.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  for (const before = Date.now(); ; await sleep(100)) {
    if (java.exitCode !== null) throw new Error(`DynamoDB Local ended: ${said}`);
    if (Date.now() - before > START_MS) throw new Error(`DynamoDB Local does not answer: ${said}`);
    if (await fetch(endpoint).catch(() => undefined)) break;
  }
  return java;
}

/** Fetches and checks the tarball. Several test files may do so at once: the last to finish wins. */
async function fetchEmulator(): Promise<void> {
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'fetching-'));
  try {
    await run('npm', ['pack', PACKAGE, '--pack-destination', folder], { cwd: folder });
    const tarball = join(folder, TARBALL);
    const found = createHash('sha512')
      .update(await readFile(tarball))
      .digest('base64');
    if (found !== SHA512) {
      throw new Error(`The sha512 of ${PACKAGE} is ${found} and has to be ${SHA512}.`);
    }
    await run('tar', ['-xzf', tarball, '-C', folder, 'package/emulator']);
    await rm(tarball);
    await rename(folder, home);
  } catch (error) {
    await rm(folder, { recursive: true });
    if (!existsSync(home)) throw error;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
