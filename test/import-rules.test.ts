import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, posix, relative } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** The rooms of one package, and the allowed imports between them. */
interface Layout {
  /** Folder of the sources. */
  readonly source: string;
  /**
   * Groups of rooms from left to right. A room may import rooms of groups to its left, but not of its own
   * group. Other rooms may not exist.
   */
  readonly order: readonly (readonly string[])[];
  /** Allowed imports of rooms, or of single files of rooms, that are not to the left. */
  readonly exceptions: readonly { readonly from: string; readonly to: string }[];
  /** Files of the top level that every room may import, and that import none. */
  readonly shared: readonly string[];
}

const LAYOUTS: readonly Layout[] = [
  {
    source: 'packages/framework/src',
    order: [
      ['errors', 'time'],
      ['wire', 'store'],
      ['channel'],
      ['deliver'],
      ['invocation'],
      ['publish'],
      ['dispatch'],
      ['app'],
      ['plugins', 'testing'],
    ],
    exceptions: [{ from: 'errors', to: 'time' }],
    shared: [],
  },
  {
    source: 'packages/local/src',
    order: [['iam'], ['gateway', 'lambda'], ['dev']],
    exceptions: [{ from: 'lambda', to: 'gateway/lambda-function.ts' }],
    shared: ['execute-api-host.ts', 'start-error.ts', 'unexpected.ts'],
  },
];

/** Modules that files of these folders may not import at run time. */
const FORBIDDEN: readonly {
  readonly source: string;
  readonly modules: RegExp;
  readonly kind: 'import' | 'import()';
}[] = ['packages/framework/src', 'packages/adapters/src'].flatMap((source) => [
  // It also loads undici, which takes 40 ms of a cold start.
  { source, modules: /^(node:)?http$/, kind: 'import' as const },
  { source, modules: /^(node:)?http$/, kind: 'import()' as const },
  // A dynamic import becomes a separate chunk of the bundle, which an upload may leave out.
  { source, modules: /^@aws-sdk\/|^@smithy\//, kind: 'import()' as const },
]);

/** jsii compiles an import of a package that is not a dependency, and then users do not have it. */
const ALLOWED = {
  source: 'packages/cdk-construct/src',
  modules: /^(aws-cdk-lib(\/|$)|constructs$|node:|\.)/,
};

interface Import {
  readonly from: string;
  /** The module as written in the import. */
  readonly module: string;
  readonly kind: 'import' | 'import type' | 'import()';
}

/** Every import, re-export, `import()`, `require()` and `import('…')` type of a file. */
function importsOf(from: string, text: string): Import[] {
  const file = ts.createSourceFile(from, text, ts.ScriptTarget.Latest, true);
  const found: Import[] = [];
  const add = (module: ts.Node | undefined, kind: Import['kind']): void => {
    if (module && ts.isStringLiteralLike(module)) found.push({ from, module: module.text, kind });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      const isType = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
      add(node.moduleSpecifier, isType ? 'import type' : 'import');
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node.isTypeOnly ? 'import type' : 'import');
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, 'import type');
    } else if (ts.isExternalModuleReference(node)) {
      add(node.expression, 'import');
    } else if (ts.isCallExpression(node)) {
      const { kind } = node.expression;
      const isRequire = ts.isIdentifier(node.expression) && node.expression.text === 'require';
      if (kind === ts.SyntaxKind.ImportKeyword || isRequire) add(node.arguments[0], 'import()');
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** All imports below a folder, with paths from the folder; without tests. */
async function readImports(folder: string): Promise<Import[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter(
    ({ name }) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.endsWith('.d.ts'),
  );
  const read = files.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    const from = relative(folder, path).replaceAll('\\', '/');
    return importsOf(from, await readFile(path, 'utf8'));
  });
  return (await Promise.all(read)).flat();
}

/** The imported file within the folder; `undefined` for a package. */
function targetOf({ from, module }: Import): string | undefined {
  if (!module.startsWith('.')) return undefined;
  return posix.join(posix.dirname(from), module).replace(/(\.js)?$/, '.ts');
}

/** The first part of a path; `undefined` for a file at the top level. */
function roomOf(file: string): string | undefined {
  const [room, ...rest] = file.split('/');
  return rest.length > 0 ? room : undefined;
}

