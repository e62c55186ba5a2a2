// `npm run check`: everything that can be said of the code without running it.
import { installDependencies, run } from './run.mjs';

installDependencies();
run('npx', ['biome', 'ci', '.']);
run('npm', ['run', '--silent', 'build']);
run('npx', ['oxlint', '--type-aware']);
run('node', ['scripts/errors-page.mjs', '--check']);
for (const name of ['protocol', 'framework', 'client', 'local']) {
  run('npx', ['publint', '--strict', `packages/${name}`]);
}
