import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startGateway } from '../src/dev/start-gateway.js';
import { readTemplate } from '../src/dev/template/read-template.js';
import { openConnection } from './open-connection.js';
import { gatecast, WEBSOCKET } from './run-command.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const chat = join(here, 'fixtures/sam/template.yaml');

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatecast-template-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
}

async function ask(url: string, message: object): Promise<unknown> {
  await using connection = await openConnection(url);
  connection.send(JSON.stringify(message));
  return JSON.parse(await connection.receive());
}

const send = { message: 'sendmessage', data: 'hello' };

describe('gatecast dev --template', () => {
  it('runs the routes, functions and stage of a template', async () => {
    await using running = gatecast([
      'dev',
      '--template',
      'fixtures/sam/template.yaml',
      '--port',
      '0',
    ]);
    const url = await running.printed(WEBSOCKET);
    expect(url).toMatch(/\/Prod$/);
    expect(await ask(url, send)).toEqual({
      data: 'hello',
      stageVariables: { tier: 'free' },
      variables: {
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
        AWS_LAMBDA_FUNCTION_NAME: 'local-send',
        LIMIT: '10',
        TABLE_NAME: 'chat_connections',
      },
    });
    expect(await ask(url, { message: 'ping' })).toEqual({ type: 'pong' });
    await running.printed(/^connected to chat_connections$/m);
    await running.printed(/ \$disconnect +\S+ +ok/);
    expect(running.output.stderr.trimEnd().split('\n')).toEqual([
      'Warning: Property "ReservedConcurrentExecutions" of "SendMessageFunction" (AWS::Serverless::Function) is ignored.',
      'Warning: "CleanUpFunction" (AWS::Serverless::Function) does not run locally: "Runtime" of "CleanUpFunction" is "python3.12", but only nodejs runs locally.',
    ]);
  });

  it('uses parameters, and conditions that depend on them', async () => {
    const parameters = ['--parameter', 'Protected=yes', '--parameter', 'StageName=beta'];
    await using running = gatecast(['dev', '--template', chat, '--port', '0', ...parameters]);
    const url = await running.printed(WEBSOCKET);
    expect(url).toMatch(/\/beta$/);
    await expect(openConnection(url)).rejects.toThrow('401');
    expect(await ask(`${url}?token=alice`, send)).toMatchObject({
      authorizer: { principalId: 'alice' },
    });
  });

  it('names the function that was reloaded', async () => {
    await cp(join(here, 'fixtures/sam'), directory, { recursive: true });
    await symlink(join(here, '../../../node_modules'), join(directory, 'node_modules'));
    const template = join(directory, 'template.yaml');
    await using running = gatecast(['dev', '--template', template, '--port', '0']);
    const url = await running.printed(WEBSOCKET);
    await using connection = await openConnection(url);
    const text = `exports.handler = async () => console.log('came after the change');`;
    await file('onconnect/app.js', text);
    await running.printed(/^\d\d:\S+ {2}OnConnectFunction reloaded$/m);
    connection.send(JSON.stringify(send));
    expect(JSON.parse(await connection.receive())).toMatchObject({ data: 'hello' });
    await expect(openConnection(url)).rejects.toThrow('502');
    await running.printed(/\tcame after the change$/m);
  });

  it.each([
    [
      ['--template', chat, 'app.ts'],
      '--template runs the functions of the template, so leave out "app.ts".',
    ],
    [['--template', chat, '--routes', 'a'], '--routes is for an entry file'],
    [['--template', chat, '--timeout', '9'], '--timeout is for an entry file'],
    [['--template', chat, '--parameter', 'x'], '--parameter takes Name=Value, not "x".'],
    [['--template', chat, '--handler', 'a.b'], '--handler is for an entry file'],
    [['--sam', chat], '--sam is called --template: gatecast dev --template template.yaml.'],
    [['app.ts', '--parameter', 'A=b'], '--parameter only works with --template'],
  ])('refuses %j', async (args, message) => {
    await using running = gatecast(['dev', ...args]);
    expect(await running.code).toBe(2);
    expect(running.output.stderr).toContain(message);
  });
});

const FUNCTION_URI =
  "!Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations'";

