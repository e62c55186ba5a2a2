import { nameOfStatement } from '../../iam/decide.js';
import { managedPolicy } from '../../iam/managed-policies.js';
import { problemsWithPolicy, statementsOf } from '../../iam/policy.js';
import type { PolicyDocument } from '../../iam/policy-document.js';
import type { Policy, Role } from '../../iam/role.js';
import { textsOf } from '../../iam/statement.js';
import { mayAssume } from '../../iam/trust.js';
import { fieldsOf, templateError } from './parse-template.js';
import type { Resource } from './resource.js';
import { samPolicies, type WrittenPolicies } from './sam-policies.js';
import { placeOf } from './stack.js';
import { roleIdOf } from './transform-sam.js';

/** The roles of all stacks. Each is read when something uses it. */
export class Roles {
  readonly #resources: readonly Resource[];
  readonly #read = new Map<string, Role>();
  readonly #warnings = new Set<string>();

  /** @param resources those of the stacks that run first */
  constructor(resources: readonly Resource[]) {
    this.#resources = resources;
  }

  /** One line for each role that is not as it is on AWS. */
  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  /** The role of a function; `undefined` if no stack has it. @throws StartError `ERR_TEMPLATE_INVALID` */
  ofFunction(lambda: Resource): Role | undefined {
    const { logicalId, type } = lambda;
    const arn = lambda.textQuietly('Role') ?? this.#madeFor(lambda)?.attribute('Arn');
    if (arn !== undefined) {
      const role = this.ofArn(arn, `the function "${logicalId}"`);
      checkTrust(lambda, role);
      return role;
    }
    this.#warnings.add(
      `"${logicalId}" (${type}) has no "Role", which CloudFormation refuses. Here it may do everything.`,
    );
    return undefined;
  }

  /**
   * The role with an ARN; `undefined` if no stack has it, which leads to a warning.
   *
   * @param user what has the role, for the warning
   * @throws StartError `ERR_TEMPLATE_INVALID` if it cannot be read.
   */
  ofArn(arn: string, user: string): Role | undefined {
    const known = this.#read.get(arn);
    if (known !== undefined) return known;
    const resource = this.#ofType('Role').find((role) => role.attribute('Arn') === arn);
    if (resource === undefined) {
      this.#warnings.add(
        `The role "${arn}" of ${user} is in no template here, so it may do everything.`,
      );
      return undefined;
    }
    const role = this.#roleOf(resource, arn);
    this.#read.set(arn, role);
    return role;
  }

  #roleOf(resource: Resource, arn: string): Role {
    const written = [
      inlinePolicies(resource),
      this.#policiesOfSam(resource),
      this.#attached(resource),
    ];
    const arns = [...new Set(written.flatMap(({ managed }) => managed))];
    const managed = arns.map((each) => this.#managed(each) ?? each);
    const boundaryArn = resource.textQuietly('PermissionsBoundary');
    const boundary = boundaryArn === undefined ? undefined : this.#boundary(boundaryArn, resource);
    const policies = [
      ...written.flatMap((each) => each.policies),
      ...managed.filter((each) => typeof each === 'object'),
    ];
    for (const policy of [...policies, ...(boundary ? [boundary] : [])]) this.#warnOf(policy);
    return {
      arn,
      policies,
      trust: documentOf(resource, 'AssumeRolePolicyDocument'),
      boundary,
      unknownPolicies: managed.filter((each) => typeof each === 'string'),
    };
  }

  /** Names statements that cannot be evaluated, unless they are about services that are not checked. */
  #warnOf(policy: Policy): void {
    const { source, document } = policy;
    const statements = statementsOf(document);
    for (const { index, problem } of problemsWithPolicy(document)) {
      const place = index === undefined ? source : nameOfStatement({ policy, index });
      if (index !== undefined && !isChecked(statements[index])) continue;
      this.#warnings.add(`${place} ${problem}. Calls that it would decide on are refused here.`);
    }
  }

  /** What SAM adds to the role that it makes for a function. */
  #policiesOfSam({ stack, ownId }: Resource): WrittenPolicies {
    const lambda = this.#resources.find(
      (each) => each.stack === stack && roleIdOf(each.ownId) === ownId && hasMadeRole(each),
    );
    return lambda === undefined ? { policies: [], managed: [] } : samPolicies(lambda);
  }

  #madeFor(lambda: Resource): Resource | undefined {
    if (!hasMadeRole(lambda)) return undefined;
    const { stack, ownId } = lambda;
    return this.#ofType('Role').find(
      (role) => role.stack === stack && role.ownId === roleIdOf(ownId),
    );
  }

  /** The policies that are resources of their own. They name the role, which may be in another stack. */
  #attached(role: Resource): WrittenPolicies {
    const { accountId } = placeOf(role.stack);
    const isOfRole = (policy: Resource, property: string): boolean =>
      placeOf(policy.stack).accountId === accountId && texts(policy, property).includes(role.ref);
    const policies = [
      ...this.#ofType('Policy').filter((policy) => isOfRole(policy, 'Roles')),
      ...this.#ofType('RolePolicy').filter((policy) => isOfRole(policy, 'RoleName')),
    ];
    return {
      policies: policies.flatMap((policy) => documentOf(policy, 'PolicyDocument') ?? []),
      managed: this.#ofType('ManagedPolicy')
        .filter((policy) => isOfRole(policy, 'Roles'))
        .map(({ ref }) => ref),
    };
  }

  #managed(arn: string): Policy | undefined {
    const resource = this.#ofType('ManagedPolicy').find(({ ref }) => ref === arn);
    return resource === undefined ? managedPolicy(arn) : documentOf(resource, 'PolicyDocument');
  }

  #boundary(arn: string, { logicalId }: Resource): Policy | undefined {
    const policy = this.#managed(arn);
    if (policy === undefined) {
      this.#warnings.add(
        `The permissions boundary "${arn}" of "${logicalId}" is in no template here, so it takes nothing away.`,
      );
    }
    return policy;
  }

  #ofType(name: string): readonly Resource[] {
    return this.#resources.filter(({ type }) => type === `AWS::IAM::${name}`);
  }
}

