// `npm run check`: all checks of the code that do not run it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, installDependencies, run } from './run.mjs';
import { checkTypes } from './types.mjs';

installDependencies();
run('npx', ['biome', 'ci', '.']);
build();
checkTypes();
run('npx', ['oxlint', '--type-aware']);
run('npx', ['knip']);
run('node', ['scripts/errors-page.mjs', '--check']);
run('node', ['packages/cdk-construct/scripts/api.mjs', '--check']);
run('node', ['scripts/plain-words.mjs']);
run('npm', ['run', '--silent', 'docs']);
const archives = mkdtempSync(join(tmpdir(), 'gatecast-archives-'));
process.on('exit', () => rmSync(archives, { recursive: true }));
run('node', ['scripts/pack.mjs', archives]);
