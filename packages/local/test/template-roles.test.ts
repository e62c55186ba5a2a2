// The roles and permissions of a template.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ReadTemplate, readStacks } from '../src/dev/template/read-template.js';
import { loadTemplate } from '../src/dev/template/stack.js';
import type { Role } from '../src/iam/role.js';
import { TemplateFolder } from './template-folder.js';

const account = 'arn:aws:iam::123456789012';
const uri = (alias = '') =>
  `!Sub 'arn:aws:apigateway:\${AWS::Region}:lambda:path/2015-03-31/functions/\${Fn.Arn}${alias}/invocations'`;
const trust = (service: string) =>
  `{ Statement: [{ Effect: Allow, Principal: { Service: ${service} }, Action: sts:AssumeRole }] }`;

const template = `
Transform: AWS::Serverless-2016-10-31
Parameters: { IsLoud: { Type: String, Default: 'yes' } }
Conditions: { Loud: !Equals [!Ref IsLoud, 'yes'] }
Resources:
  Api: { Type: AWS::ApiGatewayV2::Api, Properties: { ProtocolType: WEBSOCKET } }
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Api, RouteKey: $default, Target: !Sub 'integrations/\${Integration}' }
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: { ApiId: !Ref Api, IntegrationType: AWS_PROXY, IntegrationUri: ${uri()} }
  Fn:
    Type: AWS::Lambda::Function
    Properties: { Handler: app.handler, Runtime: nodejs24.x, Code: ., Role: !GetAtt Role.Arn }
  Role:
    Type: AWS::IAM::Role
    Properties:
      Path: /app/
      AssumeRolePolicyDocument: ${trust('lambda.amazonaws.com')}
  Table: { Type: AWS::Serverless::SimpleTable }
`;

interface Change {
  readonly from?: string;
  readonly to?: string;
  /** Further resources. */
  readonly resources?: string;
}

async function read({ from = '', to = '', resources = '' }: Change): Promise<ReadTemplate> {
  const text = template.replace(from, () => to) + resources;
  const files = { 'template.yaml': text, 'app.js': 'exports.handler = async () => {};' };
  await using folder = await TemplateFolder.with(files);
  return await folder.read();
}

const roleOf = ({ options }: ReadTemplate): Role | undefined =>
  options.functions?.['Fn']?.permissions as Role | undefined;

/** The sources of a role's policies, with their actions. */
const policiesOf = (read: ReadTemplate): unknown =>
  roleOf(read)?.policies.map(({ source, document }) => [
    source,
    document.Statement.flatMap(({ Action }) => Action),
  ]);

const policy = (action: string) =>
  `{ Version: '2012-10-17', Statement: [{ Effect: Allow, Action: ${action}, Resource: !GetAtt Table.Arn }] }`;

/** The function as one of SAM, which makes the role. */
const sam = (properties: string): Change => ({
  from: `Type: AWS::Lambda::Function
    Properties: { Handler: app.handler, Runtime: nodejs24.x, Code: ., Role: !GetAtt Role.Arn }`,
  to: `Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      ${properties}`,
});

