import { createRequire } from 'node:module';
import { parseInput } from '../../iam/needs/read-input.js';

/** Looks at a call of the embedded DynamoDB and its answer, both as JSON, and tells the terminal what is wrong. */
export type Advise = (target: string, input: string, answer: string) => void;

/** Those that create or look for a table: one may be missing then. */
const OF_TABLES = /(?:Table|TimeToLive|Resource)$/;

/** Operations of DynamoDB that the embedded one lacks. */
const OPERATIONS =
  /^(?:TransactGetItems|TransactWriteItems|ExecuteStatement|BatchExecuteStatement|ExecuteTransaction|(?:Describe|Update)(?:TimeToLive|ContinuousBackups)|DescribeEndpoints|DescribeLimits|(?:Create|Delete|Describe)Backup|ListBackups)$/;
/** Parameters of DynamoDB that it does not read. Other names are a mistake of the caller, or an attack. */
const PARAMETERS =
  /^(?:ReturnValuesOnConditionCheckFailure|StreamSpecification|SSESpecification|DeletionProtectionEnabled|TableClass|OnDemandThroughput|WarmThroughput|ResourcePolicy|Tags|ReplicaUpdates|MultiRegionConsistency)$/;

/** Most things that are told: a function may ask for any number of tables. */
const MOST_TOLD = 100;

/** Tells each thing once. */
export function adviser(ofStores: ReadonlySet<string>): Advise {
  const told = new Set<string>();
  return (target, body, answer) => {
    const operation = target.replace(/^\w+\./, '');
    const input = parseInput(body) ?? {};
    const tables = tablesIn(input);
    for (const advice of [
      missingTable(operation, tables, answer),
      missingOperation(operation, answer),
      // The store knows that.
      ...(tables.some((table) => ofStores.has(table)) ? [] : ignoredIn(operation, input)),
    ]) {
      if (advice === undefined || told.has(advice) || told.size >= MOST_TOLD) continue;
      told.add(advice);
      process.stderr.write(`Warning: ${advice}\n`);
    }
  };
}

function tablesIn(input: Readonly<Record<string, unknown>>): readonly string[] {
  const { TableName: one, RequestItems: several } = input;
  if (typeof one === 'string') return [one];
  return typeof several === 'object' && several !== null ? Object.keys(several) : [];
}

function errorOf(answer: string): string | undefined {
  return /^\{"__type":"[^"]*#(\w+)"/.exec(answer)?.[1];
}

function missingTable(
  operation: string,
  tables: readonly string[],
  answer: string,
): string | undefined {
  if (OF_TABLES.test(operation) || errorOf(answer) !== 'ResourceNotFoundException')
    return undefined;
  const names = tables.map((table) => `"${table}"`).join(' or ');
  return (
    `${operation}: the embedded DynamoDB has no table ${names}. Name it with its keys, ` +
    `"gatecast dev --table ${tables[0] ?? 'NAME'}:KEY", or in a template (--template); in a test, in ` +
    'extraTables or tables of startGateway().'
  );
}

function missingOperation(operation: string, answer: string): string | undefined {
  const isMissing = errorOf(answer) === 'UnknownOperationException';
  if (!isMissing || !OPERATIONS.test(operation)) return undefined;
  return `the embedded DynamoDB has no ${operation}. ${WAY_OUT}`;
}

/** Names the parameters that have no effect. */
function ignoredIn(operation: string, input: Readonly<Record<string, unknown>>): readonly string[] {
  const names = Object.keys(input).filter((name) => PARAMETERS.test(name));
  // Most calls have none, so dynalite is not asked for each.
  const known = names.length > 0 ? parametersOf(operation) : undefined;
  if (known === undefined) return [];
  return names
    .filter((name) => !known.has(name))
    .map((name) => `the embedded DynamoDB ignores ${name} of ${operation}. ${WAY_OUT}`);
}

const WAY_OUT =
  'DynamoDB Local has more: set AWS_ENDPOINT_URL_DYNAMODB to its address ' +
  '(https://github.com/gatecast/gatecast/blob/main/docs/local-gateway.md#the-embedded-dynamodb).';

/** What dynalite reads; it drops all else. `undefined` if it lacks the operation. */
function parametersOf(operation: string): ReadonlySet<string> | undefined {
  if (!/^[A-Z][A-Za-z]+$/.test(operation)) return undefined;
  const file = `./validations/${operation.charAt(0).toLowerCase()}${operation.slice(1)}.js`;
  const ofDynalite = createRequire(createRequire(import.meta.url).resolve('dynalite'));
  try {
    const { types = {} } = ofDynalite(file) as { readonly types?: object };
    return new Set(Object.keys(types));
  } catch {
    return undefined;
  }
}
