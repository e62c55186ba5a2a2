// `npm run mutation [-- path …]`: changes the sources in many small ways, one at a time, and lists the
// changes that no test of their package notices. The paths must be in one package. Without paths, it
// covers the framework's rooms for access, identity, invocation, publishing, delivery and the logic of
// stores, which takes an hour or more; one room takes minutes. Only the test files among the paths are
// run, if there are any: those of the adapters take long, because they need a database, and those of
// packages/local that start processes run built files, without changes.
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
/** Left out, because its tests start servers, which is too slow for so many runs. */
const leftOut = `${src}deliver/apigw`;
/** Most test files for a mutant that needs a separate process. */
const MOST_FILES = 8;

const isTest = (path) => path.endsWith('.test.ts');
const tests = process.argv.slice(2).filter(isTest);
const paths = process.argv.slice(2).filter((path) => !isTest(path));
const files = (paths.length > 0 ? paths : defaults).flatMap(sources);
const mutants = files.flatMap(
  (name) => mutate(name, readFileSync(join(root, name), 'utf8')).mutants,
);
const directory = mkdtempSync(join(tmpdir(), 'mutation-'));
const log = join(directory, 'log');

try {
  if (!vitest({}, tests))
    process.stdout.write('Tests have failed, so the following results may be wrong.\n');
  const { alone, killed, met, kills } = entries();
  for (const [id, wanted] of alone) {
    const best = [...new Set([...wanted, ...bestTests(id, kills)])].slice(0, MOST_FILES);
    const testFiles = tests.length > 0 ? tests : best;
    if (!killed.has(id) && !vitest({ alone: id }, testFiles)) killed.add(id);
  }
  report({ killed, met: new Set([...met, ...alone.keys()]) });
} finally {
  rmSync(directory, { recursive: true });
}

/** The source files below a path, without tests. */
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

/**
 * The results of the runner; `alone` has the mutants that need a separate process, with the test files
 * that said so.
 */
function entries() {
  const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  const written = lines.map((line) => JSON.parse(line));
  const killed = new Set(written.flatMap((entry) => entry.killed ?? []));
  const met = new Set(written.flatMap((entry) => entry.met ?? []));
  const alone = new Map();
  for (const { once, loading, file } of written) {
    const id = once ?? (met.has(loading) ? undefined : loading);
    if (id === undefined) continue;
    alone.set(id, new Set([...(alone.get(id) ?? []), ...(file ? [file] : [])]));
  }
  return { alone, killed, met, kills: written.filter((entry) => entry.killed) };
}

/** The test files that killed most mutants of the same source file. */
function bestTests(id, kills) {
  const [source] = id.split('#');
  const counts = new Map();
  for (const { killed, file } of kills) {
    if (killed.startsWith(`${source}#`)) counts.set(file, (counts.get(file) ?? 0) + 1);
  }
  return [...counts].toSorted(([, a], [, b]) => b - a).map(([file]) => file);
}

/** Prints the killed mutants by room, and the surviving ones. */
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
        `${file}:${line} ${met.has(id) ? '' : '(not covered by a test) '}${short(from)} -> ${short(to) || '(nothing)'}\n`,
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
