import { type App, Stack } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as apigwv2 from 'aws-cdk-lib/aws-apigatewayv2';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as route53 from 'aws-cdk-lib/aws-route53';
import { describe, expect, test } from 'vitest';
import { type DomainOptions, GatecastApi } from '../lib/index.js';
import { entry, newApi, newStack } from './synthesized.js';

function certificateOf(stack: Stack): acm.ICertificate {
  const arn = 'arn:aws:acm:us-east-1:123456789012:certificate/1';
  return acm.Certificate.fromCertificateArn(stack, 'Certificate', arn);
}

function existingDomain(stack: Stack, name = 'old.example.com'): apigwv2.IDomainName {
  return apigwv2.DomainName.fromDomainNameAttributes(stack, 'Domain', {
    name,
    regionalDomainName: 'd-1.execute-api.us-east-1.amazonaws.com',
    regionalHostedZoneId: 'Z1',
  });
}

/** Makes an API at a new domain in the zone example.com. */
function atDomain(options: DomainOptions): GatecastApi {
  const stack = newStack();
  const hostedZone = route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
    hostedZoneId: 'Z1',
    zoneName: 'example.com',
  });
  return newApi({ domain: { hostedZone, certificate: certificateOf(stack), ...options } }, stack);
}

describe('a domain', () => {
  test.each(['example.com', 'chat.example.com', 'a.b-c.example.com', '*.example.com'])(
    'may have the name %s',
    (domainName) => {
      expect(atDomain({ domainName }).url).toBe(`wss://${domainName}`);
    },
  );

  test.each(['https://chat.example.com', 'chat.example.com/v1', 'Chat.example.com', 'chat', ''])(
    'may not have the name "%s"',
    (domainName) => {
      expect(() => atDomain({ domainName })).toThrow(`domain.domainName is "${domainName}".`);
    },
  );

  test.each(['chat.example.org', 'chat-example.com', 'a.com'])(
    '%s is not put into the zone of another',
    (domainName) => {
      expect(() =>
        atDomain({ domainName: `www.${domainName}`.replace('www.com', 'a.com') }),
      ).toThrow('is not in the hostedZone "example.com"');
    },
  );

  test.each(['v1', 'v1/chat', "$-_.+!*'()", 'x'.repeat(300)])(
    'serves the API below %s',
    (mappingKey) => {
      const { url } = atDomain({ domainName: 'chat.example.com', mappingKey });
      expect(url).toBe(`wss://chat.example.com/${mappingKey}`);
    },
  );

  test.each(['', '/v1', 'v1/', 'v1//chat', 'v 1', 'v1?', 'ä', 'x'.repeat(301)])(
    'does not serve it below "%s"',
    (mappingKey) => {
      expect(() => atDomain({ domainName: 'chat.example.com', mappingKey })).toThrow(
        `domain.mappingKey is "${mappingKey}".`,
      );
    },
  );

  test('with a wildcard cannot be where the app posts to', () => {
    const disableExecuteApiEndpoint = true;
    const wildcard = '*.example.com';
    expect(() => atDomain({ domainName: wildcard, disableExecuteApiEndpoint })).toThrow(
      'the app would post to "*.example.com"',
    );
    const stack = newStack();
    const existing = existingDomain(stack, wildcard);
    expect(() => newApi({ domain: { existing, disableExecuteApiEndpoint } }, stack)).toThrow(
      'the app would post to "*.example.com"',
    );
  });
});

describe('a name that API Gateway gives once is refused', () => {
  /** What synthesis says of a stack with one API and something else. */
  function refusalOf(make: (stack: Stack) => void): string {
    const stack = newStack();
    make(stack);
    try {
      (stack.node.root as App).synth();
      return 'nothing';
    } catch (error) {
      return (error as Error).message;
    }
  }

  function otherApi(stack: Stack, domain?: DomainOptions): GatecastApi {
    return new GatecastApi(stack, 'Other', { entry, domain });
  }

  test('as a route, whoever made it, also of an imported API', () => {
    const stack = newStack();
    const { api } = newApi({ stageName: 'one' }, stack);
    expect(() => new GatecastApi(stack, 'Other', { entry, api, stageName: 'two' })).toThrow(
      'the API "Test/Chat/Api" has routes already: "Test/Chat/Routes/$connectRoute"',
    );
    const stacks = [stack, new Stack(stack.node.scope, 'There')];
    const [first, second] = stacks.map((each) =>
      apigwv2.WebSocketApi.fromWebSocketApiAttributes(each, 'Imported', { webSocketId: 'a1' }),
    );
    new GatecastApi(stack, 'First', { entry, api: first, stageName: 'one' });
    expect(() => new GatecastApi(stack, 'Second', { entry, api: second })).toThrow(
      'has routes already: "Test/First/Routes/$connectRoute"',
    );
  });

  test('as a stage', () => {
    const stage = (stageName: string) => (stack: Stack) => {
      const { api } = newApi({}, stack);
      new apigwv2.WebSocketStage(stack, 'Stage', { webSocketApi: api, stageName });
    };
    expect(refusalOf(stage('beta'))).toBe('nothing');
    expect(refusalOf(stage('prod'))).toContain(
      '[Test/Chat] The API has another stage "prod": "Test/Stage/Resource".',
    );
  });

  test.each([undefined, 'v1'])('as the path %s of a domain', (mappingKey) => {
    const two = (other: string | undefined) => (stack: Stack) => {
      const existing = existingDomain(stack);
      newApi({ domain: { existing, mappingKey } }, stack);
      otherApi(stack, { existing, mappingKey: other });
    };
    expect(refusalOf(two('v2'))).toBe('nothing');
    expect(refusalOf(two(mappingKey))).toMatch(
      /\[Test\/Chat\] The (root|path "v1") of the domain belongs to another API, too: "Test\/Other\/Mapping/,
    );
  });

  test('as a domain of an HTTP or REST API', () => {
    const http = (stack: Stack): void => {
      const domainName = new apigwv2.DomainName(stack, 'New', {
        domainName: 'chat.example.com',
        certificate: certificateOf(stack),
      });
      newApi({ domain: { existing: domainName, mappingKey: 'chat' } }, stack);
      new apigwv2.HttpApi(stack, 'Http', { defaultDomainMapping: { domainName } });
    };
    expect(refusalOf(http)).toMatch(/The domain serves an HTTP or REST API, too: "Test\/Http/);
    const rest = (stack: Stack): void => {
      const { name: domainName } = existingDomain(stack);
      new apigateway.CfnBasePathMapping(stack, 'Rest', { domainName, restApiId: 'a1' });
      const existing = existingDomain(new Stack(stack.node.scope, 'There'));
      newApi({ domain: { existing } }, stack);
    };
    expect(refusalOf(rest)).toContain('The domain serves an HTTP or REST API, too: "Test/Rest".');
  });
});
