import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasSdkV2 } from '../src/lambda/sdk-v2.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatecast-sdk-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('version 2 of the SDK', () => {
  it.each([
    ['bundled', 'var model = { metadata: { uid: "dynamodb-2012-08-10" } };', true],
    ['bundled and minified', 'a={metadata:{uid:"sqs-2012-11-05"}}', true],
    [
      'bundled for another service',
      'a={metadata:{uid:"apigatewaymanagementapi-2018-11-29"}}',
      false,
    ],
    ['not there', 'const target = "DynamoDB_20120810.PutItem";', false],
  ])('is found where it is %s', async (_, text, expected) => {
    const file = join(folder, 'index.js');
    await writeFile(file, text);
    expect(await hasSdkV2({ file, folder })).toBe(expected);
  });

  it('is found beside code that is not bundled', async () => {
    const file = join(folder, 'index.js');
    await writeFile(file, 'require("aws-sdk")');
    await mkdir(join(folder, 'node_modules', 'aws-sdk'), { recursive: true });
    await writeFile(join(folder, 'node_modules', 'aws-sdk', 'package.json'), '{}');
    expect(await hasSdkV2({ file, folder })).toBe(true);
  });
});
