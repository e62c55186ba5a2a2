// What API Gateway may invoke and call: permissions of functions, roles of integrations and authorizers.
import { describe, expect, it, vi } from 'vitest';
import type { LambdaPermission } from '../src/iam/lambda-permission.js';
import type { Role } from '../src/iam/role.js';
import { type LocalApiOptions, openLocalApi, type SeenEvent, TestFunction } from './local-api.js';
import { Peer, refusalOf } from './peer.js';

const account = '123456789012';
const functionArn = `arn:aws:lambda:us-east-1:${account}:function:chat`;
const api = `arn:aws:execute-api:us-east-1:${account}:local00000`;
const roleArn = `arn:aws:iam::${account}:role/service/Gateway`;
const session = `arn:aws:sts::${account}:assumed-role/Gateway/BackplaneAssumeRoleSession`;

const hello = () => ({ statusCode: 200, body: 'hello' });

/** A function that API Gateway may invoke for these resources. */
function permitted(sourceArns: readonly string[], respond: (event: SeenEvent) => unknown = hello) {
  const invokePermissions = sourceArns.map(
    (sourceArn, index): LambdaPermission => ({
      source: `"Permission${index}"`,
      action: 'lambda:InvokeFunction',
      principal: 'apigateway.amazonaws.com',
      sourceArn,
    }),
  );
  return Object.assign(new TestFunction(respond), { arn: functionArn, invokePermissions });
}

const statement = (Action: string, Resource: string) =>
  ({ Effect: 'Allow', Action, Resource }) as const;

/** A role with one statement, which trusts a service. */
function roleOf(allowed: ReturnType<typeof statement>, service = 'apigateway.amazonaws.com'): Role {
  const trusted = { Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' };
  return {
    arn: roleArn,
    policies: [{ source: '"Policy"', document: { Version: '2012-10-17', Statement: [allowed] } }],
    trust: {
      source: '"AssumeRolePolicyDocument" of "Gateway"',
      document: { Version: '2012-10-17', Statement: [trusted] },
    },
  };
}

/** What a client gets from `$default` of such a function, and what the log says. */
async function ask(options: LocalApiOptions): Promise<{ answer: string; detail: string }> {
  await using opened = await openLocalApi(options);
  await using peer = await Peer.connect(opened.url);
  peer.send('{}');
  const text = await peer.next();
  const isFailure = text.includes('"Internal server error"');
  // An event is reported after its frame.
  const { detail } = await vi.waitFor(
    () => opened.log.at(-1) ?? Promise.reject(new Error('No event.')),
  );
  return { answer: isFailure ? 'error' : text, detail };
}

const defaultRoute = (lambda: TestFunction, more: object = {}) => ({
  routes: [{ routeKey: '$default', twoWay: true, function: lambda, ...more }],
});

describe('a route to a function', () => {
  it.each([
    [`${api}/dev/$default`],
    [`${api}/*/$default`],
    [`${api}/dev/*`],
    [`${api}/*`],
    [`arn:aws:execute-api:*:${account}:local00000/*`],
  ])('5.7 invokes it with the permission for %s', async (sourceArn) => {
    const lambda = permitted([`${api}/dev/other`, sourceArn]);
    expect(await ask(defaultRoute(lambda))).toEqual({ answer: 'hello', detail: '200' });
  });

  it('5.7 does not invoke it with a permission for another stage, and says which it needs', async () => {
    const lambda = permitted([`${api}/prod/*`]);
    expect(await ask(defaultRoute(lambda))).toEqual({
      answer: 'error',
      detail:
        `API Gateway may not invoke ${functionArn}: it lacks an AWS::Lambda::Permission with the Action ` +
        `lambda:InvokeFunction, the Principal apigateway.amazonaws.com and the SourceArn ${api}/dev/$default. ` +
        `"Permission0" is for the SourceArn ${api}/prod/*.`,
    });
    expect(lambda.events).toEqual([]);
  });

  it('5.7 does not invoke it without any permission, also with templates', async () => {
    const lambda = permitted([]);
    const integration = {
      type: 'AWS',
      responses: [{ integrationResponseKey: '$default' }],
    } as const;
    for (const more of [{}, { integration }]) {
      const { answer, detail } = await ask(defaultRoute(lambda, more));
      expect([answer, detail]).toEqual([
        'error',
        expect.stringMatching(/It has none for API Gateway\.$/),
      ]);
    }
    expect(lambda.events).toEqual([]);
  });

  it('5.7 needs no permission for a mock', async () => {
    const mock = { integration: 'mock', response: 'pong' };
    expect(await ask(defaultRoute(permitted([]), mock))).toMatchObject({ answer: 'pong' });
  });

  it('3.27 refuses a handshake with 500 if it may not be invoked for $connect', async () => {
    const lambda = permitted([`${api}/dev/$default`]);
    const routes = [{ routeKey: '$connect', function: lambda }];
    await using opened = await openLocalApi({ routes });
    expect((await refusalOf(opened.url)).status).toBe(500);
    expect(opened.log).toMatchObject([
      {
        route: '$connect',
        result: 'failed',
        detail: expect.stringContaining(`${api}/dev/$connect.`),
      },
    ]);
    expect(lambda.events).toEqual([]);
  });
});

describe('an authorizer', () => {
  const allow = ({ methodArn }: SeenEvent) => ({
    principalId: 'ann',
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: methodArn }],
    },
  });
  const authorizerId = 'abc123';

  it.each([[`${api}/authorizers/abc123`], [`${api}/authorizers/*`]])(
    '4.19 is invoked with the permission for %s',
    async (sourceArn) => {
      const authorizer = { function: permitted([sourceArn], allow), authorizerId };
      await using opened = await openLocalApi({ authorizer });
      await using peer = await Peer.connect(opened.url);
      expect(peer.response?.statusCode).toBe(101);
    },
  );

  it('4.19 is not invoked with a permission for routes only: 500', async () => {
    const authorizer = { function: permitted([`${api}/dev/*`], allow), authorizerId };
    await using opened = await openLocalApi({ authorizer });
    expect((await refusalOf(opened.url)).status).toBe(500);
    expect(opened.log).toMatchObject([
      {
        route: 'authorizer',
        result: 'failed',
        detail: expect.stringContaining(`the SourceArn ${api}/authorizers/abc123.`),
      },
    ]);
    expect(opened.handler.events).toEqual([]);
  });

  it('4.19 is invoked by the role of the authorizer', async () => {
    const invoke = statement('lambda:InvokeFunction', functionArn);
    for (const [credentials, status] of [
      [roleOf(invoke), 101],
      [{ arn: roleArn }, 101],
      [roleOf(statement('lambda:InvokeFunction', `${functionArn}:live`)), 500],
      [roleOf(invoke, 'lambda.amazonaws.com'), 500],
    ] as const) {
      const authorizer = { function: permitted([], allow), credentials };
      await using opened = await openLocalApi({ authorizer });
      const answered = await Peer.connect(opened.url).then(
        async (peer) => {
          await peer[Symbol.asyncDispose]();
          return 101;
        },
        async () => (await refusalOf(opened.url)).status,
      );
      expect(answered).toBe(status);
    }
  });
});