const small = `
Transform: AWS::Serverless-2016-10-31
Parameters:
  Plain: { Type: String, Default: plain }
  List: { Type: CommaDelimitedList, Default: 'a, b' }
  Missing: { Type: String }
Mappings: { Sizes: { dev: { memory: 192 } } }
Conditions:
  IsPlain: !Equals [!Ref Plain, plain]
  IsOther: !Not [!Condition IsPlain]
  Both: !And [!Condition IsPlain, !Not [!Condition IsOther]]
  Either: !Or [!Condition IsOther, !Equals [1, 2]]
Resources:
  Api: { Type: AWS::ApiGatewayV2::Api, Properties: { ProtocolType: WEBSOCKET } }
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Api, RouteKey: $default, Target: !Sub 'integrations/\${Integration}' }
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: { ApiId: !Ref Api, IntegrationType: AWS_PROXY, IntegrationUri: ${FUNCTION_URI} }
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src
      Handler: app.handler
      Runtime: nodejs22.x
      Environment: { Variables: { VALUE: text } }
  Queue: { Type: AWS::SQS::Queue, Condition: Both }
`;

/** The small template with a change. */
async function changed(from: string, to: string): ReturnType<typeof readTemplate> {
  const template = small.replace(from, () => to);
  if (!small.includes(from)) throw new Error(`The template has no "${from}".`);
  await file('src/app.js', 'exports.handler = async () => ({ statusCode: 200 });');
  const options = { parameters: {}, stage: undefined };
  return readTemplate(await file('template.yaml', template), options);
}

describe('a template', () => {
  it.each([
    ['"some text"', 'some text'],
    ['12', '12'],
    ['true', 'true'],
    ['!Ref Plain', 'plain'],
    ['!Ref Queue', 'https://sqs.us-east-1.amazonaws.com/123456789012/Queue'],
    ['!GetAtt Queue.Arn', 'arn:aws:sqs:us-east-1:123456789012:Queue'],
    ['!GetAtt [Queue, QueueName]', 'Queue'],
    ['!Ref Api', 'local00000'],
    ['!Ref Fn', 'Fn'],
    ['!GetAtt Fn.Arn', 'arn:aws:lambda:us-east-1:123456789012:function:Fn'],
    ['!GetAtt Api.ApiEndpoint', 'wss://local00000.execute-api.us-east-1.amazonaws.com'],
    ['!Ref AWS::StackName', 'local'],
    [
      "!Sub '${Plain}-${Queue.Arn}-${!Literal}'",
      'plain-arn:aws:sqs:us-east-1:123456789012:Queue-${Literal}',
    ],
    ["!Sub ['${A}/${Plain}', { A: !Ref AWS::Region }]", 'us-east-1/plain'],
    ["!Join ['-', [a, !Ref Plain, !Ref AWS::NoValue]]", 'a-plain'],
    ['!Select [1, !Ref List]', 'b'],
    ["!Select [1, !Split ['/', 'x/y/z']]", 'y'],
    ['!FindInMap [Sizes, dev, memory]', '192'],
    ['!If [IsPlain, one, other]', 'one'],
    ['!If [IsOther, one, other]', 'other'],
    ['!If [Both, one, other]', 'one'],
    ['!If [Either, one, other]', 'other'],
    ['!Base64 hello', 'aGVsbG8='],
    ['!Length [a, b, c]', '3'],
    ['!ToJsonString { a: !Ref Plain }', '{"a":"plain"}'],
    ['{ Ref: Plain }', 'plain'],
    [
      "{ 'Fn::Join': ['+', [a, { 'Fn::GetAtt': [Queue, Arn] }]] }",
      'a+arn:aws:sqs:us-east-1:123456789012:Queue',
    ],
  ])('gives a variable the value of %s', async (value, expected) => {
    const { options } = await changed('VALUE: text', `VALUE: ${value}`);
    expect(options.functions?.['Fn']?.environment).toEqual({ VALUE: expected });
  });

  it('leaves out a variable that is AWS::NoValue', async () => {
    const { options } = await changed('VALUE: text', 'VALUE: !Ref AWS::NoValue, OTHER: a');
    expect(options.functions?.['Fn']?.environment).toEqual({ OTHER: 'a' });
  });

  it('lets variables of the shell override those of the template', async () => {
    vi.stubEnv('VALUE', 'from the shell');
    vi.stubEnv('AWS_PROFILE', 'production');
    const { options } = await changed('VALUE: text', 'VALUE: text, AWS_PROFILE: none');
    const { environment } = options.functions?.['Fn'] ?? {};
    expect(environment).toEqual({ VALUE: 'from the shell', AWS_PROFILE: 'none' });
  });

  it('may be JSON', async () => {
    const resources = {
      Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { ProtocolType: 'WEBSOCKET' } },
    };
    const template = await file('template.json', JSON.stringify({ Resources: resources }));
    const { options } = await readTemplate(template, { parameters: {}, stage: 'dev' });
    expect(options).toMatchObject({ routes: [], functions: {}, stage: 'dev' });
  });

  it("has Lambda's own defaults", async () => {
    const { options } = await changed('', '');
    expect(options.functions?.['Fn']).toMatchObject({ timeoutMs: 3_000, memoryMb: 128 });
  });

  it('answers a message only with the expression and the route response (row 5.1)', async () => {
    const response = `
  Response:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: { ApiId: !Ref Api, RouteId: !Ref Route, RouteResponseKey: $default }
  Fn:`;
    const expression = 'RouteKey: $default, RouteResponseSelectionExpression: $default,';
    expect((await changed('\n  Fn:', response)).options.routes).toMatchObject([{ twoWay: false }]);
    expect((await changed('RouteKey: $default,', expression)).options.routes).toMatchObject([
      { twoWay: false },
    ]);
  });

  it.each([
    ['app.ts', 'app.handler'],
    ['app.mts', 'app.handler'],
    ['app.js', 'app.handler'],
    ['app.mjs', 'app.handler'],
    ['app.cjs', 'app.handler'],
    ['app/index.ts', 'app.handler'],
    ['lib/chat.ts', 'lib/chat.handler'],
  ])('finds %s for the handler %s', async (name, handler) => {
    const path = await file(join('src', name), 'export const handler = async () => {};');
    const text = small.replace('app.handler', handler);
    const template = await file('template.yaml', text);
    const { options } = await readTemplate(template, { parameters: {}, stage: undefined });
    expect(options.functions?.['Fn']).toMatchObject({ entry: path, handler: 'handler' });
  });

  it('lists the tried files if the source of a function is missing', async () => {
    const error: unknown = await changed('CodeUri: src', 'CodeUri: lib').catch((e: unknown) => e);
    const looked = ['app.ts', 'app.mts', 'app.cts', 'app.js', 'app.mjs', 'app.cjs'];
    expect(error).toMatchObject({
      code: 'ERR_ENTRY_NOT_FOUND',
      message: expect.stringContaining(
        looked.map((name) => `  ${join(directory, 'lib', name)}\n`).join(''),
      ),
      hint: expect.stringContaining('Correct its Handler ("app.handler")'),
    });
  });
});

