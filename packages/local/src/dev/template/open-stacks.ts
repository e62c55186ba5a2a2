import { createHash } from 'node:crypto';
import { partitionOf } from '@gatecast/framework/adapter';
import { apiDefaults } from '../../gateway/options.js';
import type { StartError } from '../../start-error.js';
import { identityOf } from './identities.js';
import { fieldsOf, scalarText, templateError } from './parse-template.js';
import { type OtherStacks, Resolver } from './resolve.js';
import { Resource } from './resource.js';
import { placeOf, type Stack } from './stack.js';

/** A stack whose values can be resolved. */
export interface OpenStack {
  readonly stack: Stack;
  readonly resolver: Resolver;
  /** Those whose condition is true. */
  readonly resources: readonly Resource[];
}

/**
 * Opens stacks that know each other's exports. Names of resources are unique over all of them.
 *
 * @param runs whether the APIs of a stack run
 */
export function openStacks(
  stacks: readonly Stack[],
  parameters: Readonly<Record<string, string>>,
  runs: (stack: Stack) => boolean,
): readonly OpenStack[] {
  checkParameters(stacks, parameters);
  const names = uniqueNames(stacks);
  const apiIds = new Map<string, string>();
  const opened: OpenStack[] = [];
  const valueOf = outputsOf();
  for (const stack of stacks) {
    const others = otherStacks(stack, { all: () => nearest(opened, stack), valueOf });
    const nameOf = names.get(stack) ?? String;
    const place = placeOf(stack);
    const resolver = new Resolver({
      template: stack.template,
      parameters,
      pseudoParameters: pseudoParameters(stack),
      others,
      needsParameters: runs(stack),
      identityOf: (resource, logicalId, own) => {
        const name = nameOf(logicalId);
        const apiId = apiIds.get(name) ?? name;
        return identityOf(resource, { ...place, name, apiId }, (value, where) =>
          own.resolve(value, where),
        );
      },
    });
    const resources = [...stack.template.resources]
      .filter(
        ([logicalId, { condition }]) =>
          condition === undefined || resolver.condition(condition, `"Condition" of "${logicalId}"`),
      )
      .map(
        ([ownId, resource]) => new Resource(nameOf(ownId), { ownId, resource, stack, resolver }),
      );
    opened.push({ stack, resolver, resources });
  }
  const apis = opened.flatMap(({ resources }) => resources).filter(isWebSocketApi);
  const running = apis.filter(({ stack }) => runs(stack));
  for (const api of apis) {
    const isOnly = running.length === 1 && running[0] === api;
    apiIds.set(api.logicalId, isOnly ? apiDefaults.apiId : apiIdOf(api));
  }
  return opened;
}

/** Whether a resource is a WebSocket API. */
export function isWebSocketApi(resource: Resource): boolean {
  return (
    resource.type === 'AWS::ApiGatewayV2::Api' && resource.text('ProtocolType') === 'WEBSOCKET'
  );
}

/** An id like API Gateway's: 10 letters and digits. It is the same at every start. */
function apiIdOf({ stack, logicalId }: Resource): string {
  const hash = createHash('sha256').update(`${stack.name}/${logicalId}`).digest('hex');
  return BigInt(`0x${hash}`).toString(36).slice(0, 10);
}

function pseudoParameters(stack: Stack): Readonly<Record<string, string>> {
  const { region, accountId } = placeOf(stack);
  const { name } = stack;
  const partition = partitionOf(region);
  return {
    'AWS::AccountId': accountId,
    'AWS::Partition': partition.name,
    'AWS::Region': region,
    'AWS::StackId': `arn:${partition.name}:cloudformation:${region}:${accountId}:stack/${name}/local`,
    'AWS::StackName': name,
    'AWS::URLSuffix': partition.urlSuffix,
  };
}

/**
 * For each stack, the names of resources without one: as on AWS, with the stack's where needed. Stacks for
 * several Regions may have the same name.
 */
function uniqueNames(stacks: readonly Stack[]): ReadonlyMap<Stack, (logicalId: string) => string> {
  const isShared = repeated(stacks.flatMap(({ template }) => [...template.resources.keys()]));
  const isSharedName = repeated(stacks.map(({ name }) => name));
  return new Map(
    stacks.map((stack) => {
      const prefix = isSharedName(stack.name) ? stack.id : stack.name;
      return [stack, (id) => (isShared(id) ? `${prefix}-${id}` : id)];
    }),
  );
}

