import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBundler } from '../src/lambda/bundle.js';

const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatecast-resolution-'));
  await symlink(modules, join(directory, 'node_modules'), 'junction');
});

afterAll(() => rm(directory, { recursive: true }));

/** Imports one name and requires another, which may be the same, and compares what it gets. */
async function comparison(imported: string, required: string): Promise<string> {
  const name = `${imported}-${required}`.replaceAll(/\W+/g, '-');
  await writeFile(
    join(directory, `${name}.cjs`),
    `module.exports = require(${JSON.stringify(required)});`,
  );
  const entry = join(directory, `${name}.mjs`);
  await writeFile(
    entry,
    `import * as imported from ${JSON.stringify(imported)};
     import required from './${name}.cjs';
     const shared = Object.keys(required).filter(
       (name) => typeof required[name] === 'function' && name in imported && name !== 'default',
     );
     const isOne = shared.every((name) => required[name] === imported[name]);
     const found = { type: typeof required, shared: shared.length, copies: isOne ? 1 : 2 };
     process.stdout.write(JSON.stringify(found));
     process.exit();`,
  );
  return entry;
}

/** Runs a file in Node itself: the test runner loads modules in its own way. */
async function printed(file: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [file]);
  return JSON.parse(stdout);
}

describe('I6 a bundle has the builds of a package that Node loads', { timeout: 60_000 }, () => {
  it.each([
    ['graphql', 'graphql'],
    ['graphql', 'graphql/type/definition'],
    ['graphql', 'graphql/language/parser.js'],
    ['graphql-ws', 'graphql-ws'],
    ['@aws-sdk/client-dynamodb', '@aws-sdk/client-dynamodb'],
    ['@aws-sdk/client-apigatewaymanagementapi', '@aws-sdk/client-apigatewaymanagementapi'],
    ['@aws-sdk/lib-dynamodb', '@aws-sdk/lib-dynamodb'],
    ['@smithy/signature-v4', '@smithy/signature-v4'],
    ['ajv', 'ajv'],
    ['async', 'async'],
    ['class-transformer', 'class-transformer'],
    ['class-validator', 'class-validator'],
    ['ioredis', 'ioredis'],
    ['mri', 'mri'],
    ['valibot', 'valibot'],
    ['ws', 'ws'],
    ['yaml', 'yaml'],
    ['zod', 'zod'],
  ])('import "%s" and require("%s")', async (imported, required) => {
    const entry = await comparison(imported, required);
    await using bundler = await openBundler(entry, directory);
    const { file } = await bundler.build();
    expect(await printed(file)).toEqual(await printed(entry));
  });
});