describe('the role of a function', () => {
  it('has its ARN, with its path, and the service that may assume it', async () => {
    const role = roleOf(await read({}));
    expect(role).toMatchObject({
      arn: `${account}:role/app/Role`,
      policies: [],
      boundary: undefined,
    });
    expect(role?.trust?.source).toBe('"AssumeRolePolicyDocument" of "Role"');
  });

  it('has the policies of all resources that name it', async () => {
    const found = await read({
      from: 'Path: /app/',
      to: `Path: /app/
      Policies: [{ PolicyName: Own, PolicyDocument: ${policy('dynamodb:GetItem')} }]
      ManagedPolicyArns: [!Ref Shared, 'arn:aws:iam::aws:policy/AmazonSQSFullAccess', 'arn:aws:iam::aws:policy/Other']`,
      resources: `
  Attached: { Type: AWS::IAM::Policy, Properties: { PolicyName: A, Roles: [!Ref Other, !Ref Role], PolicyDocument: ${policy('dynamodb:PutItem')} } }
  Single: { Type: AWS::IAM::RolePolicy, Properties: { PolicyName: B, RoleName: !Ref Role, PolicyDocument: ${policy('dynamodb:Query')} } }
  Shared: { Type: AWS::IAM::ManagedPolicy, Properties: { PolicyDocument: ${policy('dynamodb:Scan')} } }
  Joined: { Type: AWS::IAM::ManagedPolicy, Properties: { Roles: [!Ref Role], PolicyDocument: ${policy('sqs:SendMessage')} } }
  Other: { Type: AWS::IAM::Role, Properties: { AssumeRolePolicyDocument: ${trust('lambda.amazonaws.com')} } }
  Foreign: { Type: AWS::IAM::Policy, Properties: { PolicyName: C, Roles: [!Ref Other], PolicyDocument: ${policy('dynamodb:DeleteItem')} } }
`,
    });
    expect(policiesOf(found)).toEqual([
      ['"Policies[0]" of "Role"', ['dynamodb:GetItem']],
      ['"PolicyDocument" of "Attached"', ['dynamodb:PutItem']],
      ['"PolicyDocument" of "Single"', ['dynamodb:Query']],
      ['"PolicyDocument" of "Shared"', ['dynamodb:Scan']],
      ['the managed policy "AmazonSQSFullAccess"', ['sqs:*']],
      ['"PolicyDocument" of "Joined"', ['sqs:SendMessage']],
    ]);
    expect(roleOf(found)?.unknownPolicies).toEqual(['arn:aws:iam::aws:policy/Other']);
    expect(roleOf(found)?.policies[0]?.document.Statement).toMatchObject([
      { Resource: 'arn:aws:dynamodb:us-east-1:123456789012:table/Table' },
    ]);
    expect(found.warnings).toEqual([]);
  });

  it('has its boundary, or a warning if nobody knows it', async () => {
    const boundary = (arn: string): Change => ({
      from: 'Path: /app/',
      to: `PermissionsBoundary: ${arn}`,
      resources: `
  Limit: { Type: AWS::IAM::ManagedPolicy, Properties: { PolicyDocument: ${policy('dynamodb:*')} } }
`,
    });
    const own = await read(boundary('!Ref Limit'));
    expect(roleOf(own)?.boundary?.source).toBe('"PolicyDocument" of "Limit"');
    expect(own.warnings).toEqual([]);
    const foreign = await read(boundary(`'${account}:policy/Limit2'`));
    expect(roleOf(foreign)?.boundary).toBeUndefined();
    expect(foreign.warnings).toEqual([
      `The permissions boundary "${account}:policy/Limit2" of "Role" is in no template here, so it takes nothing away.`,
    ]);
  });

  it.each([
    [`'${account}:role/Elsewhere'`, `${account}:role/Elsewhere`],
    ['!ImportValue shared-role', '${shared-role}'],
  ])('is named in a warning if it is in no template: %s', async (Role, shown) => {
    const found = await read({ from: '!GetAtt Role.Arn', to: Role });
    expect(roleOf(found)).toBeUndefined();
    expect(found.warnings).toEqual([
      `The role "${shown}" of the function "Fn" is in no template here, so it may do everything.`,
    ]);
  });

  it('leads to a warning if it is missing, because CloudFormation refuses that', async () => {
    const found = await read({ from: ', Role: !GetAtt Role.Arn', to: '' });
    expect(found.warnings).toEqual([
      '"Fn" (AWS::Lambda::Function) has no "Role", which CloudFormation refuses. Here it may do everything.',
    ]);
  });

  it('has to trust Lambda, as CreateFunction wants', async () => {
    const wrong = { from: trust('lambda.amazonaws.com'), to: trust('ec2.amazonaws.com') };
    await expect(read(wrong)).rejects.toThrow(
      'The role of "Fn" cannot be assumed by Lambda, so CreateFunction refuses it: "AssumeRolePolicyDocument" of "Role" does not allow sts:AssumeRole to "lambda.amazonaws.com".\n' +
        'Let it: Principal: { Service: lambda.amazonaws.com }, Action: sts:AssumeRole.',
    );
  });

  it('may have statements that cannot be evaluated, which are named if they matter', async () => {
    const statement = (action: string, resource: string, condition = '') =>
      `{ Effect: Allow, Action: ${action}, Resource: ${resource}${condition} }`;
    const tagged = ', Condition: { StringEquals: { aws:PrincipalTag/team: a } }';
    const found = await read({
      resources: `
  Pool: { Type: AWS::Cognito::UserPool }
  Attached:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: A
      Roles: [!Ref Role]
      PolicyDocument:
        Version: '2012-10-17'
        Statement:
          - ${statement('s3:GetObject', "'*'", tagged)}
          - ${statement('cognito-idp:ListUsers', '!GetAtt Pool.Arn')}
          - ${statement('dynamodb:GetItem', "'*'", tagged)}
`,
    });
    expect(found.warnings).toEqual([
      '"Pool" (AWS::Cognito::UserPool) does not run locally.',
      expect.stringMatching(
        /^Statement\[2\] of "PolicyDocument" of "Attached" has the condition key "aws:PrincipalTag\/team".*\. Calls that it would decide on are refused here\.$/,
      ),
    ]);
  });
});

