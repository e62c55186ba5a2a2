import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { readTemplate } from '../src/dev/template/read-template.js';

// FUZZ_SEED repeats a run, FUZZ_TIMES=20 makes it 20 times as long.
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_127);
const times = Number(process.env['FUZZ_TIMES'] ?? 1);

const codes = ['ERR_TEMPLATE_INVALID', 'ERR_ENTRY_NOT_FOUND'];

const uri = {
  'Fn::Sub':
    'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations',
};
const ApiId = { Ref: 'Api' };

const document = (more: object): object => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: ['sts:AssumeRole', 'dynamodb:*'], ...more }],
});

/** A template with something of everything. */
const template = {
  Transform: 'AWS::Serverless-2016-10-31',
  Parameters: { Tier: { Type: 'String', Default: 'free', AllowedValues: ['free', 'paid'] } },
  Mappings: { Sizes: { free: { memory: 256 } } },
  Conditions: {
    IsFree: { 'Fn::Equals': [{ Ref: 'Tier' }, 'free'] },
    IsPaid: { 'Fn::Not': [{ Condition: 'IsFree' }] },
  },
  Globals: {
    Function: { Environment: { Variables: { TIER: { Ref: 'Tier' } } } },
    WebSocketApi: { StageVariables: { a: 'b' } },
  },
  Resources: {
    Api: {
      Type: 'AWS::ApiGatewayV2::Api',
      Condition: 'IsFree',
      Properties: { ProtocolType: 'WEBSOCKET', RouteSelectionExpression: '$request.body.action' },
    },
    Chat: {
      Type: 'AWS::Serverless::WebSocketApi',
      Condition: 'IsPaid',
      Properties: {
        RouteSelectionExpression: '$request.body.action',
        Auth: { AuthType: 'CUSTOM', AuthArn: { 'Fn::GetAtt': ['Fn', 'Arn'] } },
        Routes: { $connect: { FunctionArn: { 'Fn::GetAtt': 'Fn.Arn' } } },
        Domain: { DomainName: 'chat.example', CertificateArn: 'arn', BasePath: ['v1'] },
      },
    },
    Stage: {
      Type: 'AWS::ApiGatewayV2::Stage',
      Properties: { ApiId, StageName: 'dev', RouteSettings: { say: { ThrottlingRateLimit: 9 } } },
    },
    Integration: {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: {
        ApiId,
        IntegrationType: 'AWS_PROXY',
        IntegrationUri: uri,
        CredentialsArn: { 'Fn::GetAtt': ['Role', 'Arn'] },
      },
    },
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: {
        AssumeRolePolicyDocument: document({ Principal: { Service: 'apigateway.amazonaws.com' } }),
        Policies: [{ PolicyName: 'a', PolicyDocument: document({ Resource: '*' }) }],
        ManagedPolicyArns: [{ Ref: 'Shared' }],
        PermissionsBoundary: { Ref: 'Shared' },
      },
    },
    Shared: {
      Type: 'AWS::IAM::ManagedPolicy',
      Properties: { PolicyDocument: document({ Resource: '*' }) },
    },
    Own: {
      Type: 'AWS::IAM::Policy',
      Properties: { Roles: [{ Ref: 'Role' }], PolicyDocument: document({ Resource: '*' }) },
    },
    Permission: {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        Action: 'lambda:InvokeFunction',
        FunctionName: { Ref: 'Fn' },
        Principal: 'apigateway.amazonaws.com',
        SourceArn: { 'Fn::Sub': 'arn:aws:execute-api:us-east-1:123456789012:${Api}/*' },
      },
    },
    Mock: {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: { ApiId, IntegrationType: 'MOCK', RequestTemplates: { $default: '{}' } },
    },
    Answer: {
      Type: 'AWS::ApiGatewayV2::IntegrationResponse',
      Properties: { ApiId, IntegrationId: { Ref: 'Mock' }, IntegrationResponseKey: '$default' },
    },
    Connect: {
      Type: 'AWS::ApiGatewayV2::Route',
      Properties: {
        ApiId,
        RouteKey: '$connect',
        AuthorizationType: 'CUSTOM',
        AuthorizerId: { Ref: 'Authorizer' },
        Target: { 'Fn::Join': ['/', ['integrations', { Ref: 'Integration' }]] },
      },
    },
    Say: {
      Type: 'AWS::ApiGatewayV2::Route',
      Properties: {
        ApiId,
        RouteKey: 'say',
        RequestModels: { $default: 'Words' },
        Target: { 'Fn::Sub': ['integrations/${Id}', { Id: { Ref: 'Mock' } }] },
      },
    },
    Words: {
      Type: 'AWS::ApiGatewayV2::Model',
      Properties: { ApiId, Name: 'Words', Schema: { type: 'object' } },
    },
    Authorizer: {
      Type: 'AWS::ApiGatewayV2::Authorizer',
      Properties: { ApiId, AuthorizerType: 'REQUEST', AuthorizerUri: uri, IdentitySource: ['a'] },
    },
    Fn: {
      Type: 'AWS::Serverless::Function',
      Metadata: { BuildMethod: 'esbuild', BuildProperties: { EntryPoints: ['app.js'] } },
      Properties: {
        FunctionName: { 'Fn::Sub': '${AWS::StackName}-fn' },
        Handler: 'app.handler',
        MemorySize: { 'Fn::FindInMap': ['Sizes', { Ref: 'Tier' }, 'memory'] },
        Timeout: { 'Fn::If': ['IsFree', 3, { 'Fn::Select': [0, [9]] }] },
        AutoPublishAlias: 'live',
        Policies: [{ DynamoDBReadPolicy: { TableName: { Ref: 'Table' } } }, 'AWSLambdaRole'],
        Events: { Jobs: { Type: 'SQS' } },
        DeadLetterQueue: { Type: 'SQS', TargetArn: 'arn' },
        Environment: {
          Variables: {
            TABLE: { Ref: 'Table' },
            SPLIT: { 'Fn::Join': ['', { 'Fn::Split': [',', 'a'] }] },
          },
        },
      },
    },
    Table: {
      Type: 'AWS::DynamoDB::Table',
      Properties: {
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        GlobalSecondaryIndexes: [{ IndexName: 'i', KeySchema: [], Projection: {} }],
      },
    },
    Simple: { Type: 'AWS::Serverless::SimpleTable', Properties: { PrimaryKey: { Name: 'id' } } },
  },
};

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatecast-fuzz-'));
  await writeFile(join(folder, 'app.js'), 'exports.handler = async () => {};');
  return () => rm(folder, { recursive: true });
});

