import { partitionOf } from '@gatecast/framework/adapter';
import { roleKeys } from '../../iam/keys.js';
import { needsOf, type ServiceCall, type ServicePlace } from '../../iam/needs/needs.js';
import { objectsAt, textAt } from '../../iam/needs/read-input.js';
import { isObject } from '../../iam/outcome.js';
import type { Permissions } from '../../iam/permissions.js';
import type { Caller, Role } from '../../iam/role.js';
import type { AccessRequest } from '../../iam/statement.js';
import { callDynamoDb } from '../dynamodb/call-dynamodb.js';
import { accessDenied, type ServiceError } from './refusal.js';

/** A call by somebody who may have a role. */
export interface CheckedCall {
  readonly caller: Caller;
  readonly call: ServiceCall;
  readonly region: string;
  /** Of the service. @default none */
  readonly endpoint: string | undefined;
  readonly sourceIp: string;
  readonly userAgent: string | undefined;
  /** @default no function calls */
  readonly functionArn: string | undefined;
}

/** The error for a call that the role of its caller does not allow. */
export async function checkCall(
  permissions: Permissions,
  checked: CheckedCall,
): Promise<ServiceError | undefined> {
  const { caller, region, sourceIp, userAgent, functionArn } = checked;
  const { role } = caller;
  if (role === undefined) return undefined;
  const session = { roleArn: role.arn, region, functionArn, now: Date.now() };
  // All are checked, so that all that is missing is said at once.
  const errors = (await needsOfCall(checked, role)).map((need) => {
    const common = roleKeys({ ...session, resource: need.resource, sourceIp, userAgent });
    const request = { ...need, keys: new Map([...common, ...need.keys]) };
    const decision = permissions.check(caller, request);
    return decision.isAllowed ? undefined : accessDenied(caller, request, decision);
  });
  return errors.find((error) => error !== undefined);
}

type Calling = Pick<CheckedCall, 'call' | 'endpoint'> & { readonly place: ServicePlace };

/** Without the keys that are common to all services. */
async function needsOfCall(
  { caller, call, region, endpoint }: CheckedCall,
  role: Role,
): Promise<readonly AccessRequest[]> {
  // What has no account in its name is in that of the caller.
  const accountId = caller.principal.split(':')[4] ?? '';
  const place = { partition: partitionOf(region).name, region, accountId };
  const partitionKeyOf = hasLeadingKeys(role)
    ? await partitionKeys({ call, endpoint, place })
    : undefined;
  return needsOf(call, { ...place, partitionKeyOf }) ?? [unknownNeed(call)];
}

function unknownNeed({ service, operation }: ServiceCall): AccessRequest {
  const action = `${service}:${operation}`;
  const problem = `The local gateway does not know which permissions ${action} needs`;
  return { action, resource: '*', keys: new Map(), problem };
}

const leading = new WeakMap<Role, boolean>();

/** Whether a policy depends on `dynamodb:LeadingKeys`: only then must the keys of tables be known. */
function hasLeadingKeys(role: Role): boolean {
  const known = leading.get(role) ?? /dynamodb:leadingkeys/i.test(JSON.stringify(role));
  leading.set(role, known);
  return known;
}

/** Asks DynamoDB for the partition keys of all tables that a call names, and of their indexes. */
async function partitionKeys({
  call,
  place,
  endpoint,
}: Calling): Promise<ServicePlace['partitionKeyOf']> {
  const tables = new Set<string>();
  needsOf(call, { ...place, partitionKeyOf: (table) => void tables.add(table) });
  const described = await Promise.all(
    [...tables].map(async (table) => [table, await describe(table, { place, endpoint })] as const),
  );
  const keys = new Map(
    described.flatMap(([table, found]) =>
      found.map(({ index, key }) => [`${table} ${index ?? ''}`, key]),
    ),
  );
  return (table, index) => keys.get(`${table} ${index ?? ''}`);
}

/** The partition keys of a table and its indexes; none if it cannot be described. */
async function describe(
  TableName: string,
  { place: { region }, endpoint }: Pick<Calling, 'place' | 'endpoint'>,
): Promise<{ readonly index: string | undefined; readonly key: string }[]> {
  if (endpoint === undefined) return [];
  try {
    const input = JSON.stringify({ TableName });
    const { body } = await callDynamoDb({ endpoint, region }, 'DescribeTable', input);
    const { Table: table } = JSON.parse(body) as { readonly Table?: unknown };
    if (!isObject(table)) return [];
    const indexes = ['GlobalSecondaryIndexes', 'LocalSecondaryIndexes'];
    return [table, ...indexes.flatMap((name) => objectsAt(table, name))].flatMap((each) => {
      const hash = objectsAt(each, 'KeySchema').find(({ KeyType }) => KeyType === 'HASH');
      const key = hash && textAt(hash, 'AttributeName');
      return key === undefined ? [] : [{ index: textAt(each, 'IndexName'), key }];
    });
  } catch {
    return [];
  }
}