describe('a template sets for its routes', () => {
  it('the templates of a mock integration', async () => {
    const { options } = await changed(
      `IntegrationType: AWS_PROXY, IntegrationUri: ${FUNCTION_URI} }`,
      `IntegrationType: MOCK, RequestTemplates: { $default: '{"statusCode":200}' }, TemplateSelectionExpression: \\$default }
  Answer:
    Type: AWS::ApiGatewayV2::IntegrationResponse
    Properties:
      ApiId: !Ref Api
      IntegrationId: !Ref Integration
      IntegrationResponseKey: $default
      TemplateSelectionExpression: \\$default
      ResponseTemplates: { $default: '{"id":"$context.connectionId"}' }`,
    );
    expect(options.routes).toMatchObject([
      {
        integration: {
          type: 'MOCK',
          responses: [{ responseTemplates: { $default: '{"id":"$context.connectionId"}' } }],
        },
      },
    ]);
  });
});

describe('a template warns', () => {
  const warningsOf = async (from: string, to: string) => (await changed(from, to)).warnings;

  it('for each resource that does not run, except for those without a local effect', async () => {
    const more = `
  Role: { Type: AWS::IAM::Role }
  HttpApi: { Type: AWS::ApiGatewayV2::Api, Properties: { ProtocolType: HTTP } }
  HttpRoute: { Type: AWS::ApiGatewayV2::Route, Properties: { ApiId: !Ref HttpApi, RouteKey: 'GET /' } }
  Fn:`;
    expect(await warningsOf('\n  Fn:', more)).toEqual([
      'The HTTP API "HttpApi" does not run here.',
      '"Queue" (AWS::SQS::Queue) does not run locally.',
    ]);
  });

  it.each([
    ['RouteKey: $default,', 'RouteKey: $default, Colour: red,', '"Colour" of "Route"'],
    ['CodeUri: src', 'CodeUri: src\n      Layers: [x]', '"Layers" of "Fn"'],
    ['Mappings:', 'Globals: { Api: { Cors: true } }\nMappings:', '"Globals.Api" is ignored'],
  ])('for an ignored property if %s becomes %s', async (from, to, warning) => {
    expect(await warningsOf(from, to)).toContainEqual(expect.stringContaining(warning));
  });
});

