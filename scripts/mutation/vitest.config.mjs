// Runs the quick tests of a package on its sources, with all mutants in them. See ../mutation.mjs.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import { mutate } from './mutants.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { files } = JSON.parse(process.env.MUTATION);
const [, name] = files[0].split('/');
const here = `${root}packages/${name}/`;
const { exports: entries } = JSON.parse(readFileSync(`${here}package.json`, 'utf8'));
/** The sources of the package's entries, in place of the built files. */
const alias = Object.entries(entries).map(([entry, to]) => ({
  find: new RegExp(`^@gatecast/${name}${entry.slice(1)}$`),
  replacement: here + to.default.replace('./dist', 'src').replace(/js$/, 'ts'),
}));

/** Fast files first, so that few mutants are left for slow ones. */
class QuickFirst extends BaseSequencer {
  async sort(files) {
    return (await super.sort(files)).toReversed();
  }
}

// oxlint-disable-next-line import/no-default-export -- Vitest requires one.
export default defineConfig({
  root,
  plugins: [
    {
      name: 'mutants',
      enforce: 'pre',
      transform(source, id) {
        const path = relative(root, id);
        return files.includes(path) ? { code: mutate(path, source).code, map: null } : undefined;
      },
    },
  ],
  resolve: { alias },
  test: {
    include: [`packages/${name}/{src,test}/**/*.test.ts`],
    // These take seconds, and other tests find the same mutants. Most of them start servers or processes.
    exclude: [
      '**/process-end.test.ts',
      '**/readme.test.ts',
      '**/sender.test.ts',
      '**/signing.test.ts',
      '**/aws-gateway.test.ts',
      '**/*-tls.test.ts',
      '**/dynamodb-local.test.ts',
    ],
    runner: fileURLToPath(new URL('runner.mjs', import.meta.url)),
    sequence: { sequencer: QuickFirst },
    silent: true,
    maxWorkers: 1,
    testTimeout: 20_000,
    bail: JSON.parse(process.env.MUTATION).alone ? 1 : 0,
    dangerouslyIgnoreUnhandledErrors: true,
  },
});
