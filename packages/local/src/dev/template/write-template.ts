import { createHash } from 'node:crypto';
import type { ManifestRoute, RouteManifest } from '@gatecast/framework';
import type { BundleFormat } from '../../lambda/bundle-settings.js';

/** An app to deploy. */
export interface TemplateInput {
  readonly manifest: RouteManifest;
  readonly format: BundleFormat;
  /** The main fields of packages, in this order: `module,main`. */
  readonly mainFields: string;
  /** Packages to leave out of the bundle. */
  readonly external: readonly string[];
  /** Folder of the app's package.json, relative to the template. */
  readonly codeFolder: string;
  /** Source file of the app, relative to that folder. */
  readonly entryPoint: string;
  /** In Lambda's form: `app.handler`. */
  readonly handler: string;
  /** The store's table, if it is in DynamoDB: what its definition says, and the actions on it. */
  readonly table: { readonly definition: object; readonly actions: readonly string[] } | undefined;
}

const ARN = 'arn:${AWS::Partition}:';
const API_ARN = `${ARN}execute-api:\${AWS::Region}:\${AWS::AccountId}:\${Api}`;

/**
 * Writes a SAM template that deploys an app: API, stage, routes, function, permissions, and what its
 * authorizer and its store need (AWS: "AWS::ApiGatewayV2 resource type reference", "AWS SAM resources").
 *
 * SAM's own WebSocket API cannot be used: it takes neither dots in route keys nor MOCK integrations.
 */
export function writeTemplate(input: TemplateInput): string {
  const { manifest, table } = input;
  const { authorizer, routes } = manifest;
  const usesRedis = storesOf(manifest).includes('redis');
  const ids = logicalIds(routes);
  const resources = [
    apiOf(routes.flatMap((route) => routeResources(route, ids))),
    functionOf(input, usesRedis),
    ...(table === undefined ? [] : [tableOf(table.definition)]),
    ...(authorizer ? [AUTHORIZER] : []),
    INTEGRATION,
    ...routes.map((route) => routeOf(route, ids, authorizer)),
  ];
  return `# Written by "gatecast template". Deploy it: sam build && sam deploy --guided
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Description: A realtime API

Parameters:
  StageName:
    Type: String
    Default: prod
    AllowedPattern: '[A-Za-z0-9_-]{1,128}'
${usesRedis ? redisParameter : ''}
Resources:
${resources.join('\n')}
Outputs:
  Url:
    Value: !Sub wss://\${Api}.execute-api.\${AWS::Region}.\${AWS::URLSuffix}/\${StageName}
`;
}

/** The parts that a store is composed of. */
export function storesOf({ store = '' }: RouteManifest): readonly string[] {
  return store.split('+');
}

const functionUri = `!Sub '${ARN}apigateway:\${AWS::Region}:lambda:path/2015-03-31/functions/\${Function.Arn}/invocations'`;

function apiOf(dependencies: readonly string[]): string {
  return `  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties:
      Name: !Ref AWS::StackName
      ProtocolType: WEBSOCKET
      RouteSelectionExpression: $request.body.action
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    # Otherwise the stage is there before its routes are.
    DependsOn:
${dependencies.map((id) => `      - ${id}\n`).join('')}    Properties:
      ApiId: !Ref Api
      StageName: !Ref StageName
      AutoDeploy: true
`;
}

const INTEGRATION = `  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: ${functionUri}
`;

const redisParameter = `  RedisUrl:
    Type: String
    # It may hold a password.
    NoEcho: true
    Description: Such as rediss://my-cache.serverless.use1.cache.amazonaws.com:6379
  KeyPrefix:
    Type: String
    Default: 'gatecast:'
    AllowedPattern: '[^{}]+'
    Description: Begins every key. Another one for each app and stage that share a server
`;

function functionOf(input: TemplateInput, usesRedis: boolean): string {
  const { table, codeFolder, entryPoint, handler, format, mainFields, external } = input;
  const variables = [
    'GATECAST_API_ID: !Ref Api',
    'GATECAST_STAGE: !Ref StageName',
    // So that the app can tell when the API's routes are older than its code.
    'GATECAST_ROUTES: manifest',
    ...(table === undefined ? [] : ['GATECAST_TABLE: !Ref Table']),
    ...(usesRedis
      ? ['GATECAST_REDIS_URL: !Ref RedisUrl', 'GATECAST_KEY_PREFIX: !Ref KeyPrefix']
      : []),
  ];
  return `  Function:
    Type: AWS::Serverless::Function
    Metadata:
      BuildMethod: esbuild
      BuildProperties:
        EntryPoints: [${quoted(entryPoint)}]
        Target: node20
        Minify: true
        MainFields: ${mainFields}
${external.length > 0 ? `        External: [${external.map(quoted).join(', ')}]\n` : ''}${format === 'esm' ? esModule : commonJs}    Properties:
      CodeUri: ${quoted(codeFolder)}
      Handler: ${quoted(handler)}
      Runtime: nodejs24.x
      Architectures: [arm64]
      MemorySize: 1024
      # As long as API Gateway waits.
      Timeout: 29
      # Metric filters and queries read fields of lines that are JSON as a whole.
      LoggingConfig:
        LogFormat: JSON
${usesRedis ? '      # A function that reaches a cache in a VPC also needs VpcConfig, and a way out to API Gateway.\n' : ''}      Environment:
        Variables:
${variables.map((line) => `          ${line}\n`).join('')}      Policies:
        - Version: '2012-10-17'
          Statement:
            - Effect: Allow
              Action: execute-api:ManageConnections
              Resource:
                - !Sub '${API_ARN}/\${StageName}/POST/@connections/*'
                - !Sub '${API_ARN}/\${StageName}/DELETE/@connections/*'
${table === undefined ? '' : statement(table.actions)}  FunctionPermission:
    Type: AWS::Lambda::Permission
    Properties:
      Action: lambda:InvokeFunction
      FunctionName: !Ref Function
      Principal: apigateway.amazonaws.com
      SourceArn: !Sub '${API_ARN}/\${StageName}/*'
`;
}