describe('a template is refused', () => {
  it.each([
    ['Mappings:', 'Mappings: ]', 'cannot be read.', ''],
    ['VALUE: text', 'VALUE: !Secret text', 'Unresolved tag: !Secret', ''],
    ['ProtocolType: WEBSOCKET', 'ProtocolType: HTTP', 'has no WebSocket API', 'WEBSOCKET'],
    [
      'VALUE: text',
      'VALUE: !Ref Missing',
      'of "Fn" needs the parameter "Missing"',
      '--parameter M',
    ],
    ['VALUE: text', 'VALUE: !Ref Nobody', 'refers to "Nobody"', 'Correct the name'],
    ['VALUE: text', 'VALUE: !Ref List', '"Environment.Variables.VALUE" of "Fn" is ["a","b"]', ''],
    ['VALUE: text', 'VALUE: !If [Never, a, b]', 'refers to the condition "Never"', '"Conditions"'],
    [
      '!Equals [!Ref Plain, plain]',
      '!Or [!Condition IsPlain, !Equals [1, 1]]',
      'The condition "IsPlain" refers to itself: "IsPlain" -> "IsPlain".',
      'Remove it',
    ],
    [
      '!Equals [!Ref Plain, plain]',
      '!Not [!Condition IsOther]',
      'The condition "IsPlain" refers to itself: "IsPlain" -> "IsOther" -> "IsPlain".',
      'Remove it',
    ],
    ['VALUE: text', 'VALUE: !FindInMap [Sizes, prod, memory]', '"Sizes" / "prod" / "mem', 'Add it'],
    ['VALUE: text', 'VALUE: !Cidr [a, 1, 2]', 'uses Fn::Cidr', 'Write its value'],
    ['${Integration}', '${Fn}', '"Target" of "Route" is "integrations/Fn"', 'Target: !Join'],
    [', Target:', ', Targets:', '"Route" (AWS::ApiGatewayV2::Route) has no "Target"', '!Join'],
    ['functions/${Fn.Arn}', 'functions/${Fn}', '"IntegrationUri" of "Integration"', '${YourFun'],
    ['functions/${Fn.Arn}', 'functions/${Fn.Arn}x', 'the function "Fnx", which', 'Add it as'],
    ['AWS_PROXY', 'HTTP_PROXY', '"IntegrationType" of "Integration" is "HTTP_PROXY"', 'AWS_PROXY'],
    ['nodejs22.x', 'python3.12', '"Runtime" of "Fn" is "python3.12"', 'Condition'],
    [
      'Handler: app.handler',
      'Timeout: 3',
      '"Fn" (AWS::Serverless::Function) has no "Handler"',
      'FILE',
    ],
    ['Handler: app.handler', 'Handler: app', '"Handler" of "Fn" is "app"', 'src/app.handler'],
    ['CodeUri: src', 'CodeUri: s3://bucket/key', '"CodeUri" of "Fn" is "s3://', 'CodeUri: src'],
    [
      'CodeUri: src',
      'CodeUri: src\n      Timeout: soon',
      '"Timeout" of "Fn" is "soon", not a number',
      '',
    ],
  ])('when %s becomes %s', async (from, to, message, hint) => {
    const error: unknown = await changed(from, to).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'ERR_TEMPLATE_INVALID' });
    expect(error).toMatchObject({ message: expect.stringContaining(message) });
    expect(error).toMatchObject({ message: expect.stringContaining(hint) });
  });

  it('if it does not exist', async () => {
    const reading = readTemplate('nowhere.yaml', { parameters: {}, stage: undefined });
    await expect(reading).rejects.toThrow('The template "nowhere.yaml" cannot be read');
  });

  it('if it has no parameter or stage with that name', async () => {
    const unknown = readTemplate(chat, { parameters: { Tier: 'x' }, stage: undefined });
    await expect(unknown).rejects.toThrow('no parameter "Tier".\nIt has: TableName, StageName');
    const stage = readTemplate(chat, { parameters: {}, stage: 'test' });
    await expect(stage).rejects.toThrow('The API has no stage "test", only "Prod".');
  });
});

it('a template starts in a test the same way as on the command line', async () => {
  const { options } = await readTemplate(chat, { parameters: {}, stage: 'Prod' });
  await using gateway = await startGateway({ ...options, quiet: true });
  expect(await ask(gateway.url, { message: 'ping' })).toEqual({ type: 'pong' });
}, 20_000);
