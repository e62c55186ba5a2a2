// `npm run verify` runs the whole contract on DynamoDB Local, with more entries and writers.
import { fileURLToPath } from 'node:url';
import { messageLogContract } from '@gatecast/framework/testing';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from './engines/engine.js';
import { engines, publishOf } from './log-under-test.js';
import { openTable } from './table-under-test.js';

describe.each(engines)('the log of dynamoDbStore() on $name', ({ name, start }) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine[Symbol.asyncDispose]());

  const sizes = { entries: 1_100, writers: 20 };
  const checks = messageLogContract(({ now }) => openTable(engine, { now }), sizes);
  const some = name === 'dynalite' ? /./ : /once|hole|everything|tag/;
  for (const check of checks.filter((one) => some.test(one.name))) {
    // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
    it(check.name, check.run, 300_000);
  }
});

describe('the log of dynamoDbStore()', () => {
  it('rejects the finish of an append that fails, and says what could not be done', async () => {
    await using engine = await engines[0]?.start();
    if (!engine) throw new Error('There is no engine.');
    await using table = await openTable(engine);
    const result = await table.log.append(publishOf('p'));
    if (result.result !== 'appended') throw new Error(result.result);
    table.hooks.before = () => {
      const $metadata = { httpStatusCode: 400 };
      throw Object.assign(new Error('Denied.'), { name: 'AccessDeniedException', $metadata });
    };
    await expect(result.finish?.(Promise.resolve(1))).rejects.toMatchObject({
      message: expect.stringContaining('keep the log of a channel short: dynamodb:PutItem on'),
    });
  });

  it('is not evaluated before its first call', async () => {
    const { outputFiles, metafile } = await build({
      entryPoints: [fileURLToPath(import.meta.resolve('@gatecast/adapters/dynamodb'))],
      bundle: true,
      splitting: true,
      format: 'esm',
      packages: 'external',
      outdir: 'unwritten',
      write: false,
      metafile: true,
    });
    expect(outputFiles.length).toBeGreaterThan(1);
    const entry = Object.values(metafile.outputs).find(({ entryPoint }) =>
      entryPoint?.endsWith('dynamodb/index.js'),
    );
    const inputs = Object.keys(entry?.inputs ?? {});
    expect(inputs.filter((path) => path.includes('/log/'))).toEqual([]);
    expect(entry?.imports.some(({ kind }) => kind === 'dynamic-import')).toBe(true);
  });
});
