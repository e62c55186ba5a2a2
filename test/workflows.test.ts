// The workflows of GitHub Actions are valid, and run what exists. They cannot be run here.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>;
}

const root = new URL('../', import.meta.url);
const folder = new URL('.github/workflows/', root);
const workflows = readdirSync(folder).map((name) => {
  const text = readFileSync(new URL(name, folder), 'utf8');
  return [name, parse(text, { strict: true, uniqueKeys: true }) as Workflow] as const;
});
const { scripts } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  scripts: Readonly<Record<string, string>>;
};

const stepsOf = ({ jobs }: Workflow): readonly Step[] =>
  Object.values(jobs).flatMap(({ steps }) => steps);

/** The commands of steps, also those that a step passes to an action. */
function commandsOf(steps: readonly Step[]): string {
  return steps
    .flatMap(({ run, with: inputs }) => [run, inputs?.['version'], inputs?.['publish']])
    .filter((command) => typeof command === 'string')
    .join('\n');
}

it.each(workflows)('%s has permissions, and steps that run what exists', (_name, workflow) => {
  expect(Object.keys(workflow.on).length).toBeGreaterThan(0);
  expect(workflow.permissions).toMatchObject({ contents: expect.any(String) });
  const steps = stepsOf(workflow);
  expect(steps.length).toBeGreaterThan(1);
  for (const { uses, run } of steps) {
    expect([uses, run].filter((part) => part !== undefined)).toHaveLength(1);
    expect(uses ?? 'an/action@v1').toMatch(/^[\w-]+\/[\w-]+@v\d+$/);
  }
  const commands = commandsOf(steps);
  const names = [...commands.matchAll(/\bnpm run (?:--silent )?([\w:-]+)/g)];
  expect(names.filter(([, name = '']) => !Object.hasOwn(scripts, name))).toEqual([]);
  const files = [...commands.matchAll(/(?:^|\s)((?:\.ci|scripts|test)\/[\w/.-]+)/gm)];
  expect(files.filter(([, file = '']) => !existsSync(new URL(file, root)))).toEqual([]);
});

it('checks the packages before it releases them, only on main, and without a token of npm', () => {
  const [, release] = workflows.find(([name]) => name === 'release.yml') ?? [];
  expect(release?.on).toEqual({ push: { branches: ['main'] } });
  expect(release?.permissions).toMatchObject({ 'id-token': 'write' });
  const steps = release ? stepsOf(release) : [];
  const check = steps.findIndex(({ run }) => run === 'npm run release:check');
  const action = steps.findIndex(({ uses }) => uses?.startsWith('changesets/action@'));
  expect(check).toBeGreaterThan(-1);
  expect(action).toBeGreaterThan(check);
  expect(JSON.stringify(release)).not.toContain('NPM_TOKEN');
});