function wrongWays(imports: readonly Import[], { order, exceptions, shared }: Layout): string[] {
  const placeOf = (room: string): number => order.findIndex((group) => group.includes(room));
  return imports.flatMap((one) => {
    const to = targetOf(one);
    if (to === undefined) return [];
    const told = `${one.from} -> ${to}`;
    const [room, target] = [roomOf(one.from), roomOf(to)];
    if (shared.includes(to)) return [];
    if (target === undefined) return [`${told}: nobody may import this file of the top level`];
    if (placeOf(target) === -1) return [`${told}: there is no room ${target}`];
    if (shared.includes(one.from)) return [`${told}: a shared file may not import a room`];
    if (room === undefined || room === target) return [];
    if (placeOf(room) === -1) return [`${told}: there is no room ${room}`];
    const isException = exceptions.some(
      (allowed) => allowed.from === room && [target, to].includes(allowed.to),
    );
    const isLeft = placeOf(target) < placeOf(room);
    return isLeft || isException ? [] : [`${told}: ${room} may not import ${target}`];
  });
}

/** Circular imports of files within a room. Imports of types do not count. */
function circles(imports: readonly Import[]): string[] {
  const edges = new Map<string, string[]>();
  for (const one of imports) {
    const to = one.kind === 'import type' ? undefined : targetOf(one);
    if (to !== undefined) edges.set(one.from, [...(edges.get(one.from) ?? []), to]);
  }
  const found = new Set<string>();
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start !== -1) {
      found.add([...path.slice(start), file].join(' -> '));
      return;
    }
    if (done.has(file)) return;
    for (const next of edges.get(file) ?? []) walk(next, [...path, file]);
    done.add(file);
  };
  for (const file of edges.keys()) walk(file, []);
  return [...found];
}

function forbidden(imports: readonly Import[], source: string): string[] {
  const rules = FORBIDDEN.filter((rule) => rule.source === source);
  return imports.flatMap(({ from, module, kind }) =>
    rules.some((rule) => rule.kind === kind && rule.modules.test(module))
      ? [`${from}: ${kind} of ${module}`]
      : [],
  );
}

function notAllowed(imports: readonly Import[]): string[] {
  return imports.flatMap(({ from, module, kind }) =>
    ALLOWED.modules.test(module) ? [] : [`${from}: ${kind} of ${module}`],
  );
}

const root = join(import.meta.dirname, '..');

describe.each(LAYOUTS)('$source', (layout) => {
  it('has no imports of rooms to the right', async () => {
    const imports = await readImports(join(root, layout.source));
    expect(imports.length).toBeGreaterThan(50);
    expect(wrongWays(imports, layout)).toEqual([]);
  });

  it('has no circular imports', async () => {
    expect(circles(await readImports(join(root, layout.source)))).toEqual([]);
  });

  it('has exactly the rooms of the order', async () => {
    const entries = await readdir(join(root, layout.source), { withFileTypes: true });
    const rooms = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    expect(rooms.toSorted()).toEqual(layout.order.flat().toSorted());
  });
});

it.each([...new Set(FORBIDDEN.map(({ source }) => source))])(
  '%s does not import modules that slow down a cold start',
  async (source) => {
    const imports = await readImports(join(root, source));
    expect(imports.length).toBeGreaterThan(10);
    expect(forbidden(imports, source)).toEqual([]);
  },
);

it(`${ALLOWED.source} imports only CDK and Node, and has no circular imports`, async () => {
  const imports = await readImports(join(root, ALLOWED.source));
  expect(imports.length).toBeGreaterThan(0);
  expect(notAllowed(imports)).toEqual([]);
  expect(circles(imports)).toEqual([]);
});

