// What docs/settings.md says of compilers, and the messages that it quotes.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Channel, OnSubscribe } from '@gatecast/framework';
import { dto } from '@gatecast/framework/class-validator';
import ts from 'typescript';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readManifest } from '../packages/local/src/lambda/read-manifest.js';
import { codeBlocks } from './code-blocks.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = await readFile(join(root, 'docs/settings.md'), 'utf8');
/** The quoted messages, each in one line. */
const quotes = [...page.matchAll(/(?:^> .*\n)+/gm)].map(([quote]) =>
  quote.replaceAll(/^> /gm, '').trim().replaceAll('\n', ' '),
);
let folder: string;

beforeAll(async () => {
  // Inside of the repository, so that packages are found.
  folder = await mkdtemp(join(root, 'node_modules', '.settings-'));
  for (const [name, type] of [
    ['commonjs', 'commonjs'],
    ['esm', 'module'],
  ] as const) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'package.json'), JSON.stringify({ type }));
    await writeFile(
      join(folder, name, 'app.ts'),
      "import { createTestApp } from '@gatecast/framework/testing';\ncreateTestApp({ channels: [] });\n",
    );
  }
});
afterAll(() => rm(folder, { recursive: true }));

/** The files of TypeScript itself, which are the same for all settings. */
const libraries = new Map<string, ts.SourceFile | undefined>();

/** The first problem that TypeScript finds in a file, as the command line prints it. */
function problem(file: string, settings: Readonly<Record<string, unknown>>): string | undefined {
  const usual = { target: 'es2022', strict: true, types: [], skipLibCheck: true, noEmit: true };
  const { options, errors } = ts.convertCompilerOptionsFromJson(
    { ...usual, ignoreDeprecations: '6.0', ...settings },
    root,
  );
  expect(errors).toEqual([]);
  const host = ts.createCompilerHost(options);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (name, ...rest) => {
    if (!/typescript\/lib\/lib\./.test(name)) return getSourceFile(name, ...rest);
    if (!libraries.has(name)) libraries.set(name, getSourceFile(name, ...rest));
    return libraries.get(name);
  };
  const program = ts.createProgram([join(folder, file)], options, host);
  // Other libraries would take long to check.
  const own = program
    .getSourceFiles()
    .filter(({ fileName }) => fileName.startsWith(folder) || /packages\/\w+\/dist/.test(fileName));
  const [first] = [
    ...program.getOptionsDiagnostics(),
    ...own.flatMap((source) => program.getSemanticDiagnostics(source)),
  ];
  if (!first) return undefined;
  const [text] = ts.flattenDiagnosticMessageText(first.messageText, '\n').split('\n');
  return `error TS${first.code}: ${text}`;
}

/** The rows of the table: values of `module` and `moduleResolution`, and what comes of them. */
const rows = [...page.matchAll(/^\| (`\w+`(?:, `\w+`)*) \| (.*?) ?\| (TS\d+|compiles).* \|$/gm)];
const combinations = rows.flatMap(([, modules = '', resolution = '', outcome = '']) =>
  [...modules.matchAll(/\w+/g)].map(
    ([module]) => [module, /`(\w+)`/.exec(resolution)?.[1], outcome] as const,
  ),
);

it('L5 the page has a row for each way', () => {
  expect(combinations).toHaveLength(8);
});

it.each(combinations)(
  'L5 a CommonJS project with module %s and moduleResolution %s: %s',
  (module, moduleResolution, outcome) => {
    const found = problem('commonjs/app.ts', {
      module,
      ...(moduleResolution !== undefined && { moduleResolution }),
    });
    // The example's entry point is not that of the page.
    const shown = found?.replace('/testing', '');
    const quote = quotes.find((text) => text.startsWith(`error ${outcome}: `));
    expect(quote !== undefined && shown?.includes(quote) ? outcome : (shown ?? 'compiles')).toBe(
      outcome,
    );
  },
);

it.each([
  ['nodenext', undefined],
  ['node16', undefined],
  ['preserve', 'bundler'],
])('L5 a project of ES modules with module %s compiles', (module, moduleResolution) => {
  const settings = { module, ...(moduleResolution !== undefined && { moduleResolution }) };
  expect(problem('esm/app.ts', settings)).toBeUndefined();
});

it('the types need those of Node, or skipLibCheck', async () => {
  const settings = { module: 'nodenext', lib: ['es2022', 'dom'] };
  expect(problem('esm/app.ts', settings)).toBeUndefined();
  const found = problem('esm/app.ts', { ...settings, skipLibCheck: false });
  expect(quotes).toContain(found);
  await writeFile(
    join(folder, 'esm/using.ts'),
    "import { startGateway } from '@gatecast/local';\nawait using gateway = await startGateway({ entry: 'app.ts' });\nexport const { url } = gateway;\n",
  );
  const types = { ...settings, lib: ['es2022'], types: ['node'] };
  expect(problem('esm/using.ts', types)).toBeUndefined();
});

it('the client compiles in a program for Node, without the types of a browser', async () => {
  const options =
    "url: 'ws://localhost', storage: () => ({ getItem: (key) => key, setItem() {}, removeItem() {} })";
  await writeFile(
    join(folder, 'esm/program.ts'),
    `import { createClient } from '@gatecast/client';\ncreateClient({ ${options} });\n`,
  );
  const settings = { module: 'nodenext', lib: ['es2022'], types: ['node'] };
  expect(problem('esm/program.ts', settings)).toBeUndefined();
  expect(problem('esm/program.ts', { ...settings, skipLibCheck: false })).toBeUndefined();
});

it('the page quotes what gatecast prints of class-validator with standard decorators', async () => {
  const text = codeBlocks(page).find(({ file }) => file === 'lobby.ts')?.text ?? '';
  const entry = join(folder, 'lobby.ts');
  await writeFile(entry, text);
  const error = await readManifest(entry).catch((reason: unknown) => reason);
  const message = (error as Error).message.replaceAll(`"${entry}"`, '"lobby.ts"');
  const [quote] = quotes.filter((text) => text.startsWith('class-validator does not'));
  expect(message).toContain(quote);
});

it('the page quotes the errors of the framework', () => {
  class Wave {
    name!: string;
  }
  expect(() => dto(Wave)).toThrow(quotes.find((text) => text.startsWith('The class Wave')));
  const [, slip] = /`(@OnSubscribe on .*?)`/.exec(page) ?? [];
  expect(() => {
    @Channel('rooms/:roomId')
    class RoomChannel {
      // @ts-expect-error -- compilers that do not check types let it pass.
      @OnSubscribe
      join() {}
    }
    return RoomChannel;
  }).toThrow(slip);
});
