import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ReadTemplate,
  readAssembly,
  readTemplate,
} from '../src/dev/template/read-template.js';
import { executeApiHost } from '../src/execute-api-host.js';

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
    Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
    Environment: { Variables: { VALUE: value } },
  },
  Metadata: { 'aws:asset:path': 'code', 'aws:asset:property': 'Code' },
});

/** The role of every function. */
const role = {
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: {
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'lambda.amazonaws.com' },
          Action: 'sts:AssumeRole',
        },
      ],
    },
  },
};

const exported = (name: string, value: unknown): object => ({
  Value: value,
  Export: { Name: name },
});

/** The template with the role of its functions. */
function withRole(template: { readonly Resources?: object }): object {
  return { ...template, Resources: { ...template.Resources, Role: role } };
}

/** Where a stack is deployed, and as what. */
interface Target {
  readonly stackName?: string;
  readonly region?: string;
}

/** The artifacts of these templates, by the name of the stack. */
async function artifactsOf(
  stacks: Readonly<Record<string, object>>,
  { targets = {}, into = folder }: { targets?: Record<string, Target>; into?: string } = {},
): Promise<Record<string, object>> {
  const artifacts: Record<string, object> = {};
  for (const [name, template] of Object.entries(stacks)) {
    const templateFile = `${name}.template.json`;
    await writeFile(join(into, templateFile), JSON.stringify(withRole(template)));
    const { stackName, region } = targets[name] ?? {};
    artifacts[name] = {
      type: 'aws:cloudformation:stack',
      properties: { templateFile, stackName },
      ...(region !== undefined && { environment: `aws://111111111111/${region}` }),
    };
  }
  return artifacts;
}

const writeManifest = (artifacts: object, into = folder): Promise<void> =>
  writeFile(join(into, 'manifest.json'), JSON.stringify({ version: '53.0.0', artifacts }));

/** A cloud assembly of these templates, by the name of the stack. */
async function assemblyOf(
  stacks: Readonly<Record<string, object>>,
  targets: Record<string, Target> = {},
): Promise<void> {
  await writeManifest(await artifactsOf(stacks, { targets }));
}

const read = (stack?: string): Promise<ReadTemplate> => readAssembly(folder, { stack, ...common });

const valueOf = ({ options }: ReadTemplate): unknown =>
  options.functions?.['Fn']?.environment?.['VALUE'];

