// Runs the quick tests of a package on its sources, with all mutants in them. See ../mutation.mjs.
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import { mutate } from './mutants.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { files } = JSON.parse(process.env.MUTATION);
const [, name] = files[0].split('/');
const src = `${root}packages/${name}/src/`;

/** The quick files first, so that few mutants are left for the slow ones. */
class QuickFirst extends BaseSequencer {
  async sort(files) {
    return (await super.sort(files)).toReversed();
  }
}

// oxlint-disable-next-line import/no-default-export -- Vitest asks for one.
export default defineConfig({
  root,
  plugins: [
    {
      name: 'mutants',
      enforce: 'pre',
      transform(source, id) {
        const name = relative(root, id);
        return files.includes(name) ? { code: mutate(name, source).code, map: null } : undefined;
      },
    },
  ],
  resolve: {
    alias: [
      { find: `@gatecast/${name}/testing`, replacement: `${src}testing/index.ts` },
      { find: new RegExp(`^@gatecast/${name}$`), replacement: `${src}index.ts` },
      { find: new RegExp(`^@gatecast/${name}/(.+)$`), replacement: `${src}$1.ts` },
    ],
  },
  test: {
    include: [`packages/${name}/{src,test}/**/*.test.ts`],
    // They take seconds, and what they find is found by others too; most of them start servers or
    // processes. That of the README compares texts alone.
    exclude: [
      '**/process-end.test.ts',
      '**/readme.test.ts',
      '**/store-interleavings.verify.ts',
      '**/sender.test.ts',
      '**/signing.test.ts',
      '**/aws-gateway.test.ts',
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
