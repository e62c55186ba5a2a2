import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import { describe, expect, test } from 'vitest';
import { Authorizer, ConnectionWrites, GatecastApi } from '../lib/index.js';
import {
  entry,
  historyRoutes,
  manifest,
  newApi,
  newStack,
  propertiesOf,
  resourcesOf,
  variablesOf,
} from './synthesized.js';

const withAuthorizer = { routes: manifest({ authorizer: true }), authorizer: undefined };

function idsOf(stack: Stack): readonly string[] {
  return Object.entries(resourcesOf(stack)).map(([id, { Type }]) => `${Type} ${id}`);
}

describe('logical ids, which are an interface: resources with other ids are replaced', () => {
  test('of all parts', () => {
    const stack = newStack();
    newApi(
      {
        routes: manifest({ authorizer: true }),
        authorizer: undefined,
        connectionWrites: ConnectionWrites.DIRECT,
        cloudWatchRole: true,
        alarms: {},
        vpc: new ec2.Vpc(stack, 'Vpc', { maxAzs: 1 }),
        domain: {
          domainName: 'chat.example.com',
          certificate: acm.Certificate.fromCertificateArn(stack, 'Certificate', 'arn:aws:acm:1'),
          hostedZone: route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
            hostedZoneId: 'Z1',
            zoneName: 'example.com',
          }),
        },
      },
      stack,
    );
    expect(idsOf(stack)).toMatchSnapshot();
  });

  test('stay when a route is added, removed or moved', () => {
    const routes = ['rooms.post', 'rooms.typing', 'rooms.leave'].map((routeKey) => ({
      routeKey,
      integration: 'lambda' as const,
      twoWay: true,
    }));
    const all = newStack();
    newApi({ routes: manifest({}, routes) }, all);
    const fewer = newStack();
    newApi(
      {
        routes: manifest(
          {},
          [routes[2], routes[1]].filter((route) => route !== undefined),
        ),
      },
      fewer,
    );
    expect(idsOf(all)).toEqual(expect.arrayContaining([...idsOf(fewer)]));
    expect(idsOf(all).length - idsOf(fewer).length).toBe(2);
  });

  test('differ for route keys with the same letters', () => {
    const stack = newStack();
    const keys = ['a.b', 'ab', 'a_b', 'a/b', 'a--b', 'Default', 'Resource', '$defaults'];
    const routes = keys.map((routeKey) => ({
      routeKey,
      integration: 'lambda' as const,
      twoWay: true,
    }));
    newApi({ routes: manifest({}, routes) }, stack);
    const found = propertiesOf(stack, 'AWS::ApiGatewayV2::Route').map(({ RouteKey }) => RouteKey);
    expect(found).toEqual(expect.arrayContaining(keys));
  });
});