describe('the role that SAM makes', () => {
  it('has what SAM gives every function, and its policies of all kinds', async () => {
    const found = await read(
      sam(`VpcConfig: { SubnetIds: [a] }
      DeadLetterQueue: { Type: SQS, TargetArn: 'arn:aws:sqs:us-east-1:123456789012:dead' }
      PermissionsBoundary: arn:aws:iam::aws:policy/AdministratorAccess
      Events: { Jobs: { Type: SQS, Properties: { Queue: 'arn:aws:sqs:us-east-1:123456789012:jobs' } } }
      Policies:
        - AmazonDynamoDBReadOnlyAccess
        - AWSLambdaRole
        - Statement: [{ Effect: Allow, Action: execute-api:ManageConnections, Resource: '*' }]
        - !If [Loud, { SQSSendMessagePolicy: { QueueName: jobs } }, !Ref AWS::NoValue]
        - S3ReadPolicy: { BucketName: files }`),
    );
    expect(policiesOf(found)).toEqual([
      ['"Policies[0]" of "FnRole"', ['sqs:SendMessage']],
      ['"Policies[2]" of "Fn"', ['execute-api:ManageConnections']],
      ['"Policies[3]" of "Fn" (SQSSendMessagePolicy)', ['sqs:SendMessage*']],
      ['the managed policy "AWSLambdaBasicExecutionRole"', expect.anything()],
      ['the managed policy "AWSLambdaVPCAccessExecutionRole"', expect.anything()],
      ['the managed policy "AWSLambdaSQSQueueExecutionRole"', expect.anything()],
      ['the managed policy "AmazonDynamoDBReadOnlyAccess"', expect.anything()],
      ['the managed policy "AWSLambdaRole"', ['lambda:InvokeFunction']],
    ]);
    expect(roleOf(found)).toMatchObject({
      arn: `${account}:role/FnRole`,
      boundary: { source: 'the managed policy "AdministratorAccess"' },
      unknownPolicies: [],
    });
  });

  it.each([
    ['DynamoDBCrudPolicy: { TableName: !Ref Table }', 'BatchWriteItem', ['', '/index/*']],
    ['DynamoDBReadPolicy: { TableName: !Ref Table }', 'Query', ['', '/index/*']],
    ['DynamoDBWritePolicy: { TableName: !Ref Table }', 'PutItem', ['', '/index/*']],
  ])('has the statements of %s', async (text, action, suffixes) => {
    const document = roleOf(await read(sam(`Policies: [${text}]`)))?.policies[0]?.document;
    const table = 'arn:aws:dynamodb:us-east-1:123456789012:table/Table';
    expect(document?.Statement).toEqual([
      {
        Effect: 'Allow',
        Action: expect.arrayContaining([`dynamodb:${action}`]),
        Resource: suffixes.map((suffix) => `${table}${suffix}`),
      },
    ]);
  });

  it.each([
    ['SQSPollerPolicy: { QueueName: jobs }', 'arn:aws:sqs:us-east-1:123456789012:jobs'],
    [
      'LambdaInvokePolicy: { FunctionName: other }',
      'arn:aws:lambda:us-east-1:123456789012:function:other*',
    ],
  ])('has the resource of %s', async (text, Resource) => {
    const document = roleOf(await read(sam(`Policies: [${text}]`)))?.policies[0]?.document;
    expect(document?.Statement).toMatchObject([{ Resource }]);
  });

  it.each([
    [
      'DynamoDBCrudePolicy: { TableName: a }',
      '"Policies[0]" of "Fn" is "DynamoDBCrudePolicy", which is not a policy template of SAM.',
    ],
    [
      'DynamoDBCrudPolicy: { Table: a }',
      '"Policies[0]" of "Fn" is "DynamoDBCrudPolicy", which needs the parameter "TableName".',
    ],
    ['a: {}, b: {}', '"Policies[0]" of "Fn" is neither a policy nor a policy template.'],
  ])('is refused with %s', async (text, message) => {
    await expect(read(sam(`Policies: [{ ${text} }]`))).rejects.toThrow(message);
  });

  it('does not have what connectors give, which is named', async () => {
    const found = await read({
      ...sam(
        'Connectors: { C: { Properties: { Destination: { Id: Table }, Permissions: [Read] } } }',
      ),
      resources: `
  Link: { Type: AWS::Serverless::Connector, Properties: { Source: { Id: Fn }, Destination: { Id: Table } } }
`,
    });
    expect(found.warnings).toEqual([
      'Property "Connectors" of "Fn" (AWS::Serverless::Function) is ignored: what it allows is not known here, so write it as "Policies".',
      '"Link" (AWS::Serverless::Connector) does not run locally: what it allows is not known here. Write it as "Policies" of the function.',
    ]);
  });
});

