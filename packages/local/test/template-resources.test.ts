import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ReadTemplate } from '../src/dev/template/read-template.js';
import { TemplateFolder } from './template-folder.js';

afterEach(() => vi.unstubAllEnvs());

const handler = 'exports.handler = async () => ({ statusCode: 200 });';

/** A template of one function, whose variable has the given value, with further sections. */
function templateOf(value: string, { resources = '', sections = '' } = {}): string {
  return `
Transform: AWS::Serverless-2016-10-31
${sections}
Conditions:
  Never: !Equals [a, b]
Resources:
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes: { $default: { FunctionArn: !GetAtt Fn.Arn } }
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src
      Handler: app.handler
      Runtime: nodejs24.x
      AutoPublishAlias: live
      Environment: { Variables: { VALUE: ${value} } }
  Chosen: { Type: AWS::DynamoDB::Table, Properties: { TableName: chat, KeySchema: [{ AttributeName: id, KeyType: HASH }], AttributeDefinitions: [{ AttributeName: id, AttributeType: S }] } }
  Generated: { Type: AWS::Serverless::SimpleTable }
  Absent: { Type: AWS::SNS::Topic, Condition: Never }
  Queue: { Type: AWS::SQS::Queue, Properties: { QueueName: jobs } }
  Topic: { Type: AWS::SNS::Topic }
  Bucket: { Type: AWS::S3::Bucket }
  Bus: { Type: AWS::Events::EventBus, Properties: { Name: news } }
  Setting: { Type: AWS::SSM::Parameter, Properties: { Name: /tier, Type: String, Value: free } }
  Logs: { Type: AWS::Logs::LogGroup, Properties: { LogGroupName: /chat } }
  Pool: { Type: AWS::Cognito::UserPool }
  Http: { Type: AWS::ApiGatewayV2::Api, Properties: { ProtocolType: HTTP } }
  ${resources}
`;
}

async function read(
  value: string,
  more: { resources?: string; sections?: string; parameters?: Record<string, string> } = {},
): Promise<ReadTemplate> {
  const files = { 'template.yaml': templateOf(value, more), 'src/app.js': handler };
  await using folder = await TemplateFolder.with(files);
  return await folder.read(more.parameters);
}

const valueOf = ({ options }: ReadTemplate): unknown =>
  options.functions?.['Fn']?.environment?.['VALUE'];

const at = (service: string, resource: string): string =>
  `arn:aws:${service}:us-east-1:123456789012:${resource}`;

describe('I10 a resource of a template has the values that CloudFormation gives it:', () => {
  it.each([
    ['!Ref Api', 'local00000'],
    ['!GetAtt Api.ApiEndpoint', 'wss://local00000.execute-api.us-east-1.amazonaws.com'],
    ['!GetAtt Api.ApiId', 'local00000'],
    ['!Ref Api.Stage', 'default'],
    ["!Sub '${Api}/${Api.Stage}'", 'local00000/default'],
    ['!Ref ApiDefaultStage', 'default'],
    ['!Ref Http', 'Http'],
    ['!GetAtt Http.ApiEndpoint', 'https://Http.execute-api.us-east-1.amazonaws.com'],
    ['!Ref Fn', 'Fn'],
    ['!GetAtt Fn.Arn', at('lambda', 'function:Fn')],
    ['!Ref Fn.Alias', at('lambda', 'function:Fn:live')],
    ['!Ref FnAliaslive', at('lambda', 'function:Fn:live')],
    ['!Ref Fn.Version', at('lambda', 'function:Fn:1')],
    ['!GetAtt FnRole.Arn', 'arn:aws:iam::123456789012:role/FnRole'],
    ['!Ref Fn.Role', 'FnRole'],
    ['!Ref Chosen', 'chat'],
    ['!GetAtt Chosen.Arn', at('dynamodb', 'table/chat')],
    ['!GetAtt Chosen.StreamArn', at('dynamodb', 'table/chat/stream/2026-01-01T00:00:00.000')],
    ['!Ref Generated', 'Generated'],
    ['!GetAtt Generated.Arn', at('dynamodb', 'table/Generated')],
    ['!Ref Queue', 'https://sqs.us-east-1.amazonaws.com/123456789012/jobs'],
    ['!GetAtt Queue.Arn', at('sqs', 'jobs')],
    ['!GetAtt Queue.QueueName', 'jobs'],
    ['!Ref Topic', at('sns', 'Topic')],
    ['!Ref Bucket', 'bucket'],
    ['!GetAtt Bucket.Arn', 'arn:aws:s3:::bucket'],
    ['!GetAtt Bus.Arn', at('events', 'event-bus/news')],
    ['!Ref Setting', '/tier'],
    ['!GetAtt Setting.Value', 'free'],
    ['!GetAtt Logs.Arn', at('logs', 'log-group:/chat:*')],
  ])('%s is %s', async (value, expected) => {
    const template = await read(value);
    expect(valueOf(template)).toBe(expected);
    expect(template.warnings.filter((line) => line.includes('VALUE'))).toEqual([]);
  });
});

