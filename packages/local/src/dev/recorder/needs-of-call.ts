import { needsOf, type ServiceCall, type ServicePlace } from '../../iam/needs/needs.js';
import { isInput, objectsAt, textAt } from '../../iam/needs/read-input.js';
import type { AccessRequest } from '../../iam/policy.js';
import type { Role } from '../../iam/role.js';
import { callDynamoDb } from '../dynamodb/call-dynamodb.js';

/** Who calls, and where. */
interface Calling {
  readonly call: ServiceCall;
  readonly role: Role;
  readonly place: ServicePlace;
  /** The endpoint of the service. @default none */
  readonly endpoint: string | undefined;
}

/** What a call needs, without the keys that are common to all services. */
export async function needsOfCall(calling: Calling): Promise<readonly AccessRequest[]> {
  const { call, role, place } = calling;
  const partitionKeyOf = hasLeadingKeys(role) ? await partitionKeys(calling) : undefined;
  return needsOf(call, { ...place, partitionKeyOf }) ?? [unknownNeed(call)];
}

function unknownNeed({ service, operation }: ServiceCall): AccessRequest {
  const action = `${service}:${operation}`;
  const problem = `The local gateway does not know which permissions ${action} needs.`;
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
    if (!isInput(table)) return [];
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
