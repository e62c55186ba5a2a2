// How `npm run guides` reads and follows a page. The guides themselves are followed by packed.test.ts and
// guides.verify.ts.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startCommand } from './running-command.js';

const script = fileURLToPath(new URL('../scripts/guides.mjs', import.meta.url));
let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'gatecast-guides-'));
  for (const name of ['docs', 'archives', 'tmp']) await mkdir(join(home, name));
});
afterEach(() => rm(home, { recursive: true }));

/** Starts to follow the guide "page", with pages of the given texts. Programs find `KEPT` in their variables. */
async function start(pages: Readonly<Record<string, string>>, ...options: string[]) {
  for (const [name, text] of Object.entries(pages)) {
    await writeFile(join(home, 'docs', `${name}.md`), text);
  }
  const folders = ['--docs', join(home, 'docs'), '--archives', join(home, 'archives')];
  return startCommand(process.execPath, [script, ...folders, ...options, 'page'], {
    env: { ...process.env, TMPDIR: join(home, 'tmp'), KEPT: join(home, 'kept') },
  });
}

async function follow(pages: Readonly<Record<string, string>>) {
  await using running = await start(pages);
  const { code, stdout, stderr } = await running.ended;
  // Nothing is left, no matter how it ended.
  expect(await readdir(join(home, 'tmp'))).toEqual([]);
  return { code, stdout, stderr };
}

const block = (language: string, ...lines: string[]): string =>
  `\`\`\`${language}\n${lines.join('\n')}\n\`\`\`\n`;

/** A program that serves, with a child process. Both write their ids to a file. */
const SERVER = [
  block(
    'js',
    '// server.mjs',
    "import { spawn } from 'node:child_process';",
    "import { appendFileSync } from 'node:fs';",
    "if (!process.argv[2]) spawn(process.execPath, ['server.mjs', 'child'], { stdio: 'ignore' });",
    "appendFileSync(process.env.KEPT, process.pid + '\\n');",
    'setInterval(() => {}, 1_000);',
    "console.log('Page  http://localhost:3000/');",
    "setTimeout(() => console.log('a later line'), 50);",
  ),
  block('sh', `echo '{ "scripts": { "dev": "node server.mjs" } }' > package.json`, 'npm run dev'),
  block('text', 'Page  http://localhost:3000/', 'later'),
].join('\n');

async function kept(): Promise<string> {
  return readFile(join(home, 'kept'), 'utf8').catch(() => '');
}

/** The processes that wrote their ids and still run. The system may take a moment to forget one that has ended. */
async function stillRunning(): Promise<string[]> {
  const ids = (await kept()).trim().split('\n');
  expect(ids).not.toEqual(['']);
  return ids.filter((id) => {
    try {
      return process.kill(Number(id), 0);
    } catch {
      return false;
    }
  });
}

