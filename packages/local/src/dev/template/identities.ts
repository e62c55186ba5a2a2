import { apiDefaults } from '../../gateway/options.js';
import type { TemplateResource } from './parse-template.js';
import type { Resolver } from './resolve.js';

const { region: REGION, accountId: ACCOUNT_ID } = apiDefaults;
/** The id of the API that runs. */
export const API_ID: string = apiDefaults.apiId;

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
 * The value of `Ref`, or of `Fn::GetAtt` with an attribute, for a resource. For a resource that does not
 * run locally, it is the logical id.
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

/** The hint for a wrong URI of a function. */
export const FUNCTION_URI_HINT =
  "Write !Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${YourFunction.Arn}/invocations'.";

/** The name of the function in the URI of an integration or authorizer. */
export function functionNameIn(uri: string): string | undefined {
  return /\/functions\/arn:[^:]+:lambda:[^:]*:[^:]*:function:([^:/]+)(?::[^/]+)?\/invocations$/.exec(
    uri,
  )?.[1];
}

function functionArn(name: string): string {
  return `arn:aws:lambda:${REGION}:${ACCOUNT_ID}:function:${name}`;
}