describe('I10 a value that is only known on AWS', () => {
  it.each([
    ['!Ref Pool', '${Pool}', '"Pool" (AWS::Cognito::UserPool) does not run locally, and its Ref'],
    ['!GetAtt Pool.Arn', '${Pool.Arn}', 'and its "Arn" is only known on AWS.'],
    [
      "'{{resolve:ssm:/key}}'",
      '{{resolve:ssm:/key}}',
      'has the dynamic reference "{{resolve:ssm:/key}}", which stays as it is.',
    ],
  ])('leads to a warning: %s', async (value, standIn, warning) => {
    const template = await read(value);
    expect(valueOf(template)).toBe(standIn);
    const line = template.warnings.find((each) => each.includes(warning));
    expect(line).toContain('"Environment.Variables.VALUE" of "Fn"');
  });

  it('leads to a warning if it is in SSM, unless it is given', async () => {
    const sections =
      'Parameters: { Key: { Type: "AWS::SSM::Parameter::Value<String>", Default: /key } }';
    const template = await read('!Ref Key', { sections });
    expect(valueOf(template)).toBe('/key');
    expect(template.warnings).toContainEqual(expect.stringContaining('looks its value up in SSM'));
    const given = await read('!Ref Key', { sections, parameters: { Key: 'abc' } });
    expect(valueOf(given)).toBe('abc');
    expect(given.warnings).not.toContainEqual(expect.stringContaining('in SSM'));
  });

  it('leads to a warning if another stack exports it, unless the shell has it', async () => {
    const template = await read('!ImportValue shared');
    expect(valueOf(template)).toBe('${shared}');
    expect(template.warnings).toContainEqual(
      expect.stringContaining(
        '"Environment.Variables.VALUE" of "Fn" gets "${shared}": no stack here exports "shared".',
      ),
    );
    vi.stubEnv('VALUE', 'from the shell');
    expect(valueOf(await read('!ImportValue shared'))).toBe('from the shell');
  });
});

describe('I10 a template is refused', () => {
  it.each([
    ['!Ref Absent', 'refers to "Absent", which does not exist because its condition "Never"'],
    ['!Select [2, [a, b]]', 'selects the item 2 of ["a","b"], which has none there.'],
    ['!FindInMap [Sizes, dev, cpu]', 'looks for "Sizes" / "dev" / "cpu"'],
  ])('for %s', async (value, message) => {
    const sections = 'Mappings: { Sizes: { dev: { memory: 192 } } }';
    await expect(read(value, { sections })).rejects.toThrow(message);
  });

  it('for a value that a parameter may not have', async () => {
    const sections = 'Parameters: { Tier: { Type: String, AllowedValues: [free, paid] } }';
    await expect(read('a', { sections, parameters: { Tier: 'gold' } })).rejects.toThrow(
      'The parameter "Tier" is "gold", which the template does not allow.\nGive it one of: free, paid.',
    );
  });

  it('for resources that a loop makes', async () => {
    const resources = "'Fn::ForEach::Tables': [Name, [a, b], {}]";
    await expect(read('a', { resources })).rejects.toThrow('"Resources" uses Fn::ForEach::Tables');
  });
});

