// `npm run mutation [-- path …]`: changes the sources in many small ways, one at a time, and tells
// which changes no test of the package notices. Without paths: the framework's rooms where access,
// identity, invocation, publishing, delivery and the stores' logic are decided. That takes an hour or
// more; one room takes minutes. The paths of one call are of one package.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mutate } from './mutation/mutants.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const src = 'packages/framework/src/';
const rooms = ['dispatch', 'invocation', 'publish', 'wire', 'deliver', 'store'];
const channel = ['access', 'pattern', 'validate', 'unknown-names'];
const defaults = [
  ...rooms.map((room) => `${src}${room}`),
  ...channel.map((name) => `${src}channel/${name}.ts`),
];
/** Its tests start servers, which is too much for so many runs. */
const leftOut = `${src}deliver/apigw`;
/** A mutant that needs a process of its own is tried with so many test files first, then with all. */
const MOST_FILES = 4;

const paths = process.argv.slice(2);
const files = (paths.length > 0 ? paths : defaults).flatMap(sources);
const mutants = files.flatMap(
  (name) => mutate(name, readFileSync(join(root, name), 'utf8')).mutants,
);
const directory = mkdtempSync(join(tmpdir(), 'mutation-'));
const log = join(directory, 'log');

try {
  if (!vitest({})) process.stdout.write('Tests have failed; what follows may be wrong.\n');
  const { alone, killed, met, kills } = entries();
  for (const id of alone) {
    if (killed.has(id)) continue;
    if (!vitest({ alone: id }, bestTests(id, kills)) || !vitest({ alone: id })) killed.add(id);
  }
  report({ killed, met: new Set([...met, ...alone]) });
} finally {
  rmSync(directory, { recursive: true });
}

/** The files of a path that are written here and no tests. */
function sources(path) {
  if (!statSync(join(root, path)).isDirectory()) return [path];
  return readdirSync(join(root, path), { recursive: true })
    .map((name) => posix.join(path, name.replaceAll('\\', '/')))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .filter((name) => path.startsWith(leftOut) || !name.startsWith(leftOut))
    .sort();
}

/** Runs the tests. Returns whether all have passed. */
function vitest(settings, testFiles = []) {
  const { status } = spawnSync(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--config',
      'scripts/mutation/vitest.config.mjs',
      '--reporter=dot',
      ...testFiles,
    ],
    {
      cwd: root,
      stdio: settings.alone ? 'ignore' : 'inherit',
      env: {
        ...process.env,
        NODE_NO_WARNINGS: '1',
        MUTATION: JSON.stringify({ files, log, ...settings }),
      },
    },
  );
  return status === 0;
}

/** What the runner has written down; `alone`: what needs a process of its own. */
function entries() {
  const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  const written = lines.map((line) => JSON.parse(line));
  const killed = new Set(written.flatMap((entry) => entry.killed ?? []));
  const met = new Set(written.flatMap((entry) => entry.met ?? []));
  const alone = new Set(
    written.flatMap(({ once, loading }) => once ?? (met.has(loading) ? [] : (loading ?? []))),
  );
  return { alone, killed, met, kills: written.filter((entry) => entry.killed) };
}

/** The test files that have killed most mutants of the source that a mutant is in. */
function bestTests(id, kills) {
  const [source] = id.split('#');
  const counts = new Map();
  for (const { killed, file } of kills) {
    if (killed.startsWith(`${source}#`)) counts.set(file, (counts.get(file) ?? 0) + 1);
  }
  const byCount = [...counts].toSorted(([, a], [, b]) => b - a);
  return byCount.slice(0, MOST_FILES).map(([file]) => file);
}

/** Prints what was killed by room, and what was not. */
function report({ killed, met }) {
  const rows = new Map();
  for (const mutant of mutants) {
    const room = dirname(mutant.id);
    const row = rows.get(room) ?? { mutants: 0, killed: 0, survived: [] };
    rows.set(room, row);
    row.mutants += 1;
    if (killed.has(mutant.id)) row.killed += 1;
    else row.survived.push(mutant);
  }
  for (const { survived } of rows.values()) {
    for (const { id, line, from, to } of survived) {
      const [file] = id.split('#');
      process.stdout.write(
        `${file}:${line} ${met.has(id) ? '' : '(no test comes here) '}${short(from)} -> ${short(to) || '(nothing)'}\n`,
      );
    }
  }
  for (const [room, { mutants: all, killed: dead, survived }] of rows) {
    const percent = ((100 * dead) / all).toFixed(1);
    process.stdout.write(
      `${room}: ${percent} % (${dead} of ${all} killed, ${survived.length} survived)\n`,
    );
  }
}

function short(text) {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 90 ? `${line.slice(0, 90)} …` : line;
}
