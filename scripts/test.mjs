// `npm test`: installs, builds, type-checks the tests, and runs all tests.
import { installDependencies, run } from './run.mjs';
import { checkTypes } from './types.mjs';

installDependencies();
run('npm', ['run', '--silent', 'build']);
checkTypes();
run('npx', ['vitest', 'run', ...process.argv.slice(2)]);