describe('the role of an integration', () => {
  const withRole = (credentials: Role | { readonly arn: string }) => {
    // Its role decides, and not the permissions of the function.
    const integration = { type: 'AWS_PROXY', credentials } as const;
    return ask(defaultRoute(permitted([]), { integration }));
  };

  it('8.21 invokes the function that it allows', async () => {
    const invoke = statement('lambda:Invoke*', functionArn);
    expect(await withRole(roleOf(invoke))).toMatchObject({ answer: 'hello' });
    expect(await withRole({ arn: roleArn })).toMatchObject({ answer: 'hello' });
  });

  it('8.21 does not invoke another function', async () => {
    const other = roleOf(statement('lambda:InvokeFunction', `${functionArn}s`));
    expect(await withRole(other)).toEqual({
      answer: 'error',
      detail: `User: ${session} is not authorized to perform: lambda:InvokeFunction on resource: ${functionArn}`,
    });
  });

  it('8.21 has to trust API Gateway', async () => {
    const role = roleOf(statement('*', '*'), 'lambda.amazonaws.com');
    const detail =
      `API Gateway may not assume the role "${roleArn}": "AssumeRolePolicyDocument" of "Gateway" does not ` +
      'allow sts:AssumeRole to the service "apigateway.amazonaws.com".';
    expect(await withRole(role)).toEqual({ answer: 'error', detail });
    const integration = {
      type: 'AWS',
      integrationUri: 'arn:aws:apigateway:us-east-1:dynamodb:action/PutItem',
      credentials: role,
      responses: [{ integrationResponseKey: '$default' }],
    } as const;
    const calls: string[] = [];
    const services = {
      dynamodb: async (operation: string) => {
        calls.push(operation);
        return { status: 200, body: '{}' };
      },
    };
    const routes = [{ routeKey: '$default', twoWay: true, integration }];
    expect(await ask({ routes, services })).toEqual({ answer: 'error', detail });
    expect(calls).toEqual([]);
  });

  it('8.21 is who calls a service, in the Region of its URI', async () => {
    const credentials = roleOf(statement('dynamodb:PutItem', '*'));
    const integration = {
      type: 'AWS',
      integrationUri: 'arn:aws:apigateway:eu-west-1:dynamodb:action/PutItem',
      credentials,
      responses: [{ integrationResponseKey: '$default' }],
    } as const;
    const sources: unknown[] = [];
    const services = {
      dynamodb: async (_operation: string, _body: string, source?: unknown) => {
        sources.push(source);
        return { status: 200, body: '{}' };
      },
    };
    const routes = [{ routeKey: '$default', twoWay: true, integration }];
    expect(await ask({ routes, services })).toMatchObject({ answer: '{}' });
    const caller = { principal: session, role: credentials };
    expect(sources).toEqual([{ caller, region: 'eu-west-1' }]);
  });

  it('8.21 is known before its first call, like that of the authorizer', async () => {
    const credentials = roleOf(statement('dynamodb:PutItem', '*'));
    const other = { ...credentials, arn: `${roleArn}2` };
    const integration = { type: 'MOCK', credentials } as const;
    await using opened = await openLocalApi({
      routes: ['$connect', { routeKey: '$disconnect', integration }],
      authorizer: { function: permitted([]), credentials: other },
    });
    const { permissions } = opened.gateway.credentials;
    expect(permissions.unused().map(({ role }) => role)).toEqual([credentials, other]);
  });

  it('8.21 needs the ARN of the function', async () => {
    const integration = { type: 'AWS_PROXY', credentials: roleOf(statement('*', '*')) } as const;
    const routes = [{ routeKey: '$default', integration }];
    await expect(openLocalApi({ routes })).rejects.toThrow(
      'The route "$default" has "credentials" with policies, but its function has no "arn"',
    );
  });
});
