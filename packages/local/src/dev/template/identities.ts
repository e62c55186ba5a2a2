import { partitionOf } from '@gatecast/framework/adapter';
import type { TemplateResource } from './parse-template.js';
import { scalarText } from './parse-template.js';

export const functionTypes: ReadonlySet<string> = new Set([
  'AWS::Serverless::Function',
  'AWS::Lambda::Function',
]);

export const tableTypes: ReadonlySet<string> = new Set([
  'AWS::DynamoDB::Table',
  'AWS::DynamoDB::GlobalTable',
]);

/** The values that a resource has in a template. */
export interface Identity {
  /** The value of `Ref`. */
  readonly ref: string;
  /** The values of `Fn::GetAtt`. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** What the identity of a resource depends on, besides its properties. */
export interface Place {
  /** The name of a resource without one of its own. */
  readonly name: string;
  /** The id of a resource that is an API. */
  readonly apiId: string;
  readonly region: string;
  readonly accountId: string;
}

/** A property as text; `undefined` if it is missing. */
type Read = (property: string) => string | undefined;

type IdentityOf = (place: Place, read: Read) => Identity;

/** A resource whose `Ref` is its name, and whose ARN is of the given form. */
function named(property: string, service: string, resource: (name: string) => string): IdentityOf {
  return (place, read) => {
    const ref = read(property) ?? place.name;
    return { ref, attributes: { Arn: arn(place, service, resource(ref)) } };
  };
}

/** A part of an API. Its id is its logical id, by which the reader finds it. */
function partOfApi(attribute: string): IdentityOf {
  return ({ name }) => ({ ref: name, attributes: { [attribute]: name } });
}

/** Resources of IAM have no Region. */
function iamArn({ region, accountId }: Place, resource: string): string {
  return `arn:${partitionOf(region).name}:iam::${accountId}:${resource}`;
}

/** The ARN of a resource in an account and a Region. */
export function arn(
  { region, accountId }: Pick<Place, 'region' | 'accountId'>,
  service: string,
  resource: string,
): string {
  return `arn:${partitionOf(region).name}:${service}:${region}:${accountId}:${resource}`;
}

const lambda = named('FunctionName', 'lambda', (name) => `function:${name}`);

/** A table's name has at least 3 characters. On AWS, that of the stack is a part of it. */
const table: IdentityOf = (place, read) => {
  const { name } = place;
  const ref = read('TableName') ?? (name.length < 3 ? `local-${name}` : name);
  const Arn = arn(place, 'dynamodb', `table/${ref}`);
  return { ref, attributes: { Arn, StreamArn: `${Arn}/stream/2026-01-01T00:00:00.000` } };
};

/** The function of an alias or a version may be given by name or ARN. */
function functionArnOf(place: Place, read: Read): string {
  const name = read('FunctionName')?.split(':').at(-1) ?? '';
  return arn(place, 'lambda', `function:${name}`);
}

/** What `Ref` and `Fn::GetAtt` give, by type (AWS: "Return values" in each type's reference). */
const IDENTITIES: Readonly<Record<string, IdentityOf>> = {
  'AWS::Serverless::Function': lambda,
  'AWS::Lambda::Function': lambda,
  'AWS::Lambda::Alias': (place, read) => {
    const ref = `${functionArnOf(place, read)}:${read('Name') ?? ''}`;
    return { ref, attributes: { AliasArn: ref } };
  },
  'AWS::Lambda::Version': (place, read) => {
    const ref = `${functionArnOf(place, read)}:1`;
    return { ref, attributes: { FunctionArn: ref, Version: '1' } };
  },
  'AWS::ApiGatewayV2::Api': ({ apiId, region }, read) => {
    const scheme = read('ProtocolType') === 'WEBSOCKET' ? 'wss' : 'https';
    const ApiEndpoint = `${scheme}://${apiId}.execute-api.${region}.${partitionOf(region).urlSuffix}`;
    return { ref: apiId, attributes: { ApiEndpoint, ApiId: apiId } };
  },
  'AWS::ApiGatewayV2::Stage': ({ name }, read) => ({
    ref: read('StageName') ?? name,
    attributes: {},
  }),
  'AWS::ApiGatewayV2::Route': partOfApi('RouteId'),
  'AWS::ApiGatewayV2::RouteResponse': partOfApi('RouteResponseId'),
  'AWS::ApiGatewayV2::Integration': partOfApi('IntegrationId'),
  'AWS::ApiGatewayV2::IntegrationResponse': partOfApi('IntegrationResponseId'),
  'AWS::ApiGatewayV2::Authorizer': partOfApi('AuthorizerId'),
  'AWS::ApiGatewayV2::Model': partOfApi('ModelId'),
  'AWS::ApiGatewayV2::Deployment': partOfApi('DeploymentId'),
  'AWS::ApiGatewayV2::ApiMapping': partOfApi('ApiMappingId'),
  'AWS::ApiGatewayV2::DomainName': ({ name }, read) => ({
    ref: read('DomainName') ?? name,
    attributes: {},
  }),
  'AWS::DynamoDB::Table': table,
  'AWS::DynamoDB::GlobalTable': table,
  'AWS::SQS::Queue': (place, read) => {
    const QueueName = read('QueueName') ?? place.name;
    const { urlSuffix } = partitionOf(place.region);
    const ref = `https://sqs.${place.region}.${urlSuffix}/${place.accountId}/${QueueName}`;
    return { ref, attributes: { Arn: arn(place, 'sqs', QueueName), QueueName, QueueUrl: ref } };
  },
  'AWS::SNS::Topic': (place, read) => {
    const TopicName = read('TopicName') ?? place.name;
    const ref = arn(place, 'sns', TopicName);
    return { ref, attributes: { TopicArn: ref, TopicName } };
  },
  'AWS::S3::Bucket': ({ name, region }, read) => {
    const ref = read('BucketName') ?? name.toLowerCase();
    const partition = partitionOf(region);
    return {
      ref,
      attributes: {
        Arn: `arn:${partition.name}:s3:::${ref}`,
        DomainName: `${ref}.s3.${partition.urlSuffix}`,
      },
    };
  },
  'AWS::IAM::Role': (place, read) => {
    const ref = read('RoleName') ?? place.name;
    return { ref, attributes: { Arn: iamArn(place, `role${read('Path') ?? '/'}${ref}`) } };
  },
  'AWS::IAM::ManagedPolicy': (place, read) => {
    const name = read('ManagedPolicyName') ?? place.name;
    const ref = iamArn(place, `policy${read('Path') ?? '/'}${name}`);
    return { ref, attributes: { PolicyArn: ref } };
  },
  'AWS::Logs::LogGroup': named('LogGroupName', 'logs', (name) => `log-group:${name}:*`),
  'AWS::CloudWatch::Alarm': named('AlarmName', 'cloudwatch', (name) => `alarm:${name}`),
  'AWS::Events::EventBus': named('Name', 'events', (name) => `event-bus/${name}`),
  'AWS::SSM::Parameter': ({ name }, read) => ({
    ref: read('Name') ?? name,
    attributes: { Value: read('Value') ?? '' },
  }),
};

/** The identity of a resource; `undefined` if its type is not known here. */
export function identityOf(
  { type, properties }: TemplateResource,
  place: Place,
  resolve: (value: unknown, where: string) => unknown,
): Identity | undefined {
  const identity = Object.hasOwn(IDENTITIES, type) ? IDENTITIES[type] : undefined;
  return identity?.(place, (property) =>
    scalarText(resolve(properties[property], `"${property}" of "${place.name}"`)),
  );
}

/** The hint for a URI without a function. */
export function functionUriHint(uri = ''): string {
  return /\$\{[^}]+\}/.test(uri)
    ? 'The value in "${…}" is only known on AWS, and nested stacks are not read. Let the function be a resource of one of the stacks, or exclude its routes with a Condition.'
    : FUNCTION_URI_HINT;
}

/** The hint for a missing URI of a function. */
export const FUNCTION_URI_HINT =
  "Write !Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${YourFunction.Arn}/invocations'.";

/** The function in the URI of an integration or authorizer, with its alias or version. */
export function functionIn(
  uri: string,
): { readonly name: string; readonly qualifier: string | undefined } | undefined {
  const [, name, qualifier] =
    /\/functions\/arn:[^:]+:lambda:[^:]*:[^:]*:function:([^:/]+)(?::([^/]+))?\/invocations$/.exec(
      uri,
    ) ?? [];
  return name === undefined ? undefined : { name, qualifier };
}

/** The AWS service in the URI of an integration, unless it is Lambda. */
export function otherServiceIn(uri: string): string | undefined {
  const service = /^arn:[^:]+:apigateway:[^:]*:([\w.-]+):(?:action|path)\//.exec(uri)?.[1];
  return service === 'lambda' ? undefined : service;
}
