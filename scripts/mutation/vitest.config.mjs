// Runs the framework's quick tests on its sources, with all mutants in them. See ../mutation.mjs.
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import { mutate } from './mutants.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { files } = JSON.parse(process.env.MUTATION);
const src = `${root}packages/framework/src/`;

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
        const name = relative(root, id);
        return files.includes(name) ? { code: mutate(name, source).code, map: null } : undefined;
      },
    },
  ],
  resolve: {
    alias: [
      { find: /^@gatecast\/framework$/, replacement: `${src}index.ts` },
      { find: /^@gatecast\/framework\/testing$/, replacement: `${src}testing/index.ts` },
      { find: /^@gatecast\/framework\/(.+)$/, replacement: `${src}$1.ts` },
    ],
  },
  test: {
    include: ['packages/framework/{src,test}/**/*.test.ts'],
    // These take seconds, and other tests find the same mutants. The last four start servers.
    exclude: [
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