describe('a value of another stack', () => {
  it.each([
    [
      'an export',
      { 'Fn::ImportValue': 'shared' },
      'arn:aws:dynamodb:us-east-1:123456789012:table/local-T',
    ],
    ['an output', { 'Fn::GetStackOutput': { StackName: 'One', OutputName: 'Name' } }, 'local-T'],
    [
      'an export in a text',
      { 'Fn::Sub': ['<${V}>', { V: { 'Fn::ImportValue': 'name' } }] },
      '<local-T>',
    ],
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

it.each([
  ['MemorySize', 64],
  ['Timeout', 901],
])(
  'a function without a route whose %s is %j is named, and the others run',
  async (name, value) => {
    const { Properties, ...rest } = lambda('a') as { Properties: object };
    const wrong = { ...rest, Properties: { ...Properties, [name]: value } };
    await assemblyOf({ Chat: { Resources: { Api: api, Wrong: wrong, Fn: lambda('a') } } });
    const { options, warnings } = await read();
    expect(Object.keys(options.functions ?? {})).toEqual(['Fn']);
    expect(warnings).toEqual([
      expect.stringContaining(`"${name}" of "Wrong" is ${value}, which Lambda refuses.`),
    ]);
  },
);

it('a function of a nested stack is refused with what to do', async () => {
  const functionArn = { 'Fn::GetAtt': ['Nested', 'Outputs.Arn'] };
  const ApiId = { Ref: 'Api' };
  await assemblyOf({
    Chat: {
      Resources: {
        Api: api,
        Nested: { Type: 'AWS::CloudFormation::Stack' },
        Integration: {
          Type: 'AWS::ApiGatewayV2::Integration',
          Properties: {
            ApiId,
            IntegrationType: 'AWS_PROXY',
            IntegrationUri: {
              'Fn::Join': [
                '',
                ['arn:aws:apigateway:x:lambda:path/functions/', functionArn, '/invocations'],
              ],
            },
          },
        },
        Route: {
          Type: 'AWS::ApiGatewayV2::Route',
          Properties: {
            ApiId,
            RouteKey: '$default',
            Target: { 'Fn::Join': ['/', ['integrations', { Ref: 'Integration' }]] },
          },
        },
      },
    },
  });
  await expect(read()).rejects.toMatchObject({
    code: 'ERR_TEMPLATE_INVALID',
    hint: expect.stringContaining('nested stacks are not read'),
  });
});

it('a value that the CDK copies to another Region is the one that it copies', async () => {
  const name = '/cdk/exports/Chat/Table';
  await assemblyOf(
    {
      Data: {
        Resources: {
          Table: table,
          Writer: {
            Type: 'Custom::CrossRegionExportWriter',
            Properties: {
              WriterProps: { exports: { [name]: { 'Fn::GetAtt': ['Table', 'Arn'] } } },
            },
          },
        },
      },
      Chat: {
        Resources: {
          Api: api,
          Reader: { Type: 'Custom::CrossRegionExportReader' },
          Fn: lambda({ 'Fn::GetAtt': ['Reader', name] }),
        },
      },
    },
    { Data: { region: 'us-east-1' }, Chat: { region: 'eu-west-1' } },
  );
  const template = await read();
  expect(valueOf(template)).toBe('arn:aws:dynamodb:us-east-1:111111111111:table/Table');
  expect(template.warnings).toEqual([]);
});

describe('stacks that look alike', () => {
  const stack = {
    Resources: { Api: api, T: table, Fn: lambda({ 'Fn::GetAtt': ['T', 'Arn'] }) },
  };

  it('of one name, in two Regions, are kept apart', async () => {
    await assemblyOf(
      { Eu: stack, Us: stack },
      {
        Eu: { stackName: 'Chat', region: 'eu-west-1' },
        Us: { stackName: 'Chat', region: 'us-east-2' },
      },
    );
    const { options } = await read();
    const value = (name: string) => options.functions?.[name]?.environment?.['VALUE'];
    expect(value('Eu-Fn')).toBe('arn:aws:dynamodb:eu-west-1:111111111111:table/Eu-T');
    expect(value('Us-Fn')).toBe('arn:aws:dynamodb:us-east-2:111111111111:table/Us-T');
    const [other] = Object.values(options.apis ?? {});
    expect(other).toMatchObject({ region: 'us-east-2' });
    expect(other?.apiId).not.toBe(options.apiId);
  });

  it('each take an export of their own stage', async () => {
    const artifacts: Record<string, object> = {};
    for (const stage of ['Dev', 'Prod']) {
      const into = join(folder, `assembly-${stage}`);
      await mkdir(into);
      const stacks = {
        [`${stage}Data`]: {
          Resources: {},
          Outputs: { Name: exported('table', `${stage.toLowerCase()}-table`) },
        },
        [`${stage}Chat`]: {
          Resources: {
            Api: api,
            Fn: {
              ...lambda({ 'Fn::ImportValue': 'table' }),
              Metadata: { 'aws:asset:path': '../code' },
            },
          },
        },
      };
      await writeManifest(await artifactsOf(stacks, { into }), into);
      artifacts[stage] = {
        type: 'cdk:cloud-assembly',
        properties: { directoryName: `assembly-${stage}` },
      };
    }
    await writeManifest(artifacts);
    const { options } = await read();
    const values = Object.values(options.functions ?? {}).map(
      (each) => each.environment?.['VALUE'],
    );
    expect(values).toEqual(['dev-table', 'prod-table']);
  });

  it('do not take exports of another Region', async () => {
    await assemblyOf(
      {
        Data: { Resources: {}, Outputs: { Name: exported('table', 'eu') } },
        Chat: { Resources: { Api: api, Fn: lambda({ 'Fn::ImportValue': 'table' }) } },
      },
      { Data: { region: 'eu-west-1' }, Chat: { region: 'us-east-2' } },
    );
    expect(valueOf(await read())).toBe('${table}');
  });

  it('may have functions and tables of one name if one of them is chosen', async () => {
    const named = (keys: string): object => {
      const { Properties, ...rest } = lambda(keys) as { Properties: object };
      const KeySchema = [{ AttributeName: keys, KeyType: 'HASH' }];
      return {
        Resources: {
          Api: api,
          Fn: { ...rest, Properties: { ...Properties, FunctionName: 'Fn' } },
          T: { ...table, Properties: { TableName: 'same', KeySchema } },
        },
      };
    };
    await assemblyOf({ One: named('one'), Two: named('two') });
    const { options } = await read('Two');
    expect(valueOf({ options } as ReadTemplate)).toBe('two');
    expect(options.tables).toMatchObject([{ KeySchema: [{ AttributeName: 'two' }] }]);
    await expect(read()).rejects.toThrow(
      '"One-T" and "Two-T" are both called "same", with other keys or indexes.',
    );
  });

  it('do not need the parameters of those that do not run', async () => {
    const other = {
      Parameters: { Cidr: { Type: 'String' } },
      Conditions: { Big: { 'Fn::Equals': [{ Ref: 'Cidr' }, 'big'] } },
      Resources: { T: { ...table, Condition: 'Big' } },
    };
    await assemblyOf({ Other: other, Chat: { Resources: { Api: api, Fn: lambda('a') } } });
    await expect(read()).rejects.toThrow('needs the parameter "Cidr", which has no value');
    const { warnings } = await read('Chat');
    expect(warnings).toEqual([expect.stringContaining('--parameter Cidr=VALUE')]);
  });
});

it('a table has a name that DynamoDB takes, however short its logical id is', async () => {
  await assemblyOf({ Chat: { Resources: { Api: api, T: table, Fn: lambda({ Ref: 'T' }) } } });
  const template = await read();
  expect(template.options.tables).toMatchObject([{ TableName: 'local-T' }]);
  expect(valueOf(template)).toBe('local-T');
});

describe('a stack in another partition', () => {
  it.each([
    ['cn-north-1', 'aws-cn', 'amazonaws.com.cn'],
    ['us-gov-west-1', 'aws-us-gov', 'amazonaws.com'],
    ['eusc-de-east-1', 'aws-eusc', 'amazonaws.eu'],
  ])('has the names of %s', async (region, partition, suffix) => {
    const value = {
      'Fn::Sub':
        '${T.Arn} ${Api.ApiEndpoint} arn:${AWS::Partition}:x https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}',
    };
    await assemblyOf(
      { Chat: { Resources: { Api: api, T: table, Fn: lambda(value) } } },
      {
        Chat: { region },
      },
    );
    const host = `local00000.execute-api.${region}.${suffix}`;
    expect(valueOf(await read())).toBe(
      `arn:${partition}:dynamodb:${region}:111111111111:table/local-T wss://${host} arn:${partition}:x https://${host}`,
    );
    expect(executeApiHost(host)).toEqual({ apiId: 'local00000', region });
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
    ['{"artifacts":{"A":{"type":3}}}', '"type" of "A" of "MANIFEST" is 3, not a text'],
    ['{"artifacts":{"A":{"properties":null}}}', '"A" of "MANIFEST" is null, not an object'],
    [
      '{"artifacts":{"A":{"type":"cdk:cloud-assembly","properties":{"directoryName":["a"]}}}}',
      '"directoryName" of "A" of "MANIFEST" is ["a"], not a text',
    ],
    [
      '{"artifacts":{"A":{"type":"cdk:cloud-assembly","properties":{"directoryName":"."}}}}',
      'contains itself',
    ],
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
  await writeFile(file, JSON.stringify(withRole({ Resources: { Api: api, Fn: lambda('a') } })));
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
