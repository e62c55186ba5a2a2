import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../scripts/plain-words.mjs', import.meta.url));
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gatecast-words-'));
});
afterEach(() => rm(root, { recursive: true }));

/** Runs the check on files. Returns its exit code and its lines. */
async function check(files: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(root, dirname(name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
  const { status, stdout } = spawnSync(process.execPath, [script, root], { encoding: 'utf8' });
  return { status, lines: stdout.split('\n').filter((line) => line !== '') };
}

describe('npm run check', () => {
  it.each([
    ['a comment', '// What is no frame goes on.', 1, 'is no frame'],
    ['a block of comments', '/**\n * Texts that are no names.\n */', 2, 'are no names'],
    ['a phrase on two lines', '/**\n * It was no\n * token.\n */', 2, 'was no token'],
    ['a message', "throw new Error('It is no URL.');", 1, 'is no URL'],
    ['a title', "it('is none of the four', () => {});", 1, 'is none of'],
    ['words for people', '// Those whom it reached.', 1, 'whom it'],
    ['brackets', '// Not open (any more).', 1, '(any more)'],
    ['a question', '// Whether it is open or no.', 1, 'Whether it is open or no'],
  ])('finds a phrase to read twice in %s', async (_where, text, line, phrase) => {
    const { status, lines } = await check({ 'src/a.ts': `${text}\n` });
    expect(status).toBe(1);
    expect(lines).toEqual([
      expect.stringMatching(/^src.a\.ts:\d: "/),
      'Phrases to rewrite in plain words: 1',
    ]);
    expect(lines[0]).toContain(`:${line}: "${phrase}" (`);
  });

  it('looks into documents and pages, but not into what was installed or built', async () => {
    const text = 'It is no map.\n';
    const { lines } = await check({
      'docs/a.md': text,
      'page/a.html': text,
      'node_modules/a/a.md': text,
      'packages/a/dist/a.js': text,
      '.cache/a.ts': text,
    });
    expect(lines.map((line) => line.replace(/:.*/, ''))).toEqual([
      join('docs', 'a.md'),
      join('page', 'a.html'),
      'Phrases to rewrite in plain words',
    ]);
  });

  it.each([
    'There is no such option, and there are none.',
    'Is there no server? There will be no answer.',
    'It is no longer open, and is no more than 50 bytes.',
    'It is not a frame, or has no frame.',
    'Whether the server is full, or no node answers.',
  ])('accepts plain words: %s', async (text) => {
    expect(await check({ 'a.ts': `// ${text}\n` })).toEqual({ status: 0, lines: [] });
  });
});