it('I10 a map may have a default', async () => {
  const value = '!FindInMap [Sizes, dev, cpu, { DefaultValue: 4 }]';
  expect(valueOf(await read(value))).toBe('4');
});

it('I9 a template warns that CloudFormation needs the transform of SAM', async () => {
  const text = templateOf('a').replace('Transform: AWS::Serverless-2016-10-31', '');
  await using folder = await TemplateFolder.with({ 'template.yaml': text, 'src/app.js': handler });
  const { warnings } = await folder.read();
  expect(warnings[0]).toBe(
    'CloudFormation refuses "Api" (AWS::Serverless::WebSocketApi) unless the template has "Transform: AWS::Serverless-2016-10-31".',
  );
});

it('I10 a template names what does not run, and nothing else', async () => {
  const { warnings } = await read('a', {
    resources: `Mapping: { Type: AWS::ApiGatewayV2::ApiMapping, Properties: { ApiId: !Ref Api, DomainName: d, Stage: !Ref Api.Stage } }
  Domain: { Type: AWS::ApiGatewayV2::DomainName }
  Alarm: { Type: AWS::CloudWatch::Alarm }
  Streamed: { Type: AWS::Serverless::SimpleTable, Properties: { StreamSpecification: {}, SSESpecification: {} } }
  Other: { Type: AWS::Serverless::Function, Properties: { Layers: [x] } }`,
  });
  expect(warnings).toEqual([
    'The HTTP API "Http" does not run here.',
    '"Queue" (AWS::SQS::Queue) does not run locally.',
    '"Topic" (AWS::SNS::Topic) does not run locally.',
    '"Bucket" (AWS::S3::Bucket) does not run locally.',
    '"Bus" (AWS::Events::EventBus) does not run locally.',
    '"Setting" (AWS::SSM::Parameter) does not run locally.',
    '"Pool" (AWS::Cognito::UserPool) does not run locally.',
    '"Mapping" (AWS::ApiGatewayV2::ApiMapping) does not run locally: clients connect to the stage; --base-path serves the path of a custom domain.',
    'Property "StreamSpecification" of "Streamed" (AWS::DynamoDB::Table) is ignored: tables have no streams.',
    '"Other" (AWS::Serverless::Function) does not run locally: "Other" (AWS::Serverless::Function) has no "Handler".',
  ]);
});

it('I10 a template has one line for an HTTP API, with the functions that can be invoked', async () => {
  const { warnings } = await read('a', {
    resources: `Close: { Type: AWS::Serverless::Function, Properties: { CodeUri: src, Handler: app.handler, Runtime: nodejs24.x, FunctionName: close } }
  CloseAll: { Type: AWS::Serverless::Function, Properties: { CodeUri: src, Handler: app.handler, Runtime: nodejs24.x, FunctionName: close-all } }
  HttpStage: { Type: AWS::ApiGatewayV2::Stage, Properties: { ApiId: !Ref Http, StageName: $default } }
  HttpCall: { Type: AWS::ApiGatewayV2::Integration, Properties: { ApiId: !Ref Http, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt CloseAll.Arn } }
  HttpQueue: { Type: AWS::ApiGatewayV2::Integration, Properties: { ApiId: !Ref Http, IntegrationUri: { 'Fn::Other': 1 } } }
  HttpGet: { Type: AWS::ApiGatewayV2::Route, Properties: { ApiId: !Ref Http, RouteKey: GET /, Target: !Sub 'integrations/\${HttpCall}' } }
  Alone: { Type: AWS::ApiGatewayV2::Route, Properties: { RouteKey: GET / } }`,
  });
  expect(warnings.filter((line) => /http|close|alone/i.test(line))).toEqual([
    'The HTTP API "Http" does not run here; use "gatecast invoke CloseAll".',
    '"Alone" (AWS::ApiGatewayV2::Route) does not run locally: no part of the API refers to it.',
  ]);
});

