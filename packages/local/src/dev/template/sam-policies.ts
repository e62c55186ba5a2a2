import { partitionOf } from '@gatecast/framework/adapter';
import { managedPolicy } from '../../iam/managed-policies.js';
import type { PolicyDocument } from '../../iam/policy-document.js';
import type { Policy } from '../../iam/role.js';
import { arn } from './identities.js';
import { fieldsOf, scalarText, templateError } from './parse-template.js';
import type { Resource } from './resource.js';
import { expandPolicyTemplate } from './sam-policy-templates.js';
import { placeOf } from './stack.js';

/** The policies of a role: those that are written out, and the ARNs or names of managed ones. */
export interface WrittenPolicies {
  readonly policies: readonly Policy[];
  readonly managed: readonly string[];
}

/**
 * Reads `Policies` of a function of SAM: names and ARNs of managed policies, documents, and policy
 * templates.
 *
 * @throws StartError `ERR_TEMPLATE_INVALID` for something else, or a policy template that is not known.
 */
export function samPolicies(resource: Resource): WrittenPolicies {
  const value = resource.valueQuietly('Policies') ?? [];
  const policies: Policy[] = [];
  const managed: string[] = [];
  for (const [index, entry] of [value].flat().entries()) {
    const source = resource.where(`Policies[${index}]`);
    if (typeof entry === 'string') managed.push(arnOfManaged(entry, resource));
    else policies.push(...written(resource, entry, source));
  }
  return { policies, managed };
}

/** SAM takes the name of a policy of AWS, too. */
function arnOfManaged(nameOrArn: string, { stack }: Resource): string {
  if (!/^[\w+=,.@-]+$/.test(nameOrArn)) return nameOrArn;
  const { name: partition } = partitionOf(placeOf(stack).region);
  const [own = '', ofService = ''] = ['', 'service-role/'].map(
    (path) => `arn:${partition}:iam::aws:policy/${path}${nameOrArn}`,
  );
  return managedPolicy(ofService) === undefined ? own : ofService;
}

function written(resource: Resource, entry: unknown, source: string): Policy[] {
  const fields = fieldsOf(entry, source);
  if ('Statement' in fields) return [{ source, document: fields as unknown as PolicyDocument }];
  const [[name, values] = ['', {}], ...others] = Object.entries(fields);
  if (others.length > 0 || name === '') {
    throw templateError(
      `${source} is neither a policy nor a policy template.`,
      'Write a policy with "Statement", or a policy template of SAM: DynamoDBCrudPolicy: { TableName: !Ref Table }.',
    );
  }
  const parameters: Record<string, string> = {};
  for (const [parameter, value] of Object.entries(fieldsOf(values ?? {}, `${source} (${name})`))) {
    const text = scalarText(value);
    if (text !== undefined) parameters[parameter] = text;
  }
  const place = placeOf(resource.stack);
  const expanded = expandPolicyTemplate(name, parameters, (service, rest) =>
    arn(place, service, rest),
  );
  if (expanded === undefined) return [];
  if (!('problem' in expanded)) return [{ source: `${source} (${name})`, document: expanded }];
  throw templateError(
    `${source} is "${name}", ${expanded.problem}.`,
    'Correct it, or write out what it allows: a policy with "Statement".',
  );
}