/** Services whose calls are checked. */
const CHECKED = ['dynamodb', 'execute-api', 'lambda', 'sqs'];

/** Whether a statement may be about a service whose calls are checked. */
function isChecked(statement: unknown): boolean {
  const { Action } = fieldsOf(statement, 'A statement');
  const services =
    Action === undefined ? ['*'] : textsOf(Action).map((text) => text.split(':')[0] ?? '');
  return services.some(
    (service) => /[*?]/.test(service) || CHECKED.includes(service.toLowerCase()),
  );
}

/** @throws StartError `ERR_TEMPLATE_INVALID` if Lambda would refuse the role. */
function checkTrust({ logicalId }: Resource, role: Role | undefined): void {
  if (role?.trust === undefined) return;
  if (mayAssume(role.trust.document, LAMBDA) !== 'deny') return;
  throw templateError(
    `The role of "${logicalId}" cannot be assumed by Lambda, so CreateFunction refuses it: ${role.trust.source} does not allow sts:AssumeRole to "${LAMBDA}".`,
    `Let it: Principal: { Service: ${LAMBDA} }, Action: sts:AssumeRole.`,
  );
}

const LAMBDA = 'lambda.amazonaws.com';

/** Whether SAM makes a role for it. */
function hasMadeRole(resource: Resource): boolean {
  return (
    resource.type === 'AWS::Serverless::Function' && resource.textQuietly('Role') === undefined
  );
}

function inlinePolicies(role: Resource): WrittenPolicies {
  const entries = [role.valueQuietly('Policies') ?? []].flat();
  const policies = entries.map((entry, index): Policy => {
    const source = role.where(`Policies[${index}]`);
    const { PolicyDocument: document } = fieldsOf(entry, source);
    return { source, document: fieldsOf(document, source) as unknown as PolicyDocument };
  });
  return { policies, managed: texts(role, 'ManagedPolicyArns') };
}

function documentOf(resource: Resource, property: string): Policy | undefined {
  const value = resource.valueQuietly(property);
  if (value === undefined) return undefined;
  const source = resource.where(property);
  return { source, document: fieldsOf(value, source) as unknown as PolicyDocument };
}

function texts(resource: Resource, property: string): readonly string[] {
  return [resource.valueQuietly(property) ?? []].flat().map(String);
}
