import type { TemplateResource } from './parse-template.js';
import type { Resolver } from './resolve.js';

/** Where the stack would be: the gateway's own defaults. */
export const REGION = 'us-east-1';
export const ACCOUNT_ID = '123456789012';
/** The id of the one API that runs. */
export const API_ID = 'local00000';

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

interface Names {
  readonly logicalId: string;
  readonly attribute: string | undefined;
}

/**
 * What `Ref`, or `Fn::GetAtt` with an attribute, yields for a resource. What does not run locally is
 * known by its logical id.
 */
export function identityOf(
  resource: TemplateResource,
  { logicalId, attribute }: Names,
  resolver: Resolver,
): string {
  const named = (property: string): string => {
    const where = `"${property}" of "${logicalId}"`;
    const name = resolver.resolve(resource.properties[property], where);
    return typeof name === 'string' ? name : logicalId;
  };
  if (functionTypes.has(resource.type)) {
    const name = named('FunctionName');
    return attribute === undefined ? name : functionArn(name);
  }
  if (resource.type === 'AWS::ApiGatewayV2::Api' && named('ProtocolType') === 'WEBSOCKET') {
    return attribute === 'ApiEndpoint'
      ? `wss://${API_ID}.execute-api.${REGION}.amazonaws.com`
      : API_ID;
  }
  return resource.type === 'AWS::ApiGatewayV2::Stage' ? named('StageName') : logicalId;
}

/** What to write where a function's URI is wrong. */
export const FUNCTION_URI_HINT =
  "Write !Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${YourFunction.Arn}/invocations'.";

/** The name of the function that an integration's or authorizer's URI leads to. */
export function functionNameIn(uri: string): string | undefined {
  return /\/functions\/arn:[^:]+:lambda:[^:]*:[^:]*:function:([^:/]+)(?::[^/]+)?\/invocations$/.exec(
    uri,
  )?.[1];
}

function functionArn(name: string): string {
  return `arn:aws:lambda:${REGION}:${ACCOUNT_ID}:function:${name}`;
}
