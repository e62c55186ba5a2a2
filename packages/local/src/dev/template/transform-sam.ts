import { isObject } from '../../iam/outcome.js';
import {
  type Fields,
  fieldsOf,
  type Template,
  type TemplateResource,
  templateError,
} from './parse-template.js';

type Resources = Map<string, TemplateResource>;

/** Resources by logical id, and the names that SAM has for some of them (`MyApi.Stage`). */
interface Generated {
  readonly resources: Resources;
  readonly names: Map<string, string>;
}

/** Sections of `Globals` by the type of resource that they are for. */
const GLOBALS: Readonly<Record<string, string>> = {
  'AWS::Serverless::Function': 'Function',
  'AWS::Serverless::WebSocketApi': 'WebSocketApi',
  'AWS::Serverless::SimpleTable': 'SimpleTable',
};

/** Whether the section of `Globals` is for resources that run locally. */
export function isKnownGlobal(section: string): boolean {
  return Object.values(GLOBALS).includes(section);
}

/**
 * Replaces resources of SAM by those of CloudFormation that SAM makes of them, with the same logical ids
 * (AWS: "Generated CloudFormation resources for AWS SAM"). Functions stay, with the properties of
 * `Globals`.
 *
 * @throws StartError `ERR_TEMPLATE_INVALID` if SAM would refuse a resource.
 */
export function transformSam(template: Template): Template {
  const generated: Generated = { resources: new Map(), names: new Map() };
  for (const [logicalId, resource] of template.resources) {
    const section = GLOBALS[resource.type];
    const shared = section === undefined ? {} : (template.globals[section] ?? {});
    const properties = merged(
      fieldsOf(shared, `"Globals.${section}"`),
      resource.properties,
    ) as Fields;
    transformResource(logicalId, { ...resource, properties }, generated);
  }
  return { ...template, resources: generated.resources, generated: generated.names };
}

/**
 * Objects are merged and lists joined; otherwise the resource's own value wins (AWS SAM: "Globals
 * section").
 */
function merged(shared: unknown, own: unknown): unknown {
  if (Array.isArray(shared) && Array.isArray(own)) return [...shared, ...own];
  if (!isPlainObject(shared) || !isPlainObject(own)) return own;
  const both = Object.entries(own).map(([key, value]): [string, unknown] => [
    key,
    Object.hasOwn(shared, key) ? merged(shared[key], value) : value,
  ]);
  return { ...shared, ...Object.fromEntries(both) };
}

/** Whether it is an object, and not an intrinsic function. */
function isPlainObject(value: unknown): value is Fields {
  if (!isObject(value)) return false;
  const [key = ''] = Object.keys(value);
  return !(Object.keys(value).length === 1 && (key === 'Ref' || key.startsWith('Fn::')));
}

function transformResource(
  logicalId: string,
  resource: TemplateResource,
  generated: Generated,
): void {
  const { type } = resource;
  if (type === 'AWS::Serverless::WebSocketApi') {
    new WebSocketApi(logicalId, resource, generated).generate();
    return;
  }
  if (type === 'AWS::Serverless::SimpleTable') {
    generated.resources.set(logicalId, simpleTable(resource));
    return;
  }
  generated.resources.set(logicalId, resource);
  if (type === 'AWS::Serverless::Function') {
    generateForFunction(logicalId, resource, generated);
  }
}

function simpleTable(resource: TemplateResource): TemplateResource {
  const { PrimaryKey = {}, ...others } = resource.properties;
  const { Name = 'id', Type = 'String' } = fieldsOf(PrimaryKey, '"PrimaryKey"');
  const type = { String: 'S', Number: 'N', Binary: 'B' }[String(Type)] ?? Type;
  return {
    ...resource,
    type: 'AWS::DynamoDB::Table',
    properties: {
      ...others,
      AttributeDefinitions: [{ AttributeName: Name, AttributeType: type }],
      KeySchema: [{ AttributeName: Name, KeyType: 'HASH' }],
    },
  };
}

function generateForFunction(
  logicalId: string,
  { condition, properties }: TemplateResource,
  { resources, names }: Generated,
): void {
  const { Role, AutoPublishAlias } = properties;
  const add = (id: string, type: string, own: Fields): void => {
    resources.set(id, { type, condition, properties: own, metadata: {} });
  };
  // A condition may leave the role out.
  if (Role === undefined || (isObject(Role) && 'Fn::If' in Role)) {
    add(roleIdOf(logicalId), 'AWS::IAM::Role', generatedRole(properties));
    names.set(`${logicalId}.Role`, roleIdOf(logicalId));
  }
  if (AutoPublishAlias !== undefined) {
    const FunctionName = { Ref: logicalId };
    const suffix = typeof AutoPublishAlias === 'string' ? AutoPublishAlias : '';
    add(`${logicalId}Version`, 'AWS::Lambda::Version', { FunctionName });
    add(`${logicalId}Alias${suffix}`, 'AWS::Lambda::Alias', {
      FunctionName,
      Name: AutoPublishAlias,
    });
    names.set(`${logicalId}.Version`, `${logicalId}Version`);
    names.set(`${logicalId}.Alias`, `${logicalId}Alias${suffix}`);
  }
}

