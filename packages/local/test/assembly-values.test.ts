import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ReadTemplate,
  readAssembly,
  readTemplate,
} from '../src/dev/template/read-template.js';

const common = { parameters: {}, stage: undefined };

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatecast-values-'));
  await mkdir(join(folder, 'code'));
  await writeFile(join(folder, 'code/index.js'), 'exports.handler = async () => {};');
});

afterEach(() => rm(folder, { recursive: true }));

const api = { Type: 'AWS::ApiGatewayV2::Api', Properties: { ProtocolType: 'WEBSOCKET' } };
const table = {
  Type: 'AWS::DynamoDB::GlobalTable',
  Properties: { KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }] },
};

/** A function of the folder `code`, with a variable. */
const lambda = (value: unknown): object => ({
  Type: 'AWS::Lambda::Function',
  Properties: {
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    Code: { S3Bucket: 'any', S3Key: 'unknown.zip' },
    Environment: { Variables: { VALUE: value } },
  },
  Metadata: { 'aws:asset:path': 'code', 'aws:asset:property': 'Code' },
});

const exported = (name: string, value: unknown): object => ({
  Value: value,
  Export: { Name: name },
});

/** A cloud assembly of these templates, by the name of the stack. */
async function assemblyOf(stacks: Readonly<Record<string, object>>): Promise<void> {
  const artifacts: Record<string, object> = {};
  for (const [name, template] of Object.entries(stacks)) {
    const templateFile = `${name}.template.json`;
    await writeFile(join(folder, templateFile), JSON.stringify(template));
    artifacts[name] = { type: 'aws:cloudformation:stack', properties: { templateFile } };
  }
  await writeFile(join(folder, 'manifest.json'), JSON.stringify({ version: '53.0.0', artifacts }));
}

const read = (): Promise<ReadTemplate> => readAssembly(folder, { stack: undefined, ...common });

const valueOf = ({ options }: ReadTemplate): unknown =>
  options.functions?.['Fn']?.environment?.['VALUE'];

describe('a value of another stack', () => {
  it.each([
    [
      'an export',
      { 'Fn::ImportValue': 'shared' },
      'arn:aws:dynamodb:us-east-1:123456789012:table/T',
    ],
    ['an output', { 'Fn::GetStackOutput': { StackName: 'One', OutputName: 'Name' } }, 'T'],
    ['an export in a text', { 'Fn::Sub': ['<${V}>', { V: { 'Fn::ImportValue': 'name' } }] }, '<T>'],
  ])('is %s', async (_, value, expected) => {
    const outputs = {
      Arn: exported('shared', { 'Fn::GetAtt': ['T', 'Arn'] }),
      Name: exported('name', { Ref: 'T' }),
    };
    await assemblyOf({
      One: { Resources: { T: table }, Outputs: outputs },
      Two: { Resources: { Api: api, Fn: lambda(value) } },
    });
    const template = await read();
    expect(valueOf(template)).toBe(expected);
    expect(template.warnings).toEqual([]);
  });

  it('has the name of its stack if both have a resource of that name', async () => {
    await assemblyOf({
      One: { Resources: { T: table }, Outputs: { Name: exported('one', { Ref: 'T' }) } },
      Two: {
        Resources: {
          Api: api,
          T: table,
          Fn: lambda({ 'Fn::Join': [' ', [{ 'Fn::ImportValue': 'one' }, { Ref: 'T' }]] }),
        },
      },
    });
    const template = await read();
    expect(valueOf(template)).toBe('One-T Two-T');
    expect(template.options.tables).toMatchObject([{ TableName: 'One-T' }, { TableName: 'Two-T' }]);
  });

  it('stays a reference, with a warning, if no stack has it', async () => {
    await assemblyOf({
      One: { Resources: { Api: api, Fn: lambda({ 'Fn::ImportValue': 'nowhere' }) } },
    });
    const template = await read();
    expect(valueOf(template)).toBe('${nowhere}');
    expect(template.warnings).toEqual([
      expect.stringContaining('"Environment.Variables.VALUE" of "Fn" gets "${nowhere}"'),
    ]);
  });

  it('keeps only its function from running if it is made of itself', async () => {
    const value = { 'Fn::ImportValue': 'a' };
    await assemblyOf({
      One: { Resources: {}, Outputs: { A: exported('a', { 'Fn::ImportValue': 'b' }) } },
      Two: {
        Resources: { Api: api, Fn: lambda(value), Gn: lambda(value), Well: lambda('fine') },
        Outputs: { B: exported('b', value) },
      },
    });
    const { options, warnings } = await read();
    expect(Object.keys(options.functions ?? {})).toEqual(['Well']);
    expect(warnings).toEqual([
      '"Fn", "Gn" (AWS::Lambda::Function) do not run locally: "Value" of the output "A" of "One" imports itself.',
    ]);
  });
});

describe('a broken assembly is refused', () => {
  it.each([
    ['{', '"MANIFEST" is not JSON'],
    ['[]', '"MANIFEST" is [], not an object'],
    ['{"artifacts":3}', '"artifacts" of "MANIFEST" is 3'],
    ['{"artifacts":{"A":null}}', '"A" of "MANIFEST" is null'],
    [
      '{"artifacts":{"A":{"type":"cdk:asset-manifest","properties":{"file":"a.json"}}}}',
      'A file of the cloud assembly cannot be read: ENOENT',
    ],
    [
      '{"artifacts":{"A":{"type":"aws:cloudformation:stack","properties":{"templateFile":"a.json"}}}}',
      'cannot be read: ENOENT',
    ],
    ['{"artifacts":{}}', 'has no WebSocket API'],
  ])('with the manifest %s', async (manifest, message) => {
    const file = join(folder, 'manifest.json');
    await writeFile(file, manifest);
    await expect(read()).rejects.toMatchObject({
      code: 'ERR_TEMPLATE_INVALID',
      message: expect.stringContaining(message.replace('MANIFEST', file)),
    });
  });
});

it('the code of a single template is where its metadata says', async () => {
  const file = join(folder, 'template.json');
  await writeFile(file, JSON.stringify({ Resources: { Api: api, Fn: lambda('a') } }));
  const { options } = await readTemplate(file, common);
  const asset = join(folder, 'code');
  expect(options.functions?.['Fn']).toMatchObject({ asset, entry: join(asset, 'index.js') });
});

it('two functions with one name are refused', async () => {
  const named = (name: string): object => {
    const { Properties, ...rest } = lambda(name) as { Properties: object };
    return { ...rest, Properties: { ...Properties, FunctionName: 'same' } };
  };
  await assemblyOf({ One: { Resources: { Api: api, A: named('a'), B: named('b') } } });
  await expect(read()).rejects.toThrow('"A" and "B" are both called "same".');
});
