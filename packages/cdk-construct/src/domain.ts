import { Token } from 'aws-cdk-lib';
import * as apigwv2 from 'aws-cdk-lib/aws-apigatewayv2';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as route53 from 'aws-cdk-lib/aws-route53';
import { ApiGatewayv2DomainProperties } from 'aws-cdk-lib/aws-route53-targets';
import type { Construct } from 'constructs';
import { mistake } from './mistake';

/** A custom domain: a new one of `domainName` and `certificate`, or `existing`. */
export interface DomainOptions {
  /**
   * Name of a new custom domain: `chat.example.com`.
   *
   * @default - none; required unless `existing` is given
   */
  readonly domainName?: string;
  /**
   * Certificate for `domainName`, of the API's Region.
   *
   * @default - none; required unless `existing` is given
   */
  readonly certificate?: acm.ICertificate;
  /**
   * Public hosted zone that gets the records of `domainName`.
   *
   * @default - you add the records yourself
   */
  readonly hostedZone?: route53.IHostedZone;
  /**
   * A domain that exists. HTTP APIs and WebSocket APIs cannot share one.
   *
   * @default - a new one of `domainName` and `certificate`
   */
  readonly existing?: apigwv2.IDomainName;
  /**
   * The path below which the API is served: `wss://chat.example.com/v1` for `v1`.
   *
   * @default - the root of the domain
   */
  readonly mappingKey?: string;
  /**
   * Whether the API only answers at the custom domain. The app then posts there, too.
   *
   * @default false
   */
  readonly disableExecuteApiEndpoint?: boolean;
}

/** What follows `wss://` in the address at a custom domain. */
export function domainPath(scope: Construct, options: DomainOptions): string {
  const { existing, domainName, mappingKey } = options;
  checkDomain(scope, options);
  const host = existing?.name ?? domainName ?? '';
  return mappingKey === undefined ? host : `${host}/${mappingKey}`;
}

/** Maps the stage to the custom domain. */
export function mapDomain(
  scope: Construct,
  stage: apigwv2.WebSocketStage,
  options: DomainOptions,
): void {
  new apigwv2.ApiMapping(scope, 'Mapping', {
    api: stage.api,
    stage,
    domainName: options.existing ?? newDomain(scope, options),
    apiMappingKey: options.mappingKey,
  });
}

function checkDomain(scope: Construct, options: DomainOptions): void {
  const { domainName, certificate, existing, hostedZone } = options;
  const isNew = domainName !== undefined || certificate !== undefined || hostedZone !== undefined;
  if (existing !== undefined && isNew) {
    throw mistake(
      scope,
      'domain has "existing" together with "domainName", "certificate" or "hostedZone".',
      'Pass either existing, or domainName and certificate.',
    );
  }
  if (existing === undefined && domainName === undefined) {
    throw mistake(scope, 'domain has no "domainName".', 'Pass domainName and certificate.');
  }
  if (existing === undefined && certificate === undefined) {
    throw mistake(
      scope,
      `domain has the domainName "${domainName}", but no certificate.`,
      "Pass one of the API's Region: new Certificate(this, 'Certificate', { domainName, validation }).",
    );
  }
  checkNames(scope, options);
}

/** What a mapping may have (Amazon API Gateway: "Map API stages to a custom domain name for WebSocket APIs"). */
const MAPPING_KEY = /^(?=.{1,300}$)[\w$.+!*'()-]+(\/[\w$.+!*'()-]+)*$/;

function checkNames(scope: Construct, options: DomainOptions): void {
  const { domainName = '', existing, hostedZone, mappingKey } = options;
  const isKnown = existing === undefined && !Token.isUnresolved(domainName);
  if (isKnown && !/^(\*\.)?([a-z\d-]+\.)+[a-z\d-]+$/.test(domainName)) {
    throw mistake(
      scope,
      `domain.domainName is "${domainName}".`,
      'Write only the name, in small letters: chat.example.com.',
    );
  }
  const zone = hostedZone?.zoneName.replace(/\.$/, '') ?? '';
  if (
    isKnown &&
    zone !== '' &&
    !Token.isUnresolved(zone) &&
    !`.${domainName}`.endsWith(`.${zone}`)
  ) {
    throw mistake(
      scope,
      `domain.domainName "${domainName}" is not in the hostedZone "${zone}".`,
      'Pass the zone that it is in, or leave hostedZone out and add the record yourself.',
    );
  }
  if (
    mappingKey !== undefined &&
    !Token.isUnresolved(mappingKey) &&
    !MAPPING_KEY.test(mappingKey)
  ) {
    throw mistake(
      scope,
      `domain.mappingKey is "${mappingKey}".`,
      `Use up to 300 letters, digits and $-_.+!*'(), with "/" only between them, such as v1; leave it out for the root of the domain.`,
    );
  }
  if (options.disableExecuteApiEndpoint && (existing?.name ?? domainName).startsWith('*.')) {
    throw mistake(
      scope,
      `with disableExecuteApiEndpoint the app would post to "${existing?.name ?? domainName}".`,
      'Use a domain without "*", or leave disableExecuteApiEndpoint out.',
    );
  }
}

/** After `checkDomain`. */
function newDomain(scope: Construct, options: DomainOptions): apigwv2.IDomainName {
  const { domainName = '', certificate, hostedZone } = options;
  const domain = new apigwv2.DomainName(scope, 'Domain', {
    domainName,
    certificate: certificate as acm.ICertificate,
    // CDK leaves it out of the template otherwise, although its documentation names this default.
    securityPolicy: apigwv2.SecurityPolicy.TLS_1_2,
  });
  if (hostedZone !== undefined) addRecord(scope, { domain, domainName, zone: hostedZone });
  return domain;
}

function addRecord(
  scope: Construct,
  {
    domain,
    domainName,
    zone,
  }: {
    readonly domain: apigwv2.IDomainName;
    /** The domain's own `name` is a reference, to which CDK would append the zone's name. */
    readonly domainName: string;
    readonly zone: route53.IHostedZone;
  },
): void {
  const target = route53.RecordTarget.fromAlias(
    new ApiGatewayv2DomainProperties(domain.regionalDomainName, domain.regionalHostedZoneId),
  );
  new route53.ARecord(scope, 'Record', { zone, recordName: domainName, target });
}

/** Lets the API answer only at its custom domain. */
export function disableExecuteApiEndpoint(scope: Construct, api: apigwv2.IWebSocketApi): void {
  const resource = api.node.defaultChild;
  if (!(resource instanceof apigwv2.CfnApi)) {
    throw mistake(
      scope,
      'domain.disableExecuteApiEndpoint cannot change an imported API.',
      'Set it where the API is made.',
    );
  }
  resource.disableExecuteApiEndpoint = true;
}