/** All places in a value, as lists of keys. */
function placesIn(value: unknown): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [[]];
  const inner = Object.entries(value).flatMap(([key, item]) =>
    placesIn(item).map((place) => [key, ...place]),
  );
  return [[], ...inner];
}

/** The value with another one, or nothing, at a place. */
function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy = structuredClone(value) as Record<string, unknown>;
  const item = replaced(copy[key], rest, by);
  if (item === undefined) delete copy[key];
  else copy[key] = item;
  return copy;
}

const ids = fc.constantFrom(...Object.keys(template.Resources), 'Tier', 'Nobody', '', '__proto__');

/** Values that somebody may write by mistake, and references to any place. */
const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(undefined, null, '', 0, -1, true, [], {}, [[]], { a: { b: [] } }, 'text'),
  fc.constantFrom('AWS::ApiGatewayV2::Api', 'AWS::Serverless::WebSocketApi', 'HTTP', '$default'),
  ids.map((id) => ({ Ref: id })),
  fc.tuple(ids, fc.constantFrom('Arn', '', 'constructor')).map((path) => ({ 'Fn::GetAtt': path })),
  ids.map((id) => ({ 'Fn::Sub': `\${${id}}-\${${id}.Arn}-\${` })),
  fc
    .tuple(
      fc.constantFrom('If', 'Join', 'Select', 'Split', 'FindInMap', 'Equals', 'Length', 'Cidr'),
      fc.array(fc.oneof(fc.constantFrom('IsFree', 0, [], null), ids), { maxLength: 4 }),
    )
    .map(([name, items]) => ({ [`Fn::${name}`]: items })),
);

it('I10 any template is read, or refused with what to change', {
  timeout: 60_000 * Math.max(times, 2),
}, async () => {
  expect(await read(JSON.stringify(template))).toBe('read');
  const places = placesIn(template);
  const change = fc.tuple(fc.constantFrom(...places), oddValue);
  const property = fc.asyncProperty(
    fc.array(change, { minLength: 1, maxLength: 3 }),
    async (changes) => {
      let changed: unknown = template;
      for (const [place, value] of changes) {
        if (placesIn(changed).some((known) => known.join() === place.join())) {
          changed = replaced(changed, place, value);
        }
      }
      await read(JSON.stringify(changed) ?? '');
    },
  );
  await fc.assert(property, { seed, numRuns: 1_000 * times });
});

it('I10 any text is read as a template, or refused', { timeout: 60_000 * times }, async () => {
  expect(await read('{ a')).toBe('refused');
  const pieces =
    'Resources:|\n|  |A: |!Ref |!Sub |&a |*a|[|]|{|}|- |\'|"|>|#|:|Type: |AWS::ApiGatewayV2::Api|<<: |%|\0|…';
  const piece = fc.constantFrom(...pieces.split('|'), '|');
  const property = fc.asyncProperty(fc.array(piece, { maxLength: 30 }), async (parts) => {
    await read(parts.join(''));
  });
  await fc.assert(property, { seed, numRuns: 1_000 * times });
});

/** Reads a template; throws unless it is refused with a known code and a message. */
async function read(text: string): Promise<'read' | 'refused'> {
  const file = join(folder, 'template.json');
  await writeFile(file, text);
  try {
    await readTemplate(file, { parameters: {}, stage: undefined });
    return 'read';
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === undefined || !codes.includes(code) || message === '') throw error;
    return 'refused';
  }
}