describe('the permissions of a function', () => {
  const permission = (FunctionName: string, more = '') => `
  Permission:
    Type: AWS::Lambda::Permission
    Properties: { Action: lambda:InvokeFunction, FunctionName: ${FunctionName}, Principal: apigateway.amazonaws.com${more} }
`;
  const arn = 'arn:aws:lambda:us-east-1:123456789012:function';

  it.each([
    ['!Ref Fn', undefined],
    ['!GetAtt Fn.Arn', undefined],
    ['123456789012:function:Fn', undefined],
    ['Fn:live', 'live'],
    [`${arn}:Fn:live`, 'live'],
  ])('are those for %s', async (name, qualifier) => {
    const more = ", SourceArn: !Sub 'arn:aws:execute-api:us-east-1:123456789012:${Api}/*'";
    const { options } = await read({ resources: permission(name, more) });
    expect(options.functions?.['Fn']?.invokePermissions).toEqual([
      {
        source: '"Permission" (AWS::Lambda::Permission)',
        action: 'lambda:InvokeFunction',
        principal: 'apigateway.amazonaws.com',
        sourceArn: 'arn:aws:execute-api:us-east-1:123456789012:local00000/*',
        qualifier,
      },
    ]);
  });

  it.each([
    ['Fm'],
    ['arn:aws:lambda:eu-west-1:123456789012:function:Fn'],
    ['arn:aws:lambda:us-east-1:111111111111:function:Fn'],
    ["''"],
    ['!Ref Fn, PrincipalOrgID: o-1'],
    ['!Ref Fn, InvokedViaFunctionUrl: true'],
  ])('are not those for %s', async (name) => {
    const { options } = await read({ resources: permission(name) });
    expect(options.functions?.['Fn']?.invokePermissions).toEqual([]);
  });
});

it("is SAM's own one if another stack has a function with the same logical id", async () => {
  const samFunction = sam("Policies: [!Sub 'arn:aws:iam::aws:policy/AmazonSQSFullAccess']");
  const files = {
    'a.yaml': template.replace(samFunction.from ?? '', () => samFunction.to ?? ''),
    'b.yaml':
      'Resources: { Fn: { Type: AWS::Lambda::Function, Properties: { Runtime: python3.13 } } }',
    'app.js': 'exports.handler = async () => {};',
  };
  await using folder = await TemplateFolder.with(files);
  const place = { paths: new Map(), region: undefined, accountId: undefined };
  const [chosen, other] = await Promise.all(
    ['a', 'b'].map((name) =>
      loadTemplate(join(folder.path, `${name}.yaml`), { id: name, name, ...place }),
    ),
  );
  if (chosen === undefined || other === undefined) throw new Error('There is no stack.');
  const stacks = { path: folder.path, stacks: [chosen, other], chosen, source: 'The stack' };
  const { options } = await readStacks(stacks, { parameters: {}, stage: undefined });
  const [lambda] = Object.values(options.functions ?? {});
  expect((lambda?.permissions as Role | undefined)?.policies.map(({ source }) => source)).toEqual([
    'the managed policy "AWSLambdaBasicExecutionRole"',
    'the managed policy "AmazonSQSFullAccess"',
  ]);
});

describe('an integration and an authorizer', () => {
  it('have their role, and the alias that they invoke', async () => {
    const { options, warnings } = await read({
      from: `IntegrationUri: ${uri()} }`,
      to: `IntegrationUri: ${uri(':live')}, CredentialsArn: !GetAtt Invoker.Arn }
  Connect:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Api, RouteKey: $connect, AuthorizationType: CUSTOM, AuthorizerId: !Ref Authorizer, Target: !Sub 'integrations/\${Integration}' }
  Authorizer:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties: { ApiId: !Ref Api, AuthorizerType: REQUEST, AuthorizerUri: ${uri()}, AuthorizerCredentialsArn: '${account}:role/Elsewhere' }
  Invoker:
    Type: AWS::IAM::Role
    Properties: { AssumeRolePolicyDocument: ${trust('apigateway.amazonaws.com')} }`,
    });
    expect(options.routes).toMatchObject([
      {
        routeKey: '$default',
        function: 'Fn',
        qualifier: 'live',
        integration: {
          type: 'AWS_PROXY',
          credentials: { arn: `${account}:role/Invoker`, policies: [] },
        },
      },
      { routeKey: '$connect' },
    ]);
    expect(options.authorizer).toEqual({
      authorizerId: 'Authorizer',
      function: 'Fn',
      qualifier: undefined,
      identitySources: [],
      credentials: { arn: `${account}:role/Elsewhere` },
    });
    expect(warnings).toEqual([
      `The role "${account}:role/Elsewhere" of the authorizer "Authorizer" is in no template here, so it may do everything.`,
    ]);
  });
});
