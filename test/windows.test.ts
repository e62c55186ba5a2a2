import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

/** Signals, paths, permissions and shells that Windows does not have. */
const POSIX =
  /'SIG[A-Z]+'|\bSIG[A-Z]+(?=:)|\bprocess\.kill\b|\bget[eug]?uid\b|\bch(?:mod|own)\b|\bmode: 0o\d+|\bshell: |'\/(?:tmp|bin|dev|usr|etc|proc)\b|\bsplit\('\/'\)/g;

/** Where `packages/local/src` uses one all the same, and why that is right there. */
const PLACES: Readonly<Record<string, string>> = {
  "dev/commands/dev.ts 'SIGINT'": 'Node raises it on Windows for Ctrl-C',
  "dev/commands/dev.ts 'SIGTERM'": 'it never comes on Windows',
  "dev/commands/env.ts 'SIGHUP'": 'passed on; Node raises it on Windows when the console is closed',
  "dev/commands/env.ts 'SIGINT'": 'passed on; Node raises it on Windows for Ctrl-C',
  "dev/commands/env.ts 'SIGTERM'": 'it never comes on Windows',
  'dev/commands/env.ts shell: ': 'only on Windows, which has a shell of its own for it',
  'dev/commands/session-file.ts mode: 0o600': 'Windows has the rights of the folder instead',
  "dev/control/permissions-report.ts split('/')": 'an ARN',
  "dev/recorder/queue-urls.ts split('/')": 'the path of a URL',
  "gateway/access/authorization-header.ts split('/')": 'a credential, not a path',
  "gateway/http/static-files.ts split('/')": 'the path of a URL',
  "iam/invoke-permissions.ts split('/')": 'an ARN',
  "iam/managed-policies.ts split('/')": 'an ARN',
  "iam/needs/sqs.ts split('/')": 'the path of a URL',
  "iam/role.ts split('/')": 'an ARN',
  'lambda/environment/environment.ts process.kill': 'without a process group on Windows',
  "lambda/environment/environment.ts 'SIGKILL'": 'Node ends the process on Windows',
  'lambda/environment/environment.ts SIGABRT': 'names of Lambda',
  'lambda/environment/environment.ts SIGKILL': 'names of Lambda',
  'lambda/environment/environment.ts SIGSEGV': 'names of Lambda',
  'lambda/environment/environment.ts SIGTERM': 'names of Lambda',
  'lambda/environment/gateway-watch.ts process.kill': 'the group first, then the process alone',
  "lambda/environment/gateway-watch.ts 'SIGKILL'": 'Node ends the process on Windows',
  "lambda/environment/process.ts 'SIGINT'": 'Node raises it on Windows for Ctrl-C',
};

it('the local gateway assumes no POSIX system but in the places listed here', async () => {
  const source = new URL('../packages/local/src/', import.meta.url);
  const found = new Set<string>();
  for (const file of await readdir(source, { recursive: true })) {
    if (!file.endsWith('.ts')) continue;
    const text = await readFile(new URL(file.replaceAll('\\', '/'), source), 'utf8');
    const code = text.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '');
    for (const [use] of code.matchAll(POSIX)) found.add(`${file.replaceAll('\\', '/')} ${use}`);
  }
  expect([...found].sort()).toEqual(Object.keys(PLACES).sort());
});
