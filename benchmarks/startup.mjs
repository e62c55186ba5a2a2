// How long `gatecast dev` takes to serve the chat, from its source and from what the CDK synthesized: until
// it prints its address, and until a first client is connected. Both are started in turn.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { build, installDependencies } from '../scripts/run.mjs';

const STARTS = 5;

const root = fileURLToPath(new URL('..', import.meta.url));
const command = join(root, 'packages/local/bin/gatecast.js');
const infra = join(root, 'examples/chat/infra');

export async function measure() {
  installDependencies();
  build();
  const folder = mkdtempSync(join(tmpdir(), 'gatecast-startup-'));
  try {
    const assembly = join(folder, 'cdk.out');
    synthesize(assembly);
    const contenders = [
      { name: 'gatecast dev server/app.ts', args: [join(root, 'examples/chat/server/app.ts')] },
      { name: 'gatecast dev --assembly cdk.out', args: ['--assembly', assembly] },
    ];
    const starts = contenders.map(() => []);
    for (let round = 0; round < STARTS; round += 1) {
      for (const [index, { args }] of contenders.entries()) {
        starts[index].push(await start(args, folder));
      }
    }
    return { starts: STARTS, rows: contenders.map(({ name }, index) => row(name, starts[index])) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function synthesize(assembly) {
  const tsx = createRequire(import.meta.url).resolve('tsx/cli');
  const { status, stderr } = spawnSync(process.execPath, [tsx, 'app.ts'], {
    cwd: infra,
    env: { ...process.env, CDK_OUTDIR: assembly },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
}

/** Starts the command, connects, and ends it. */
async function start(args, cwd) {
  const begin = performance.now();
  const child = spawn(process.execPath, [command, 'dev', ...args, '--port', '0', '--ephemeral'], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  try {
    const url = await address(child.stdout);
    const printedMs = performance.now() - begin;
    const client = new WebSocket(url, 'gatecast.v1');
    await once(client, 'open');
    const connectedMs = performance.now() - begin;
    client.terminate();
    return { printedMs, connectedMs };
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

async function address(stdout) {
  let text = '';
  for await (const chunk of stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    text += chunk;
    const [, url] = /^WebSocket {2}(\S+)\n/m.exec(text) ?? [];
    if (url !== undefined) {
      stdout.resume();
      return url;
    }
  }
  throw new Error(`gatecast dev printed no address:\n${text}`);
}

function row(name, starts) {
  const [printed, connected] = ['printedMs', 'connectedMs'].map((key) =>
    starts.map((each) => Math.round(each[key])).toSorted((a, b) => a - b),
  );
  const median = STARTS >> 1;
  return {
    name,
    'printed, ms': printed[median],
    'fastest, ms': printed[0],
    'connected, ms': connected[median],
  };
}
