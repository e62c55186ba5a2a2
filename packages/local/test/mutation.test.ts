// `gatecast mutate`: what a template does not need, or a session does not notice.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mutantsOf } from '../src/dev/mutation/mutants.js';
import { noticed } from '../src/dev/mutation/session.js';
import { parseTemplate } from '../src/dev/template/parse-template.js';
import { startGatecast } from './gatecast-command.js';

const code = `
exports.handler = async ({ requestContext, body }) => {
  if (requestContext.routeKey === '$disconnect') return { statusCode: 200 };
  return { statusCode: 200, body: (process.env.GREETING ?? '') + (body ?? '') };
};`;

const TEMPLATE = {
  Resources: {
    Role: {
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
    },
    Policy: {
      Type: 'AWS::IAM::Policy',
      Properties: {
        PolicyName: 'own',
        Roles: [{ Ref: 'Role' }],
        PolicyDocument: {
          Statement: [
            { Effect: 'Allow', Action: ['logs:PutLogEvents', 'sqs:SendMessage'], Resource: '*' },
            {
              Effect: 'Allow',
              Action: 'execute-api:ManageConnections',
              Resource: ['arn:aws:execute-api:*:*:*/a/*', 'arn:aws:execute-api:*:*:*/b/*'],
            },
          ],
        },
      },
    },
    Function: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        Code: { ZipFile: code },
        Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
        MemorySize: 256,
        Environment: { Variables: { GREETING: 'Hello, ', UNUSED: 'x' } },
      },
    },
    Permission: {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        Action: 'lambda:InvokeFunction',
        FunctionName: { Ref: 'Function' },
        Principal: 'apigateway.amazonaws.com',
      },
    },
    Api: {
      Type: 'AWS::ApiGatewayV2::Api',
      Properties: {
        Name: 'echo',
        ProtocolType: 'WEBSOCKET',
        RouteSelectionExpression: '$request.body.action',
      },
    },
    Integration: {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: {
        ApiId: { Ref: 'Api' },
        IntegrationType: 'AWS_PROXY',
        IntegrationUri: {
          'Fn::Sub':
            'arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/${Function.Arn}/invocations',
        },
      },
    },
    Greet: {
      Type: 'AWS::ApiGatewayV2::Route',
      Properties: {
        ApiId: { Ref: 'Api' },
        RouteKey: 'greet',
        RouteResponseSelectionExpression: '$default',
        Target: { 'Fn::Sub': 'integrations/${Integration}' },
      },
    },
    GreetResponse: {
      Type: 'AWS::ApiGatewayV2::RouteResponse',
      Properties: {
        ApiId: { Ref: 'Api' },
        RouteId: { Ref: 'Greet' },
        RouteResponseKey: '$default',
      },
    },
    Stage: {
      Type: 'AWS::ApiGatewayV2::Stage',
      Properties: { ApiId: { Ref: 'Api' }, StageName: 'dev', AutoDeploy: true },
    },
  },
};