/** Tells whether a text is more than once among these. */
function repeated(texts: readonly string[]): (text: string) => boolean {
  const once = new Set<string>();
  const twice = new Set(texts.filter((text) => once.has(text) || !once.add(text)));
  return (text) => twice.has(text);
}

/** The stacks, those of the same assembly or stage at first: every stage may have the same names. */
function nearest(opened: readonly OpenStack[], { folder }: Stack): readonly OpenStack[] {
  const isNear = ({ stack }: OpenStack): boolean => stack.folder === folder;
  return [...opened.filter(isNear), ...opened.filter((each) => !isNear(each))];
}

/** Whether they may be in one account and Region, where each name of an export is unique. */
function mayShareExports(one: Stack, other: Stack): boolean {
  return (['region', 'accountId'] as const).every(
    (name) => one[name] === undefined || other[name] === undefined || one[name] === other[name],
  );
}

/** Resolves an output of a stack. */
type ValueOf = (stack: OpenStack, logicalId: string) => unknown;

function outputsOf(): ValueOf {
  /** The exports that are being resolved: each refers to the next. */
  const open = new Set<unknown>();
  return ({ resolver, stack }, logicalId) => {
    const output: unknown = stack.template.outputs[logicalId];
    const where = `"Value" of the output "${logicalId}" of "${stack.name}"`;
    if (open.has(output)) {
      throw templateError(`${where} imports itself.`, 'Remove one of the imports.');
    }
    open.add(output);
    try {
      return resolver.resolve(fieldsOf(output, where)['Value'], where);
    } finally {
      open.delete(output);
    }
  };
}

/** What the stacks give to one of them. They are looked at in the order of `all`. */
function otherStacks(
  importing: Stack,
  { all, valueOf }: { all: () => readonly OpenStack[]; valueOf: ValueOf },
): OtherStacks {
  return {
    exported(name) {
      for (const each of all().filter(({ stack }) => mayShareExports(stack, importing))) {
        const found = Object.keys(each.stack.template.outputs).find(
          (logicalId) => exportOf(each, logicalId) === name,
        );
        if (found !== undefined) return valueOf(each, found);
      }
      return undefined;
    },
    copied(name) {
      for (const { stack, resolver } of all()) {
        for (const [logicalId, { type, properties }] of stack.template.resources) {
          if (type !== 'Custom::CrossRegionExportWriter') continue;
          const where = `"WriterProps" of "${logicalId}"`;
          const { exports = {} } = fieldsOf(properties['WriterProps'], where);
          const values = fieldsOf(exports, where);
          if (Object.hasOwn(values, name)) return resolver.resolve(values[name], where);
        }
      }
      return undefined;
    },
    output(name, logicalId, region) {
      const found = all().find(
        ({ stack }) => stack.name === name && (region === undefined || stack.region === region),
      );
      const has = found && Object.hasOwn(found.stack.template.outputs, logicalId);
      return has === true ? valueOf(found, logicalId) : undefined;
    },
  };
}

/** The name under which an output is exported. */
function exportOf({ stack, resolver }: OpenStack, logicalId: string): string | undefined {
  const where = `"Export" of the output "${logicalId}" of "${stack.name}"`;
  const { Export, Condition } = fieldsOf(stack.template.outputs[logicalId], where);
  if (typeof Export !== 'object' || Export === null || !('Name' in Export)) return undefined;
  if (typeof Condition === 'string' && !resolver.condition(Condition, where)) return undefined;
  return scalarText(resolver.resolve(Export.Name, where));
}

/** Every parameter must be in one of the stacks, and each of them must allow its value. */
function checkParameters(stacks: readonly Stack[], values: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(values)) {
    const known = stacks.filter(({ template }) => Object.hasOwn(template.parameters, name));
    if (known.length === 0) throw unknownParameter(stacks, name);
    for (const { template } of known) {
      const { AllowedValues } = fieldsOf(template.parameters[name], `The parameter "${name}"`);
      if (!Array.isArray(AllowedValues)) continue;
      const allowed = AllowedValues.map((each) => scalarText(each));
      if (allowed.includes(value)) continue;
      throw templateError(
        `The parameter "${name}" is "${value}", which the template does not allow.`,
        `Give it one of: ${allowed.join(', ')}.`,
      );
    }
  }
}

function unknownParameter(stacks: readonly Stack[], name: string): StartError {
  const all = stacks.flatMap(({ template }) => Object.keys(template.parameters));
  const names = [...new Set(all)].join(', ');
  return templateError(
    `The template has no parameter "${name}".`,
    names === '' ? 'It has no parameters.' : `It has: ${names}.`,
  );
}