describe('I15 a function of a template', () => {
  it('names its layers', async () => {
    const sections = 'Globals: { Function: { Layers: [x] } }';
    expect((await read('a', { sections })).warnings).toContain(
      'Property "Layers" of "Fn" (AWS::Serverless::Function) is ignored: modules come from the node_modules of the function.',
    );
  });

  it('is refused if it is a container image', async () => {
    const sections = 'Globals: { Function: { PackageType: Image } }';
    await expect(read('a', { sections })).rejects.toThrow(
      '"Fn" is a container image, which does not run locally.',
    );
  });

  const withPut = (properties: string): string => `Put:
    Type: AWS::ApiGatewayV2::Integration
    Properties: { ApiId: !Ref Api, ${properties} }
  PutRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Api, RouteKey: put, Target: !Sub 'integrations/\${Put}' }`;
  const uri = (rest: string): string =>
    `!Sub 'arn:\${AWS::Partition}:apigateway:\${AWS::Region}:${rest}'`;

  it('can be replaced by an integration with DynamoDB', async () => {
    const role = 'CredentialsArn: arn:aws:iam::123456789012:role/Writer';
    const put = `IntegrationType: AWS, IntegrationMethod: POST, ${role}, IntegrationUri: ${uri('dynamodb:action/PutItem')}`;
    const { options, warnings } = await read('a', { resources: withPut(put) });
    expect(warnings.filter((line) => line.includes('"Put'))).toEqual([
      expect.stringContaining('role/Writer'),
    ]);
    const integrationUri = 'arn:aws:apigateway:us-east-1:dynamodb:action/PutItem';
    expect(options.routes).toMatchObject([
      {},
      { routeKey: 'put', function: undefined, integration: { type: 'AWS', integrationUri } },
    ]);
  });

  it.each([
    [
      `IntegrationType: AWS, IntegrationUri: ${uri('sqs:path/1/queue')}`,
      '"IntegrationUri" of "Put" calls the AWS service "sqs", which does not run locally.\nDynamoDB does. Let a Lambda function call it, or exclude its routes with a Condition.',
    ],
    [
      `IntegrationType: AWS_PROXY, IntegrationUri: ${uri('dynamodb:action/PutItem')}`,
      '"IntegrationType" of "Put" is "AWS_PROXY", but its URI calls DynamoDB, which has no proxy integration.\nMake it AWS.',
    ],
    [
      `IntegrationType: AWS, IntegrationMethod: GET, IntegrationUri: ${uri('dynamodb:action/GetItem')}`,
      '"IntegrationMethod" of "Put" is "GET", but DynamoDB only takes POST.\nWrite IntegrationMethod: POST.',
    ],
    [
      `IntegrationType: AWS, IntegrationUri: ${uri('dynamodb:action/GetItem')}`,
      '"IntegrationMethod" of "Put" is "", but DynamoDB only takes POST.\nWrite IntegrationMethod: POST.',
    ],
    [
      `IntegrationType: AWS, IntegrationMethod: POST, IntegrationUri: ${uri('dynamodb:action/GetItem')}`,
      '"Put" calls DynamoDB without a role, so DynamoDB would refuse each call.\nWrite CredentialsArn: !GetAtt YourRole.Arn.',
    ],
  ])('cannot be replaced by an integration with %s', async (properties, message) => {
    await expect(read('a', { resources: withPut(properties) })).rejects.toThrow(message);
  });
});
