import type { Fields, Template, TemplateResource } from '../template/parse-template.js';

/** A template with one part less. */
export interface Mutant {
  /** `LOGICAL_ID: action dynamodb:PutItem of statement 2`. Unique in its template. */
  readonly name: string;
  readonly template: Template;
}

/** Steps from the properties of a resource to a part of it. */
type Path = readonly (string | number)[];

/** A part that can be removed. */
interface Part {
  readonly name: string;
  readonly path: Path;
}

/** Types whose resources are removed as a whole, with those that cannot be without them. */
const REMOVED_WHOLE: ReadonlySet<string> = new Set([
  'AWS::ApiGatewayV2::Route',
  'AWS::ApiGatewayV2::RouteResponse',
  'AWS::ApiGatewayV2::IntegrationResponse',
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::Policy',
  'AWS::IAM::RolePolicy',
  'AWS::Lambda::Permission',
]);

/** Properties without which CloudFormation refuses the resource (its reference). */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  'AWS::ApiGatewayV2::Api': ['ProtocolType', 'RouteSelectionExpression', 'Name'],
  'AWS::ApiGatewayV2::Authorizer': ['ApiId', 'AuthorizerType', 'AuthorizerUri', 'Name'],
  'AWS::ApiGatewayV2::Integration': ['ApiId', 'IntegrationType', 'IntegrationUri'],
  'AWS::ApiGatewayV2::IntegrationResponse': ['ApiId', 'IntegrationId', 'IntegrationResponseKey'],
  'AWS::ApiGatewayV2::Route': ['ApiId', 'RouteKey', 'Target'],
  'AWS::ApiGatewayV2::RouteResponse': ['ApiId', 'RouteId', 'RouteResponseKey'],
  'AWS::ApiGatewayV2::Stage': ['ApiId', 'StageName'],
  'AWS::DynamoDB::GlobalTable': ['AttributeDefinitions', 'KeySchema', 'Replicas'],
  'AWS::DynamoDB::Table': ['AttributeDefinitions', 'KeySchema'],
  'AWS::IAM::ManagedPolicy': ['PolicyDocument'],
  'AWS::IAM::Policy': ['PolicyDocument', 'PolicyName', 'Roles'],
  'AWS::IAM::Role': ['AssumeRolePolicyDocument'],
  'AWS::IAM::RolePolicy': ['PolicyName', 'RoleName', 'PolicyDocument'],
  'AWS::Lambda::Function': ['Code', 'Handler', 'Role', 'Runtime'],
  'AWS::Lambda::Permission': ['Action', 'FunctionName', 'Principal'],
  'AWS::Serverless::Function': ['CodeUri', 'InlineCode', 'Handler', 'Runtime'],
  'AWS::Serverless::SimpleTable': [],
  'AWS::Serverless::WebSocketApi': ['RouteSelectionExpression', 'Routes'],
};

/** Objects whose entries are removed one by one. */
const MAPS: ReadonlySet<string> = new Set([
  'Environment.Variables',
  'RequestModels',
  'RequestParameters',
  'RequestTemplates',
  'ResponseTemplates',
  'Routes',
  'StageVariables',
]);

/** Every template with one part less that is still a valid one. */
export function mutantsOf(template: Template): readonly Mutant[] {
  const mutants: Mutant[] = [];
  for (const [logicalId, resource] of template.resources) {
    if (REMOVED_WHOLE.has(resource.type)) mutants.push(withoutResource(template, logicalId));
    for (const { name, path } of partsOf(resource)) {
      const properties = withUsedAttributes(without(resource.properties, path) as Fields);
      const resources = new Map(template.resources).set(logicalId, { ...resource, properties });
      mutants.push({ name: `${logicalId}: ${name}`, template: { ...template, resources } });
    }
  }
  return mutants;
}

/**
 * A resource goes with those that need it: a route with its response. A role does not need a managed policy,
 * so only the reference to it goes.
 */
function withoutResource(template: Template, logicalId: string): Mutant {
  const resources = new Map(template.resources);
  const { type } = resources.get(logicalId) as TemplateResource;
  const removed = [logicalId];
  for (let next = removed.shift(); next !== undefined; next = removed.shift()) {
    resources.delete(next);
    for (const [id, resource] of resources) {
      if (!refersTo(resource.properties, next)) continue;
      const properties = withoutPolicy(resource.properties, next);
      if (refersTo(properties, next)) removed.push(id);
      else resources.set(id, { ...resource, properties });
    }
  }
  return {
    name: `${logicalId} (${type.split('::').at(-1)})`,
    template: { ...template, resources },
  };
}

/** Without what refers to a managed policy in lists, and in the permissions boundary. */
function withoutPolicy(properties: Fields, logicalId: string): Fields {
  const entries = Object.entries(properties).flatMap(([name, value]): [string, unknown][] => {
    if (!Array.isArray(value)) {
      return name === 'PermissionsBoundary' && refersTo(value, logicalId) ? [] : [[name, value]];
    }
    return [[name, value.filter((each: unknown) => !refersTo(each, logicalId))]];
  });
  return Object.fromEntries(entries);
}