/** The logical id of the role that SAM makes for a function without one. */
export function roleIdOf(functionId: string): string {
  return `${functionId}Role`;
}

/** That role, but for the `Policies` of the function (AWS SAM: "AWS::Serverless::Function"). */
function generatedRole(properties: Fields): Fields {
  const { AssumeRolePolicyDocument, DeadLetterQueue, PermissionsBoundary, RolePath } = properties;
  const { Events, VpcConfig } = properties;
  const types = isPlainObject(Events)
    ? Object.values(Events).map((event) => (isPlainObject(event) ? event['Type'] : undefined))
    : [];
  const managed = [
    'AWSLambdaBasicExecutionRole',
    ...(VpcConfig === undefined ? [] : ['AWSLambdaVPCAccessExecutionRole']),
    ...(types.includes('SQS') ? ['AWSLambdaSQSQueueExecutionRole'] : []),
    ...(types.includes('DynamoDB') ? ['AWSLambdaDynamoDBExecutionRole'] : []),
  ];
  return {
    AssumeRolePolicyDocument: AssumeRolePolicyDocument ?? TRUSTS_LAMBDA,
    ManagedPolicyArns: managed.map((name) => ({
      'Fn::Sub': `arn:\${AWS::Partition}:iam::aws:policy/service-role/${name}`,
    })),
    ...(PermissionsBoundary !== undefined && { PermissionsBoundary }),
    ...(RolePath !== undefined && { Path: RolePath }),
    ...(isPlainObject(DeadLetterQueue) && { Policies: [deadLetterPolicy(DeadLetterQueue)] }),
  };
}

const TRUSTS_LAMBDA: Fields = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Service: 'lambda.amazonaws.com' },
      Action: 'sts:AssumeRole',
    },
  ],
};

function deadLetterPolicy({ Type, TargetArn }: Fields): Fields {
  const Action = Type === 'SNS' ? 'sns:publish' : 'sqs:SendMessage';
  const statement = { Effect: 'Allow', Action, Resource: TargetArn };
  return {
    PolicyName: 'DeadLetterQueuePolicy',
    PolicyDocument: { Version: '2012-10-17', Statement: [statement] },
  };
}

/** What SAM makes of one `AWS::Serverless::WebSocketApi`. */
class WebSocketApi {
  readonly #logicalId: string;
  readonly #properties: Fields;
  readonly #condition: string | undefined;
  readonly #generated: Generated;

  constructor(logicalId: string, resource: TemplateResource, generated: Generated) {
    this.#logicalId = logicalId;
    this.#properties = resource.properties;
    this.#condition = resource.condition;
    this.#generated = generated;
  }