describe('the check itself', () => {
  let folder: string;
  const layout: Layout = {
    source: '',
    order: [['errors', 'time'], ['wire', 'store'], ['app']],
    exceptions: [
      { from: 'errors', to: 'time' },
      { from: 'store', to: 'wire/w.ts' },
    ],
    shared: ['shared.ts'],
  };
  const files: Readonly<Record<string, string>> = {
    'index.ts': "export { a } from './app/a.js';",
    'errors/a.ts': "import { t } from '../time/t.js';",
    'time/t.ts': 'export const t = 1;',
    'app/a.ts': "import type { W } from '../wire/w.js';\nimport { z } from 'zod';",
    'wire/w.ts': 'export interface W {}',
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'import-rules-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  const check = async (more: Readonly<Record<string, string>>): Promise<string[]> => {
    const place = await mkdtemp(join(folder, 'case-'));
    for (const [path, text] of Object.entries({ ...files, ...more })) {
      await mkdir(dirname(join(place, path)), { recursive: true });
      await writeFile(join(place, path), text);
    }
    const imports = await readImports(place);
    const source = 'packages/framework/src';
    return [...wrongWays(imports, layout), ...circles(imports), ...forbidden(imports, source)];
  };

  it('accepts correct imports', async () => {
    const more = {
      'wire/x.ts': "import { t } from '../time/t.js';\nimport type { Agent } from 'node:http';",
      'wire/x.test.ts': "import '../app/a.js';",
      'wire/y.ts': "import type { Z } from './z.js';",
      'wire/z.ts': "import { y } from './y.js';",
      'store/x.ts': "import type { W } from '../wire/w.js';\nimport '../shared.js';",
      'shared.ts': "import 'zod';",
    };
    expect(await check(more)).toEqual([]);
  });

  it.each([
    [
      'an import to the right',
      'wire/x.ts',
      "import { a } from '../app/a.js';",
      'may not import app',
    ],
    ['a type', 'wire/x.ts', "import type { a } from '../app/a.js';", 'may not import app'],
    ['a type in place', 'wire/x.ts', "type A = import('../app/a.js').A;", 'may not import app'],
    ['a re-export', 'wire/x.ts', "export * from '../app/a.js';", 'may not import app'],
    ['a late import', 'wire/x.ts', "await import('../app/a.js');", 'may not import app'],
    ['an effect', 'wire/x.ts', "import '../app/a.js';", 'may not import app'],
    ['a room of the same group', 'wire/x.ts', "import '../store/s.js';", 'may not import store'],
    [
      'another file than the one that is allowed',
      'store/x.ts',
      "import '../wire/x.js';",
      'may not import wire',
    ],
    [
      'an import that is allowed only in the other direction',
      'time/x.ts',
      "import '../errors/a.js';",
      'may not import errors',
    ],
    ['a room by a shared file', 'shared.ts', "import './app/a.js';", 'may not import a room'],
    ['a file of the top level', 'app/x.ts', "import '../index.js';", 'top level'],
    ['a file of the top level by another', 'extra.ts', "import './index.js';", 'top level'],
    ['a room that is not in the order', 'app/x.ts', "import '../misc/a.js';", 'no room misc'],
    ['from a room that is not in the order', 'misc/x.ts', "import '../wire/w.js';", 'no room misc'],
    ['a file that imports itself', 'app/x.ts', "import './x.js';", 'app/x.ts -> app/x.ts'],
    ['node:http', 'app/x.ts', "import { Agent } from 'node:http';", 'node:http'],
    ['http', 'app/x.ts', "import http from 'http';", 'import of http'],
    [
      'a late client of AWS',
      'app/x.ts',
      "import('@aws-sdk/client-dynamodb');",
      'import() of @aws-sdk',
    ],
  ])('refuses %s', async (_what, path, text, told) => {
    expect(await check({ [path]: text })).toEqual([expect.stringContaining(told)]);
  });

  it('refuses a circle within a room', async () => {
    const circle = {
      'app/x.ts': "import { y } from './y.js';",
      'app/y.ts': "import { z } from './z.js';",
      'app/z.ts': "export * from './x.js';",
    };
    expect(await check(circle)).toEqual([
      expect.stringMatching(/^(app\/[xyz]\.ts -> ){3}app\/[xyz]\.ts$/),
    ]);
  });

  it.each([
    ["import { build } from 'esbuild';", 'esbuild'],
    ["import type { Store } from '@gatecast/framework';", '@gatecast/framework'],
    ["import esbuild = require('esbuild');", 'esbuild'],
    ["const esbuild = require('esbuild');", 'esbuild'],
    ["export * from 'constructs/lib/construct';", 'constructs/lib/construct'],
    ["import 'aws-cdk-library';", 'aws-cdk-library'],
    ["import { join } from 'path';", 'path'],
  ])('refuses %s in the construct', (text, module) => {
    expect(notAllowed(importsOf('x.ts', text))).toEqual([expect.stringContaining(`of ${module}`)]);
  });

  it('accepts CDK, Node and own files in the construct, and finds their circles', () => {
    const text = "import 'aws-cdk-lib/aws-iam';\nimport 'constructs';\nimport 'node:fs';";
    const circle = [...importsOf('a.ts', "import './b';"), ...importsOf('b.ts', "import './a';")];
    expect(notAllowed([...importsOf('x.ts', text), ...circle])).toEqual([]);
    expect(circles(circle)).toEqual(['a.ts -> b.ts -> a.ts']);
  });
});