/** DynamoDB refuses a table with an attribute that is not part of a key, such as that of a removed index. */
function withUsedAttributes(properties: Fields): Fields {
  const { AttributeDefinitions, KeySchema, ...others } = properties;
  if (!Array.isArray(AttributeDefinitions) || !Array.isArray(KeySchema)) return properties;
  const used = JSON.stringify([KeySchema, others]);
  const isUsed = (definition: unknown): boolean => {
    const { AttributeName } = (definition ?? {}) as Fields;
    return used.includes(`"AttributeName":${JSON.stringify(AttributeName)}`);
  };
  return { ...properties, AttributeDefinitions: AttributeDefinitions.filter(isUsed) };
}

function refersTo(value: unknown, logicalId: string): boolean {
  if (Array.isArray(value)) return value.some((each) => refersTo(each, logicalId));
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, inner]: [string, unknown]) => {
    if (key === 'Ref') return inner === logicalId;
    if (key === 'Fn::GetAtt') return String([inner].flat()[0]).split('.')[0] === logicalId;
    if (key === 'Fn::Sub') return JSON.stringify(inner).includes(`\${${logicalId}`);
    return refersTo(inner, logicalId);
  });
}

function partsOf({ type, properties }: TemplateResource): readonly Part[] {
  const required = Object.hasOwn(REQUIRED, type) ? REQUIRED[type] : undefined;
  // The local gateway does not run resources of other types.
  if (required === undefined) return [];
  return Object.entries(properties).flatMap(([name, value]) => {
    // Each of them is the type of a key.
    const inner = name === 'AttributeDefinitions' ? [] : [...innerParts(value, [name])];
    if (required.includes(name)) return inner;
    return [{ name: `property ${name}${shown(value)}`, path: [name] }, ...inner];
  });
}

/** The value, if it is short; of ARNs of managed policies, their names. */
function shown(value: unknown): string {
  const json = JSON.stringify(value);
  const policies = [...json.matchAll(/:policy\/(?:[\w-]+\/)*([\w-]+)/g)];
  if (policies.length > 0) return ` (${policies.map(([, name]) => name).join(', ')})`;
  return typeof value === 'object' ? '' : ` (is ${json})`;
}

/** Entries of maps and lists, and statements of policies with their actions and resources. */
function* innerParts(value: unknown, path: Path): Generator<Part> {
  if (typeof value !== 'object' || value === null) return;
  const place = placeAt(path);
  if ('Statement' in value) {
    yield* statementParts(value.Statement, [...path, 'Statement']);
    return;
  }
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const name = `entry ${index + 1} of ${place}${shown(item)}`;
      if (value.length > 1) yield { name, path: [...path, index] };
      yield* innerParts(item, [...path, index]);
    }
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    if (key === 'Ref' || key.startsWith('Fn::')) return;
    const isMap = MAPS.has(place);
    if (isMap) yield { name: `property ${place}.${key}`, path: [...path, key] };
    yield* innerParts(item, [...path, key]);
  }
}

/** Such as `GlobalSecondaryIndexes[0].KeySchema`. */
function placeAt([first = '', ...rest]: Path): string {
  const steps = rest.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`));
  return [first, ...steps].join('');
}

function* statementParts(value: unknown, path: Path): Generator<Part> {
  // One of several policies of a role.
  const [policy] = /^.+?\[\d+\]/.exec(placeAt(path)) ?? [];
  const where = policy === undefined ? '' : ` of ${policy}`;
  const statements: unknown[] = Array.isArray(value) ? value : [value];
  for (const [index, statement] of statements.entries()) {
    const own = Array.isArray(value) ? [...path, index] : path;
    if (statements.length > 1) yield { name: `${nameOf(statement, index)}${where}`, path: own };
    for (const element of ['Action', 'Resource'] as const) {
      const of = (statement as Fields | null)?.[element];
      if (!Array.isArray(of) || of.length < 2) continue;
      for (const [at, item] of of.entries()) {
        const what = textOf(item) ?? String(at + 1);
        yield {
          name: `${element.toLowerCase()} ${what} of statement ${index + 1}${where}`,
          path: [...own, element, at],
        };
      }
    }
  }
}

/** A text with its references by name: `arn:${AWS::Partition}:sqs:…`. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const fields = typeof value === 'object' && value !== null ? (value as Fields) : {};
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Sub': text, 'Fn::Join': join } = fields;
  if (typeof text === 'string') return text;
  if (typeof Ref === 'string') return `\${${Ref}}`;
  if (attribute !== undefined) return `\${${[attribute].flat().map(String).join('.')}}`;
  if (!Array.isArray(join)) return undefined;
  const [separator, parts] = join as [unknown, unknown];
  return Array.isArray(parts) ? parts.map(textOf).join(String(separator)) : undefined;
}

/** Such as `statement 3 (logs:PutLogEvents, …)`. */
function nameOf(statement: unknown, index: number): string {
  const { Action, NotAction } = (statement ?? {}) as Fields;
  const [first = '', ...more] = [Action ?? NotAction].flat().map(String);
  return `statement ${index + 1} (${first}${more.length > 0 ? ', …' : ''})`;
}

/** A copy without the part at the end of a path. */
function without(value: unknown, [step = '', ...rest]: Path): unknown {
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index) =>
      index !== step ? [item] : rest.length === 0 ? [] : [without(item, rest)],
    );
  }
  const { [step]: part, ...others } = value as Record<string | number, unknown>;
  return rest.length === 0 ? others : { ...others, [step]: without(part, rest) };
}