function statement(actions: readonly string[]): string {
  return `            - Effect: Allow
              Action: [${actions.map(quoted).join(', ')}]
              Resource: !GetAtt Table.Arn
`;
}

// "require" starts faster than "import()", so esbuild replaces it.
const commonJs = `        Format: cjs
        Supported: [dynamic-import=false]
`;

const esModule = `        Format: esm
        OutExtension: [.js=.mjs]
        Banner:
          - js=import * as __module from 'node:module'; const require = __module.createRequire(import.meta.url);
`;

function tableOf(definition: object): string {
  const lines = Object.entries(definition).map(
    ([name, value]) => `      ${name}: ${JSON.stringify(value)}\n`,
  );
  return `  Table:
    Type: AWS::DynamoDB::Table
    # It stays when the stack goes, but not after a first deployment that failed.
    DeletionPolicy: RetainExceptOnCreate
    UpdateReplacePolicy: Retain
    Properties:
${lines.join('')}`;
}

const AUTHORIZER = `  Authorizer:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      ApiId: !Ref Api
      Name: Authorizer
      AuthorizerType: REQUEST
      AuthorizerUri: ${functionUri}
  AuthorizerPermission:
    Type: AWS::Lambda::Permission
    Properties:
      Action: lambda:InvokeFunction
      FunctionName: !Ref Function
      Principal: apigateway.amazonaws.com
      SourceArn: !Sub '${API_ARN}/authorizers/\${Authorizer}'
`;

type Ids = ReadonlyMap<string, string>;

function routeOf(route: ManifestRoute, ids: Ids, hasAuthorizer: boolean): string {
  const { routeKey, twoWay, integration } = route;
  const id = ids.get(routeKey);
  const isMock = integration === 'mock';
  return `${isMock ? mockOf(route, id) : ''}  ${id}Route:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: ${quoted(routeKey)}
${routeKey === '$connect' && hasAuthorizer ? access : ''}${twoWay ? '      RouteResponseSelectionExpression: $default\n' : ''}      Target: !Sub integrations/\${${isMock ? id : ''}Integration}
${twoWay ? responseOf(id) : ''}`;
}

const access = `      AuthorizationType: CUSTOM
      AuthorizerId: !Ref Authorizer
`;

function responseOf(id: string | undefined): string {
  return `  ${id}Response:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties:
      ApiId: !Ref Api
      RouteId: !Ref ${id}Route
      RouteResponseKey: $default
`;
}

function mockOf({ response = '' }: ManifestRoute, id: string | undefined): string {
  return `  ${id}Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: MOCK
      PassthroughBehavior: NEVER
      TemplateSelectionExpression: \\$default
      RequestTemplates:
        $default: '{"statusCode":200}'
  ${id}Answer:
    Type: AWS::ApiGatewayV2::IntegrationResponse
    Properties:
      ApiId: !Ref Api
      IntegrationId: !Ref ${id}Integration
      IntegrationResponseKey: $default
      TemplateSelectionExpression: \\$default
      ResponseTemplates:
        $default: ${quoted(response)}
`;
}

function routeResources({ routeKey, twoWay, integration }: ManifestRoute, ids: Ids): string[] {
  const id = ids.get(routeKey);
  return [
    `${id}Route`,
    ...(twoWay ? [`${id}Response`] : []),
    ...(integration === 'mock' ? [`${id}Answer`] : []),
  ];
}

/** First parts of logical ids, which only have letters and digits: `RoomsPost` for `rooms.post`. */
function logicalIds(routes: readonly ManifestRoute[]): Ids {
  const ids = new Map<string, string>();
  for (const { routeKey } of routes) {
    const words = routeKey.split(/[^A-Za-z0-9]+/);
    const id = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
    const isTaken = [...ids.values()].includes(id);
    ids.set(routeKey, isTaken ? `${id}${hashOf(routeKey)}` : id);
  }
  return ids;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/** A string of JSON is a string of YAML. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