  generate(): void {
    const { Auth, Domain, Routes, StageName, PropagateTags: _, ...others } = this.#properties;
    const { AccessLogSettings, DefaultRouteSettings, RouteSettings, StageVariables, ...api } =
      others;
    if (api['RouteSelectionExpression'] === undefined) {
      this.#refuse('has no "RouteSelectionExpression"', 'Write one, such as $request.body.action.');
    }
    this.#add('', 'Api', { ...api, ProtocolType: 'WEBSOCKET' });
    const stageId = this.#stageId(StageName);
    this.#add(stageId, 'Stage', {
      ...this.#ofApi({ AccessLogSettings, DefaultRouteSettings, RouteSettings, StageVariables }),
      StageName: StageName ?? 'default',
      AutoDeploy: true,
    });
    this.#generated.names.set(`${this.#logicalId}.Stage`, `${this.#logicalId}${stageId}`);
    const routes = Object.entries(fieldsOf(Routes ?? {}, this.#where('Routes')));
    if (routes.length === 0) {
      this.#refuse('has no routes', 'Add "Routes", such as $default: { FunctionArn: … }.');
    }
    const access = this.#access(Auth, Object.fromEntries(routes));
    for (const [routeKey, route] of routes) {
      const spec = fieldsOf(route, this.#where(`Routes.${routeKey}`));
      const stageName = StageName ?? 'default';
      this.#route(routeKey, { spec, stageName, ...(routeKey === '$connect' && { access }) });
    }
    if (Domain !== undefined) this.#domain(fieldsOf(Domain, this.#where('Domain')), stageId);
  }

  #stageId(name: unknown): string {
    if (name === undefined || name === 'default') return 'DefaultStage';
    return typeof name === 'string' ? `${name}Stage` : 'Stage';
  }

  #route(
    routeKey: string,
    { spec, stageName, access }: { spec: Fields; stageName: unknown; access?: Fields },
  ): void {
    const { FunctionArn, IntegrationTimeout, ...route } = spec;
    if (!/^(?:\$connect|\$disconnect|\$default|[A-Za-z0-9]+)$/.test(routeKey)) {
      this.#refuse(
        `has the route key "${routeKey}", but SAM only takes letters and digits`,
        'Rename the route, or describe the API with AWS::ApiGatewayV2::Api and its Route.',
      );
    }
    if (FunctionArn === undefined) {
      this.#refuse(
        `has no "FunctionArn" for the route "${routeKey}"`,
        'Write FunctionArn: !GetAtt YourFunction.Arn.',
      );
    }
    const name = capitalized(routeKey.replace('$', ''));
    this.#add(`${name}Integration`, 'Integration', {
      ...this.#ofApi({ TimeoutInMillis: IntegrationTimeout }),
      IntegrationType: 'AWS_PROXY',
      IntegrationUri: uriOf(FunctionArn),
    });
    const integration = { Ref: `${this.#logicalId}${name}Integration` };
    this.#add(`${name}Route`, 'Route', {
      ...this.#ofApi(route),
      RouteKey: routeKey,
      Target: { 'Fn::Join': ['/', ['integrations', integration]] },
      ...access,
    });
    this.#permission(`${name}Permission`, FunctionArn, [stageName, routeKey]);
  }

  /** Lets a part of the API invoke a function. */
  #permission(suffix: string, functionArn: unknown, [first, ...rest]: readonly unknown[]): void {
    const arn = 'arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}';
    const names = { Api: { Ref: this.#logicalId }, First: first };
    this.#generated.resources.set(`${this.#logicalId}${suffix}`, {
      type: 'AWS::Lambda::Permission',
      condition: this.#condition,
      properties: {
        Action: 'lambda:InvokeFunction',
        FunctionName: functionArn,
        Principal: 'apigateway.amazonaws.com',
        SourceArn: { 'Fn::Sub': [[`${arn}/\${First}`, ...rest].join('/'), names] },
      },
      metadata: {},
    });
  }

  /** The properties of `$connect` that control access. */
  #access(auth: unknown, routes: Fields): Fields {
    if (auth === undefined) return {};
    const { AuthType, AuthArn, InvokeRole, IdentitySource, Name } = fieldsOf(
      auth,
      this.#where('Auth'),
    );
    if (!Object.hasOwn(routes, '$connect')) {
      this.#refuse('has "Auth", but no route $connect', 'Add the route, or remove "Auth".');
    }
    if (AuthType === 'NONE' || AuthType === 'AWS_IAM') return { AuthorizationType: AuthType };
    if (AuthType !== 'CUSTOM') {
      this.#refuse(
        `has the "Auth.AuthType" ${JSON.stringify(AuthType)}`,
        'Write CUSTOM, AWS_IAM or NONE.',
      );
    }
    if (AuthArn === undefined) {
      this.#refuse('has no "Auth.AuthArn"', 'Write AuthArn: !GetAtt YourAuthorizer.Arn.');
    }
    this.#add('ConnectAuthorizer', 'Authorizer', {
      ...this.#ofApi({ AuthorizerCredentialsArn: InvokeRole, IdentitySource, Name }),
      AuthorizerType: 'REQUEST',
      AuthorizerUri: uriOf(AuthArn),
    });
    if (InvokeRole === undefined) {
      this.#permission('AuthorizerPermission', AuthArn, ['authorizers', '*']);
    }
    return {
      AuthorizationType: 'CUSTOM',
      AuthorizerId: { Ref: `${this.#logicalId}ConnectAuthorizer` },
    };
  }

  #domain({ BasePath, DomainName }: Fields, stageId: string): void {
    const paths = Array.isArray(BasePath) ? (BasePath as unknown[]) : [BasePath];
    for (const path of paths) {
      const name = typeof path === 'string' ? path.replaceAll(/[-_/]+/g, '') : '';
      this.#add(`${name}ApiMapping`, 'ApiMapping', {
        ...this.#ofApi({ DomainName, ApiMappingKey: path }),
        Stage: { Ref: `${this.#logicalId}${stageId}` },
      });
    }
  }

  #add(suffix: string, type: string, properties: Fields): void {
    this.#generated.resources.set(`${this.#logicalId}${suffix}`, {
      type: `AWS::ApiGatewayV2::${type}`,
      condition: this.#condition,
      properties,
      metadata: {},
    });
  }

  /** The properties that have a value, and `ApiId`. */
  #ofApi(properties: Fields): Fields {
    const given = Object.entries(properties).filter(([, value]) => value !== undefined);
    return { ...Object.fromEntries(given), ApiId: { Ref: this.#logicalId } };
  }

  #where(property: string): string {
    return `"${property}" of "${this.#logicalId}"`;
  }

  #refuse(problem: string, hint: string): never {
    throw templateError(`"${this.#logicalId}" (AWS::Serverless::WebSocketApi) ${problem}.`, hint);
  }
}

/** As in Python, which SAM is written in: all other letters become small. */
function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1).toLowerCase();
}

function uriOf(functionArn: unknown): Fields {
  const uri =
    'arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${FunctionArn}/invocations';
  return { 'Fn::Sub': [uri, { FunctionArn: functionArn }] };
}
