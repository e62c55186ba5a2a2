import { run } from './run.mjs';

/** Type-checks the code that `npm run build` leaves out: tests and the example. */
export function checkTypes() {
  run('npx', [
    'tsc',
    '-b',
    'packages/framework/test',
    'packages/framework/test/standard',
    'packages/framework/test/types',
    'packages/framework/test/types/standard',
    'packages/framework/test/types/augmented',
    'packages/client/test',
    'packages/local/test',
    'packages/adapters/test',
    'packages/cdk-construct/test',
    'simulation',
    'test',
    'examples/chat',
  ]);
}
