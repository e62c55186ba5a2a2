// `npm test`: installs, builds, type-checks the tests, and runs all tests.
import { build, installDependencies, run } from './run.mjs';
import { checkTypes } from './types.mjs';

installDependencies();
build();
checkTypes();
run('npx', ['vitest', 'run', ...process.argv.slice(2)]);
