// `npm test`: installs, builds, type-checks the tests, and runs every test there is.
import { existsSync } from 'node:fs';
import { installDependencies, run } from './run.mjs';

installDependencies();
run('npm', ['run', '--silent', 'build']);
const projects = [
  'packages/framework/test',
  'packages/framework/test/standard',
  'packages/client/test',
  'packages/local/test',
  'examples/chat',
].filter((folder) => existsSync(new URL(`../${folder}/tsconfig.json`, import.meta.url)));
for (const project of projects) run('npx', ['tsc', '-p', project]);
run('npx', ['vitest', 'run', ...process.argv.slice(2)]);