const SESSION = `
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { WebSocket } from 'ws';

export default async function ({ url }) {
  const socket = new WebSocket(url);
  try {
    await once(socket, 'open');
    socket.send('{"action":"greet"}');
    const [text] = await once(socket, 'message');
    assert.equal(String(text), 'Hello, {"action":"greet"}');
  } finally {
    socket.close();
  }
}
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatecast-mutation-'));
  const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));
  await symlink(modules, join(folder, 'node_modules'), 'junction');
  await writeFile(join(folder, 'template.json'), JSON.stringify(TEMPLATE));
  await writeFile(join(folder, 'session.mjs'), SESSION);
  await writeFile(
    join(folder, 'fails.mjs'),
    "export default async () => { throw new Error('No.'); };",
  );
  await writeFile(
    join(folder, 'varies.mjs'),
    `import session from './session.mjs';
    let runs = 0;
    export default async (gateway) => { runs += 1; if (runs === 1) await session(gateway); };`,
  );
});
afterAll(() => rm(folder, { recursive: true }));

const mutate = async (...args: string[]) => {
  const source = args.includes('--template') ? [] : ['--template', 'template.json'];
  await using running = startGatecast(['mutate', ...source, ...args], { cwd: folder });
  return await running.ended;
};

describe('the mutants of a template', () => {
  const mutants = mutantsOf(parseTemplate(JSON.stringify(TEMPLATE), 'template.json'));

  it('lack one part each', () => {
    expect(mutants.map(({ name }) => name)).toEqual([
      'Policy (Policy)',
      'Policy: statement 1 (logs:PutLogEvents, …)',
      'Policy: action logs:PutLogEvents of statement 1',
      'Policy: action sqs:SendMessage of statement 1',
      'Policy: statement 2 (execute-api:ManageConnections)',
      'Policy: resource arn:aws:execute-api:*:*:*/a/* of statement 2',
      'Policy: resource arn:aws:execute-api:*:*:*/b/* of statement 2',
      'Function: property MemorySize (is 256)',
      'Function: property Environment',
      'Function: property Environment.Variables.GREETING',
      'Function: property Environment.Variables.UNUSED',
      'Permission (Permission)',
      'Greet (Route)',
      'Greet: property RouteResponseSelectionExpression (is "$default")',
      'GreetResponse (RouteResponse)',
      'Stage: property AutoDeploy (is true)',
    ]);
  });

  it('are valid: a route goes with its response, and the rest stays', () => {
    const without = (name: string) => {
      const { template } = mutants.find((mutant) => mutant.name === name) as (typeof mutants)[0];
      return Object.keys(TEMPLATE.Resources).filter((id) => !template.resources.has(id));
    };
    expect(without('Greet (Route)')).toEqual(['Greet', 'GreetResponse']);
    expect(without('GreetResponse (RouteResponse)')).toEqual(['GreetResponse']);
    expect(without('Policy: statement 1 (logs:PutLogEvents, …)')).toEqual([]);
  });

  it('differ from the template in that part alone', () => {
    const name = 'Policy: action sqs:SendMessage of statement 1';
    const { template } = mutants.find((mutant) => mutant.name === name) as (typeof mutants)[0];
    const { PolicyDocument } = template.resources.get('Policy')?.properties ?? {};
    const [first, second] = TEMPLATE.Resources.Policy.Properties.PolicyDocument.Statement;
    expect(PolicyDocument).toEqual({
      Statement: [{ ...first, Action: ['logs:PutLogEvents'] }, second],
    });
    for (const id of ['Role', 'Function', 'Api']) {
      expect(template.resources.get(id)?.properties).toEqual(
        TEMPLATE.Resources[id as 'Role'].Properties,
      );
    }
  });
});

/** The mutants of a template with these resources, by name. */
const mutantsWith = (Resources: object) => {
  const template = parseTemplate(JSON.stringify({ Resources }), 'template.json');
  const mutants = mutantsOf(template);
  const found = new Map(mutants.map(({ name, template: { resources } }) => [name, resources]));
  expect(found.size).toBe(mutants.length);
  return found;
};

describe('the mutant', () => {
  it('without a managed policy keeps the role, and the function that has it', () => {
    const statement = { Effect: 'Allow', Action: 'dynamodb:GetItem', Resource: '*' };
    const mutants = mutantsWith({
      Own: {
        Type: 'AWS::IAM::ManagedPolicy',
        Properties: { PolicyDocument: { Statement: [statement] } },
      },
      Role: {
        Type: 'AWS::IAM::Role',
        Properties: {
          AssumeRolePolicyDocument: {},
          ManagedPolicyArns: [{ Ref: 'Own' }, 'arn:aws:iam::aws:policy/AdministratorAccess'],
          PermissionsBoundary: { Ref: 'Own' },
        },
      },
      Function: {
        Type: 'AWS::Lambda::Function',
        Properties: { Role: { 'Fn::GetAtt': ['Role', 'Arn'] } },
      },
    });
    const resources = mutants.get('Own (ManagedPolicy)');
    expect([...(resources?.keys() ?? [])]).toEqual(['Role', 'Function']);
    expect(resources?.get('Role')?.properties).toEqual({
      AssumeRolePolicyDocument: {},
      ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'],
    });
  });

  it('without an index is a table that DynamoDB takes', () => {
    const key = (AttributeName: string, KeyType = 'HASH') => ({ AttributeName, KeyType });
    const index = (IndexName: string, ...KeySchema: object[]) => ({ IndexName, KeySchema });
    const mutants = mutantsWith({
      Table: {
        Type: 'AWS::DynamoDB::Table',
        Properties: {
          AttributeDefinitions: ['pk', 'a', 'b'].map((AttributeName) => ({
            AttributeName,
            AttributeType: 'S',
          })),
          KeySchema: [key('pk')],
          GlobalSecondaryIndexes: [index('A', key('a')), index('AB', key('a'), key('b', 'RANGE'))],
        },
      },
    });
    const typed = [...mutants].map(([name, resources]) => {
      const { AttributeDefinitions } = (resources.get('Table')?.properties ?? {}) as {
        AttributeDefinitions: { AttributeName: string }[];
      };
      return [name, AttributeDefinitions.map(({ AttributeName }) => AttributeName).join()];
    });
    expect(typed).toEqual([
      ['Table: property GlobalSecondaryIndexes', 'pk'],
      ['Table: entry 1 of GlobalSecondaryIndexes', 'pk,a,b'],
      ['Table: entry 2 of GlobalSecondaryIndexes', 'pk,a'],
      ['Table: entry 1 of GlobalSecondaryIndexes[1].KeySchema', 'pk,a,b'],
      ['Table: entry 2 of GlobalSecondaryIndexes[1].KeySchema', 'pk,a'],
    ]);
  });

  it('of one of several policies of a role has a name of its own', () => {
    const Action = ['dynamodb:GetItem', 'dynamodb:PutItem'];
    const PolicyDocument = { Statement: [{ Effect: 'Allow', Action, Resource: '*' }] };
    const Properties = {
      AssumeRolePolicyDocument: {},
      Policies: [{ PolicyDocument }, { PolicyDocument }],
    };
    const mutants = mutantsWith({ Role: { Type: 'AWS::IAM::Role', Properties } });
    expect([...mutants.keys()]).toContain(
      'Role: action dynamodb:PutItem of statement 1 of Policies[1]',
    );
  });

  it('of an API of SAM lacks a route', () => {
    const FunctionArn = { 'Fn::GetAtt': ['Function', 'Arn'] };
    const Routes = {
      $connect: { FunctionArn },
      greet: { FunctionArn, ModelSelectionExpression: 'x' },
    };
    const Properties = {
      RouteSelectionExpression: '$request.body.action',
      Routes,
      StageName: 'dev',
    };
    const Api = { Type: 'AWS::Serverless::WebSocketApi', Properties };
    const mutants = mutantsWith({ Api });
    expect([...mutants.keys()]).toEqual([
      'Api: property Routes.$connect',
      'Api: property Routes.greet',
      'Api: property StageName (is "dev")',
    ]);
    expect(mutants.get('Api: property Routes.greet')?.get('Api')?.properties).toEqual({
      ...Properties,
      Routes: { $connect: { FunctionArn } },
    });
  });
});

describe('a mutant is noticed', () => {
  const original = {
    refused: ['a:b by C'],
    results: ['$connect ok', 'greet ok'],
    items: 2,
    longestWaitMs: 0,
  };

  it.each([
    ['by the session', { failure: 'No.' }, 'the session: No.'],
    ['by IAM', { refused: ['a:b by C', 'd:e by F'] }, 'IAM: refused d:e by F'],
    [
      'by a failure',
      { results: ['$connect ok', 'greet failed', 'greet ok'] },
      'the gateway: greet failed',
    ],
    ['by what is missing', { results: ['$connect ok'] }, 'the gateway: no greet ok'],
    ['by the tables', { items: 3 }, 'the tables: 3 items in place of 2'],
    ['by nobody', {}, undefined],
  ])('%s', (_how, changes, reason) => {
    expect(noticed({ ...original, ...changes }, original)).toBe(reason);
  });
});

describe('gatecast mutate', () => {
  it('lists what nobody notices, and ends with 1', { timeout: 120_000 }, async () => {
    const {
      code: exitCode,
      stdout,
      stderr,
    } = await mutate('--session', 'session.mjs', '--only', 'Function');
    expect(stdout).toContain('unnoticed  Function: property Environment.Variables.UNUSED');
    expect(stdout).toMatch(
      /noticed +Function: property Environment\.Variables\.GREETING \(the session: /,
    );
    expect(stdout).toMatch(/exempt +Function: property MemorySize \(is 256\)/);
    expect(stdout).toContain('Parts: 2 noticed, 1 exempt, 1 unnoticed.');
    expect(stderr).toContain('  Function: property Environment.Variables.UNUSED\n');
    expect(exitCode).toBe(1);
  });

  it('awaits what comes after the session, such as a slow $disconnect', async () => {
    const slow = code.replace(
      "=== '$disconnect')",
      "=== '$disconnect') await new Promise((resolve) => setTimeout(resolve, 700));\n  if (body === undefined)",
    );
    const { Resources } = TEMPLATE;
    const { Function: lambda, Greet } = Resources;
    const Code = { ZipFile: slow };
    const changed = {
      ...Resources,
      Function: { ...lambda, Properties: { ...lambda.Properties, Code } },
      Bye: { ...Greet, Properties: { ...Greet.Properties, RouteKey: '$disconnect' } },
    };
    await mkdir(join(folder, 'slow'), { recursive: true });
    const file = join(folder, 'slow', 'template.json');
    await writeFile(file, JSON.stringify({ Resources: changed }));
    const { stdout } = await mutate(
      '--template',
      file,
      '--session',
      'session.mjs',
      '--only',
      'Variables.UNUSED',
    );
    expect(stdout).toContain('Parts: 0 noticed, 0 exempt, 1 unnoticed.');
    const { stdout: route } = await mutate(
      '--template',
      file,
      '--session',
      'session.mjs',
      '--only',
      'Bye (Route)',
    );
    expect(route).toContain('noticed    Bye (Route) (the gateway: no $disconnect ok)');
  }, 120_000);

  it('ends with 0 when the rest is exempt', { timeout: 120_000 }, async () => {
    const name = 'Function: property Environment.Variables.UNUSED';
    await writeFile(join(folder, 'exempt.json'), JSON.stringify({ [name]: 'it is for people' }));
    const { code: exitCode, stdout } = await mutate(
      '--session',
      'session.mjs',
      '--only',
      'UNUSED',
      '--exempt',
      'exempt.json',
    );
    expect(stdout).toContain(`exempt     ${name} (it is for people)`);
    expect(exitCode).toBe(0);
  });

  it('notices what lacks a route or its response', { timeout: 120_000 }, async () => {
    const { stdout } = await mutate('--session', 'session.mjs', '--only', 'Greet');
    expect(stdout).toContain('Parts: 3 noticed, 0 exempt, 0 unnoticed.');
  });

  it('ends although a session that was given up goes on', { timeout: 120_000 }, async () => {
    const goesOn = `${SESSION}\nsetInterval(() => {}, 1_000);\n`;
    await writeFile(join(folder, 'goes-on.mjs'), goesOn);
    const { code: exitCode } = await mutate('--session', 'goes-on.mjs', '--only', 'GreetResponse');
    expect(exitCode).toBe(0);
  });

  it.each([
    [['--session', 'fails.mjs'], 1, /The session fails with the template as it is: No\./],
    [
      ['--session', 'varies.mjs'],
      1,
      /the session is not the same each time: the gateway: no greet ok/,
    ],
    [[], 2, /--session is missing/],
    [['--session', 'none.mjs'], 2, /"none.mjs", which cannot be loaded/],
    [['--session', 'session.mjs', '--exempt', 'none.json'], 2, /"none.json", which cannot be read/],
    [
      ['--session', 'session.mjs', '--exempt', 'template.json'],
      2,
      /an object of names with reasons/,
    ],
  ])('says what is wrong with %j', { timeout: 60_000 }, async (args, exitCode, message) => {
    const result = await mutate(...args);
    expect(result.stderr).toMatch(message);
    expect(result.code).toBe(exitCode);
  });
});
