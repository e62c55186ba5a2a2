import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type CodeBlock, codeBlocks } from './code-blocks.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

/** What the example of a hook uses of React, which is not installed. */
const REACT = `declare module 'react' {
  export function useEffect(effect: () => void | (() => void), on?: readonly unknown[]): void;
  export function useState<S>(first: S): [S, (next: S | ((now: S) => S)) => void];
}
`;

async function pages(): Promise<string[]> {
  const names: string[] = [];
  for (const folder of ['.', 'docs', 'packages', 'examples']) {
    const deep = folder !== '.';
    for (const name of await readdir(join(root, folder), { recursive: deep })) {
      if (name.endsWith('.md') && !/node_modules|docs\/site/.test(name)) {
        names.push(join(folder, name));
      }
    }
  }
  return names;
}

/** The blocks of a page, and the files of the guide that it continues, as `npm run guides` follows them. */
async function blocksOf(page: string): Promise<CodeBlock[]> {
  const text = await readFile(join(root, page), 'utf8');
  const [, after] = /^<!-- after: ([\w-]+) -->$/m.exec(text) ?? [];
  const before = after === undefined ? [] : await blocksOf(`docs/${after}.md`);
  return [...before.filter(({ file }) => !file.startsWith('block-')), ...codeBlocks(text)];
}

describe('the code in README and docs', () => {
  it.each([
    ['legacy', true],
    ['standard', false],
  ] as const)(
    'compiles with %s decorators',
    { timeout: 180_000 },
    async (mode, experimentalDecorators) => {
      const folder = await mkdtemp(join(root, 'node_modules', `.documents-${mode}-`));
      try {
        let count = 0;
        for (const page of await pages()) {
          const place = join(folder, page.replaceAll(/\W/g, '-'));
          const blocks = (await blocksOf(page))
            // class-validator's decorators do not exist in the standard convention, and the types of CDK
            // take long to read.
            .filter(
              ({ text }) => experimentalDecorators || !/class-validator|aws-cdk-lib/.test(text),
            );
          if (blocks.length === 0) continue;
          for (const { file, text } of blocks) {
            await mkdir(dirname(join(place, file)), { recursive: true });
            await writeFile(join(place, file), text);
          }
          count += blocks.length;
        }
        await writeFile(
          join(folder, 'tsconfig.json'),
          JSON.stringify({
            extends: join(root, 'tsconfig.base.json'),
            compilerOptions: {
              composite: false,
              declarationMap: false,
              noEmit: true,
              experimentalDecorators,
              erasableSyntaxOnly: false,
              isolatedDeclarations: false,
              moduleDetection: 'force',
              lib: ['ES2023', 'ESNext.Disposable', 'DOM'],
              types: ['node'],
            },
            include: ['**/*.ts'],
          }),
        );
        await writeFile(join(folder, 'package.json'), '{"type":"module"}');
        await writeFile(join(folder, 'react.d.ts'), REACT);
        await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
        const { stdout } = await run(process.execPath, [tsc, '-p', folder]).catch((error) => error);
        expect(stdout).toBe('');
        expect(count).toBeGreaterThan(2);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  );
});