describe('npm run guides', () => {
  it('writes the files that are named, runs the commands in order, and compares what they print', async () => {
    const first = block('ts', '// src/first.ts', 'export const port = 3000;', '// localhost:3000');
    const page = [
      '<!-- after: first -->',
      '1. In a list:',
      '',
      '   ```html\n   <!-- a.html -->\n   <p>a</p>\n   ```',
      block('ts', '// not a file', 'const a = 1;'),
      block('ts', '// src/first.ts', 'export const replaced = true;'),
      block(
        'sh',
        '# a comment',
        'cat a.html >> "$KEPT"',
        'cd src && export FOUND=found',
        'echo "$FOUND" \\',
        '  and more',
        "cat > file.json << 'END'",
        '{ "a": 1 }',
        'END',
        'cat first.ts file.json',
        'cat ../.npmrc',
      ),
      'It prints, in this order:',
      block('text', 'found and …', 'replaced', '', '{ "a": 1 }', '@gatecast:registry=…:…/'),
      '<!-- not run: it needs an account -->',
      '',
      block('sh', 'exit 1'),
    ].join('\n');
    const { code, stdout, stderr } = await follow({ first, page });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await kept()).toBe('<!-- a.html -->\n<p>a</p>\n');
    expect(stdout).toMatch(/^ {2}not run {2}page\.md:\d+ it needs an account$/m);
  });

  it('replaces the port of the gateway in files and commands by a free one', async () => {
    const page = [
      block('ts', '// a.ts', "const url = 'ws://localhost:3000/dev'; // 3000 bytes"),
      block('sh', 'cat a.ts >> "$KEPT"', 'echo npx gatecast clock advance 1m --to=3000 >> "$KEPT"'),
    ].join('\n');
    expect(await follow({ page })).toMatchObject({ code: 0 });
    const [, , port, port2] =
      /^(.*)\nconst url = 'ws:\/\/localhost:(\d+)\/dev'; \/\/ 3000 bytes\n.* clock --port (\d+) advance 1m --to=3000\n$/.exec(
        await kept(),
      ) ?? [];
    expect(port).toMatch(/^\d+$/);
    expect(port).not.toBe('3000');
    expect(port2).toBe(port);
  });

  it.each([
    ['is missing', ['two', 'three']],
    ['comes too early', ['two', 'one']],
  ])('fails if an expected line %s, and shows what was printed', async (_why, lines) => {
    const page = ['', block('sh', 'echo one', 'echo two'), block('text', ...lines)].join('\n');
    const { code, stderr } = await follow({ page });
    expect(code).toBe(1);
    expect(stderr).toBe(`page.md:7 did not print "${lines[1]}", but:\none\ntwo\n\n`);
  });

  it('finds what a server prints in the meantime in a block of its own', async () => {
    const serve =
      "require('fs').watch('.', () => console.log('saw a file')); console.log('http://localhost:3000/')";
    const page = [
      block('js', '// server.cjs', serve),
      block(
        'sh',
        `echo '{ "scripts": { "dev": "node server.cjs" } }' > package.json`,
        'npm run dev',
      ),
      block('sh', 'echo one', 'touch a.txt'),
      block('text', 'one'),
      'Not compared:',
      block('text', 'two'),
      'In the first terminal:\n\n<!-- meanwhile -->\n',
      block('text', 'saw a file'),
    ].join('\n');
    expect(await follow({ page })).toMatchObject({ code: 0, stderr: '' });
  });

  it('fails at a command that fails, with its line and its output, and runs no later one', async () => {
    const page = block('sh', 'echo one', 'echo oh >&2; exit 3', 'echo two >> "$KEPT"');
    const { code, stderr } = await follow({ page });
    expect(code).toBe(1);
    expect(stderr).toBe('page.md:3 "echo oh >&2; exit 3" ended with 3:\none\noh\n\n');
    expect(await kept()).toBe('');
  });

  it('ends a server with all of its processes, also after a failure', async () => {
    const { code, stderr } = await follow({ page: SERVER + block('sh', 'exit 4') });
    expect(code).toBe(1);
    expect(stderr).toContain('"exit 4" ended with 4');
    // What servers have printed may tell why.
    expect(stderr).toContain('a later line');
    await vi.waitFor(async () => expect(await stillRunning()).toEqual([]), { timeout: 10_000 });
  });

  it('ends the server when the next one of its kind begins', async () => {
    const page = SERVER + block('sh', 'npm run dev', 'cp "$KEPT" "$KEPT.two"');
    expect(await follow({ page })).toMatchObject({ code: 0, stderr: '' });
    expect((await kept()).trim().split('\n').length).toBeGreaterThanOrEqual(2);
    await vi.waitFor(async () => expect(await stillRunning()).toEqual([]), { timeout: 10_000 });
  });

  it('fails if a server ends before it has printed an address', async () => {
    const manifest = '{ "scripts": { "dev": "exit 5" } }';
    const page = block('sh', `echo '${manifest}' > package.json`, 'npm run dev');
    const { code, stderr } = await follow({ page });
    expect(code).toBe(1);
    expect(stderr).toContain('page.md:3 "npm run dev" printed no address');
  });

  it('leaves the servers with --stay, and ends them after a signal', async () => {
    await using running = await start({ page: SERVER }, '--stay');
    await running.prints(/^\S+page and http:\/\/localhost:\d+\/ stay until Ctrl-C\.$/m);
    expect(await stillRunning()).not.toEqual([]);
    running.kill('SIGTERM');
    await running.ended;
    await vi.waitFor(async () => expect(await stillRunning()).toEqual([]), { timeout: 10_000 });
    expect(await readdir(join(home, 'tmp'))).toEqual([]);
  });

  it('ends a command that is running after a signal, and begins no other guide', async () => {
    await using running = await start(
      { page: block('sh', `echo $$ >> "$KEPT"; sleep 1000`), 'getting-started': '' },
      'page',
    );
    await vi.waitFor(async () => expect(await kept()).not.toBe(''), { timeout: 20_000 });
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ code: 1, stderr: 'Ended by SIGINT.\n' });
    await vi.waitFor(async () => expect(await stillRunning()).toEqual([]), { timeout: 10_000 });
    expect(await readdir(join(home, 'tmp'))).toEqual([]);
  });

  it('deletes and writes nothing outside of its own folder', async () => {
    await writeFile(join(home, 'README.md'), '');
    const folders = ['--docs', join(home, 'docs'), '--archives', join(home, 'archives')];
    for (const name of ['../README', '..', '.', '/', join(home, 'README'), '']) {
      await using running = startCommand(process.execPath, [script, ...folders, name], {
        env: { ...process.env, TMPDIR: join(home, 'tmp') },
      });
      const { code, stderr } = await running.ended;
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: `"${name}" is not the name of a guide: pass that of its page, such as "access".\n`,
      });
    }
    for (const file of ['../outside.ts', 'a/../../outside.ts']) {
      const { code, stderr } = await follow({ page: block('ts', `// ${file}`, 'const a = 1;') });
      const isRefused = stderr.includes(`names a file outside of the guide's folder: ${file}`);
      expect([file, code, isRefused]).toEqual([file, 1, true]);
    }
    expect((await readdir(home)).toSorted()).toEqual(['README.md', 'archives', 'docs', 'tmp']);
  });

  it('says that a guide is missing', async () => {
    const { code, stderr } = await follow({ other: '' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^There is no guide "page": .*page\.md is missing\.$/m);
  });
});
