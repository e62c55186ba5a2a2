import { apiDefaults } from '../../gateway/options.js';
import type { TemplateResource } from './parse-template.js';
import { scalarText } from './parse-template.js';
import type { Resolver } from './resolve.js';

const { region: REGION, accountId: ACCOUNT_ID } = apiDefaults;
/** The id of the API that runs. */
export const API_ID: string = apiDefaults.apiId;

const HOSTS = `execute-api.${REGION}.amazonaws.com`;

export const pseudoParameters: Readonly<Record<string, string>> = {
  'AWS::AccountId': ACCOUNT_ID,
  'AWS::Partition': 'aws',
  'AWS::Region': REGION,
  'AWS::StackId': `arn:aws:cloudformation:${REGION}:${ACCOUNT_ID}:stack/local/local`,
  'AWS::StackName': 'local',
  'AWS::URLSuffix': 'amazonaws.com',
};

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

/** A property as text; `undefined` if it is missing. */
type Read = (property: string) => string | undefined;

type IdentityOf = (logicalId: string, read: Read) => Identity;

/** A resource whose `Ref` is its name, and whose ARN is of the given form. */
function named(property: string, arn: (name: string) => string): IdentityOf {
  return (logicalId, read) => {
    const ref = read(property) ?? logicalId;
    return { ref, attributes: { Arn: arn(ref) } };
  };
}

/** A part of an API. Its id is its logical id, by which the reader finds it. */
function partOfApi(attribute: string): IdentityOf {
  return (logicalId) => ({ ref: logicalId, attributes: { [attribute]: logicalId } });
}

function arn(service: string, resource: string): string {
  return `arn:aws:${service}:${REGION}:${ACCOUNT_ID}:${resource}`;
}

const lambda = named('FunctionName', (name) => arn('lambda', `function:${name}`));

const table: IdentityOf = (logicalId, read) => {
  const ref = read('TableName') ?? logicalId;
  const Arn = arn('dynamodb', `table/${ref}`);
  return { ref, attributes: { Arn, StreamArn: `${Arn}/stream/2026-01-01T00:00:00.000` } };
};

/** The function of an alias or a version may be given by name or ARN. */
function functionArnOf(read: Read): string {
  const name = read('FunctionName')?.split(':').at(-1) ?? '';
  return arn('lambda', `function:${name}`);
}

/** What `Ref` and `Fn::GetAtt` give, by type (AWS: "Return values" in each type's reference). */
const IDENTITIES: Readonly<Record<string, IdentityOf>> = {
  'AWS::Serverless::Function': lambda,
  'AWS::Lambda::Function': lambda,
  'AWS::Lambda::Alias': (_logicalId, read) => {
    const ref = `${functionArnOf(read)}:${read('Name') ?? ''}`;
    return { ref, attributes: { AliasArn: ref } };
  },
  'AWS::Lambda::Version': (_logicalId, read) => {
    const ref = `${functionArnOf(read)}:1`;
    return { ref, attributes: { FunctionArn: ref, Version: '1' } };
  },
  'AWS::ApiGatewayV2::Api': (logicalId, read) =>
    read('ProtocolType') === 'WEBSOCKET'
      ? { ref: API_ID, attributes: { ApiEndpoint: `wss://${API_ID}.${HOSTS}`, ApiId: API_ID } }
      : {
          ref: logicalId,
          attributes: { ApiEndpoint: `https://${logicalId}.${HOSTS}`, ApiId: logicalId },
        },
  'AWS::ApiGatewayV2::Stage': (logicalId, read) => ({
    ref: read('StageName') ?? logicalId,
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
  'AWS::ApiGatewayV2::DomainName': (logicalId, read) => ({
    ref: read('DomainName') ?? logicalId,
    attributes: {},
  }),
  'AWS::DynamoDB::Table': table,
  'AWS::DynamoDB::GlobalTable': table,
  'AWS::SQS::Queue': (logicalId, read) => {
    const QueueName = read('QueueName') ?? logicalId;
    const ref = `https://sqs.${REGION}.amazonaws.com/${ACCOUNT_ID}/${QueueName}`;
    return { ref, attributes: { Arn: arn('sqs', QueueName), QueueName, QueueUrl: ref } };
  },
  'AWS::SNS::Topic': (logicalId, read) => {
    const TopicName = read('TopicName') ?? logicalId;
    const ref = arn('sns', TopicName);
    return { ref, attributes: { TopicArn: ref, TopicName } };
  },
  'AWS::S3::Bucket': (logicalId, read) => {
    const ref = read('BucketName') ?? logicalId.toLowerCase();
    return {
      ref,
      attributes: { Arn: `arn:aws:s3:::${ref}`, DomainName: `${ref}.s3.amazonaws.com` },
    };
  },
  'AWS::IAM::Role': (logicalId, read) => {
    const ref = read('RoleName') ?? logicalId;
    return {
      ref,
      attributes: { Arn: `arn:aws:iam::${ACCOUNT_ID}:role${read('Path') ?? '/'}${ref}` },
    };
  },
  'AWS::Logs::LogGroup': named('LogGroupName', (name) => arn('logs', `log-group:${name}:*`)),
  'AWS::Events::EventBus': named('Name', (name) => arn('events', `event-bus/${name}`)),
  'AWS::SSM::Parameter': (logicalId, read) => ({
    ref: read('Name') ?? logicalId,
    attributes: { Value: read('Value') ?? '' },
  }),
};

/** The identity of a resource; `undefined` if its type is not known here. */
export function identityOf(
  { type, properties }: TemplateResource,
  logicalId: string,
  resolver: Resolver,
): Identity | undefined {
  const identity = Object.hasOwn(IDENTITIES, type) ? IDENTITIES[type] : undefined;
  return identity?.(logicalId, (property) =>
    scalarText(resolver.resolve(properties[property], `"${property}" of "${logicalId}"`)),
  );
}

/** The hint for a wrong URI of a function. */
export const FUNCTION_URI_HINT =
  "Write !Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${YourFunction.Arn}/invocations'.";

/** The name of the function in the URI of an integration or authorizer. */
export function functionNameIn(uri: string): string | undefined {
  return /\/functions\/arn:[^:]+:lambda:[^:]*:[^:]*:function:([^:/]+)(?::[^/]+)?\/invocations$/.exec(
    uri,
  )?.[1];
}

/** The AWS service in the URI of an integration, unless it is Lambda. */
export function otherServiceIn(uri: string): string | undefined {
  const service = /^arn:[^:]+:apigateway:[^:]*:([\w.-]+):(?:action|path)\//.exec(uri)?.[1];
  return service === 'lambda' ? undefined : service;
}