describe('the template', () => {
  test('has a function with what it needs and no more', () => {
    const stack = newStack();
    newApi({}, stack);
    const [handler] = propertiesOf(stack, 'AWS::Lambda::Function');
    const { Code: _code, Environment: _variables, ...rest } = handler ?? {};
    expect(rest).toMatchSnapshot('function');
    expect(propertiesOf(stack, 'AWS::IAM::Policy')).toMatchSnapshot('policies');
    expect(propertiesOf(stack, 'AWS::Lambda::Permission')).toMatchSnapshot('permissions');
  });

  test('has the table of dynamoDbStore, which stays when the stack goes', () => {
    const stack = newStack();
    newApi({}, stack);
    const table = Object.values(resourcesOf(stack)).find(({ Type }) => Type.endsWith('Table'));
    expect(table).toMatchSnapshot();
  });

  test('without a manifest has four routes and tells why', () => {
    const stack = newStack();
    new GatecastApi(stack, 'Chat', { entry });
    const routes = propertiesOf(stack, 'AWS::ApiGatewayV2::Route');
    expect(routes.map(({ RouteKey }) => RouteKey)).toEqual([
      '$connect',
      '$disconnect',
      '$default',
      'ping',
    ]);
    const told = stack.node.findChild('Chat').node.metadata.map(({ data }) => String(data));
    expect(told).toEqual([expect.stringContaining('it runs in $connect')]);
  });

  test('has two-way routes of their own for history and sync if a channel has history', () => {
    const stack = newStack();
    newApi({ routes: manifest({ hasHistory: true }, historyRoutes) }, stack);
    const routes = propertiesOf(stack, 'AWS::ApiGatewayV2::Route');
    const [subscribe, ...others] = ['subscribe', 'history', 'sync'].map((key) => {
      const { RouteKey: _key, ...route } = routes.find((each) => each['RouteKey'] === key) ?? {};
      return route;
    });
    expect(subscribe).toMatchObject({ RouteResponseSelectionExpression: '$default' });
    expect(others).toEqual([subscribe, subscribe]);
    const responses = propertiesOf(stack, 'AWS::ApiGatewayV2::RouteResponse');
    expect(JSON.stringify(responses)).toMatch(/historyRoute.*syncRoute/);
  });

  test('has an authorizer without identity sources if the app has one', () => {
    const stack = newStack();
    newApi({ routes: manifest({ authorizer: true }), authorizer: undefined }, stack);
    const [authorizer] = propertiesOf(stack, 'AWS::ApiGatewayV2::Authorizer');
    expect(authorizer).toEqual({
      ApiId: expect.anything(),
      AuthorizerType: 'REQUEST',
      AuthorizerUri: expect.anything(),
      Name: 'Authorizer',
    });
    const routes = propertiesOf(stack, 'AWS::ApiGatewayV2::Route');
    const types = routes.map(({ RouteKey, AuthorizationType }) => [RouteKey, AuthorizationType]);
    expect(types.filter(([, type]) => type !== 'NONE')).toEqual([['$connect', 'CUSTOM']]);
    expect(propertiesOf(stack, 'AWS::Lambda::Permission')).toHaveLength(2);
  });

  test('lets IAM decide about $connect', () => {
    const stack = newStack();
    newApi({ authorizer: Authorizer.iam() }, stack);
    const routes = propertiesOf(stack, 'AWS::ApiGatewayV2::Route');
    expect(routes.find(({ RouteKey }) => RouteKey === '$connect')).toMatchObject({
      AuthorizationType: 'AWS_IAM',
    });
  });

  test('deploys routes after what they need, and the stage after all', () => {
    const stack = newStack();
    newApi({ ...withAuthorizer, connectionWrites: ConnectionWrites.DIRECT }, stack);
    const resources = resourcesOf(stack);
    const idsWith = (type: RegExp): readonly string[] =>
      Object.keys(resources).filter((id) => type.test(resources[id]?.Type ?? ''));
    const needed = idsWith(/::(?:Integration|IntegrationResponse|Permission)$/);
    const ofRoles = idsWith(/IAM::Policy$/).filter((id) => id.includes('DirectWrites'));
    expect(ofRoles).toHaveLength(2);
    const wanted = [...needed, ...ofRoles];
    for (const id of idsWith(/::Route$/)) {
      expect(resources[id]?.DependsOn).toEqual(expect.arrayContaining(wanted));
    }
    const stage = Object.values(resources).find(({ Type }) => Type.endsWith('::Stage'));
    const routes = idsWith(/::(?:Route|RouteResponse)$/);
    expect(stage?.DependsOn).toEqual(expect.arrayContaining([...wanted, ...routes]));
    expect(stage?.Properties).toMatchObject({ AutoDeploy: true, StageName: 'prod' });
  });

  test('has access logs as JSON, whose keys are the ones one looks for', () => {
    const stack = newStack();
    newApi({}, stack);
    const [stage] = propertiesOf(stack, 'AWS::ApiGatewayV2::Stage');
    const { Format } = (stage ?? {})['AccessLogSettings'] as { readonly Format: string };
    expect(Object.keys(JSON.parse(Format))).toEqual(
      expect.arrayContaining([
        'connectionId',
        'requestId',
        'routeKey',
        'status',
        'authorizerError',
      ]),
    );
  });

  test('holds throttling for all routes and for single ones', () => {
    const stack = newStack();
    newApi(
      {
        throttle: { rateLimit: 100, burstLimit: 50 },
        routeThrottle: { 'rooms.post': { rateLimit: 5, burstLimit: 2 } },
      },
      stack,
    );
    const [stage] = propertiesOf(stack, 'AWS::ApiGatewayV2::Stage');
    expect(stage).toMatchObject({
      DefaultRouteSettings: { ThrottlingRateLimit: 100, ThrottlingBurstLimit: 50 },
      RouteSettings: { 'rooms.post': { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 2 } },
    });
  });

  test('gives a route the limit that it does not set itself', () => {
    const stack = newStack();
    newApi(
      {
        throttle: { rateLimit: 100, burstLimit: 50 },
        routeThrottle: { 'rooms.post': { rateLimit: 5 }, 'rooms.typing': { burstLimit: 2 } },
      },
      stack,
    );
    const [stage] = propertiesOf(stack, 'AWS::ApiGatewayV2::Stage');
    expect(stage).toMatchObject({
      RouteSettings: {
        'rooms.post': { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 50 },
        'rooms.typing': { ThrottlingRateLimit: 100, ThrottlingBurstLimit: 2 },
      },
    });
  });
});

test('two APIs of one stack have a table and a function each', () => {
  const stack = newStack();
  const one = new GatecastApi(stack, 'One', { entry });
  const two = new GatecastApi(stack, 'Two', { entry });
  expect(propertiesOf(stack, 'AWS::DynamoDB::Table')).toHaveLength(2);
  expect(propertiesOf(stack, 'AWS::Lambda::Function')).toHaveLength(2);
  expect(one.url).not.toBe(two.url);
});

test.each(['eu-central-1', 'cn-north-1', 'us-gov-west-1'])(
  'has no partition or suffix written out in %s',
  (region) => {
    const stack = newStack({ env: { region, account: '123456789012' } });
    const chat = newApi({ routes: manifest({ authorizer: true }), authorizer: undefined }, stack);
    const text = JSON.stringify(Template.fromStack(stack).toJSON());
    // Partition and suffix are references, so that the template is right in each of them.
    expect(text.match(/.{30}arn:aws.{30}/g)).toBeNull();
    const url = JSON.stringify(stack.resolve(chat.url));
    expect(url).toContain(`.execute-api.${region}.`);
    expect(url).toContain('"Ref":"AWS::URLSuffix"');
  },
);

test('the function knows its store and its API', () => {
  const stack = newStack();
  newApi({ stageName: 'live' }, stack);
  expect(variablesOf(stack)).toEqual({
    GATECAST_API_ID: { Ref: expect.stringMatching(/^ChatApi/) },
    GATECAST_ROUTES: 'manifest',
    GATECAST_STAGE: 'live',
    GATECAST_TABLE: { Ref: expect.stringMatching(/^ChatTable/) },
  });
});
