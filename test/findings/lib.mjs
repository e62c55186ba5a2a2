// Shared code of the repros in this folder. Run each from the repository's root after a build, `node
// test/findings/NAME.mjs`. Its last line is `holds`, or `FAILS: ` and what went wrong.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

const faults = [];

/** Records a problem unless `isRight`. */
export function check(isRight, seen) {
  if (!isRight) faults.push(seen);
}

/** Prints the last line and ends the process. */
export function finish() {
  process.stdout.write(faults.length > 0 ? `FAILS: ${faults.join('; ')}\n` : 'holds\n');
  process.exit(faults.length > 0 ? 1 : 0);
}

/** A plugin that collects errors: `codes` gets their codes or messages. */
export function listener(codes = []) {
  return { name: 'listener', onError: (error) => codes.push(error.code ?? error.message) };
}

/** The record of a connection that is a minute old. */
export function row(connectionId, address) {
  const now = Date.now();
  return { connectionId, ...address, connectedAt: now - 60_000, expiresAt: now + 3_600_000 };
}

/** The store with some methods of its connections replaced. */
export function replaceMethods({ connections, ...store }, methods) {
  const get = (target, name) => methods[name] ?? bound(target, name);
  return { ...store, connections: new Proxy(connections, { get }) };
}

function bound(target, name) {
  const value = target[name];
  return typeof value === 'function' ? value.bind(target) : value;
}

/** Makes a server listen on a free port, and returns the port. */
export async function listen(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

/** Sets the variables for posts and signatures, and removes those of this machine. */
export function setEnvironment(variables) {
  for (const name of Object.keys(process.env)) {
    if (/^(AWS|GATECAST)_/.test(name)) delete process.env[name];
  }
  Object.assign(process.env, { AWS_EC2_METADATA_DISABLED: 'true', HOME: '/nowhere', ...variables });
}

/** Starts a redis-server for this process, and returns its URL. */
export async function startRedis() {
  const probe = createServer();
  const port = await listen(probe);
  probe.close();
  await once(probe, 'close');
  const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', args.map(String), { stdio: ['ignore', 'pipe', 'ignore'] });
  process.on('exit', () => server.kill('SIGKILL'));
  for await (const line of createInterface({ input: server.stdout })) {
    if (line.includes('Ready to accept connections')) break;
  }
  server.stdout.resume();
  return `redis://127.0.0.1:${port}`;
}
