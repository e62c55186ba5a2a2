import type { Bundle } from '../lambda/bundle.js';
import { StartError } from '../start-error.js';
import { callsDynamoDb, givenEndpoint } from './dynamodb/dynamodb-service.js';
import type { LocalTable } from './dynamodb/local-table.js';
import type { NamedFunction } from './functions.js';
import type { StartGatewayOptions } from './start-gateway.js';

/** A source file of the DynamoDB store, in the workspace or installed. */
const DYNAMODB_STORE = /\badapters\/dist\/dynamodb\//;

/** An embedded DynamoDB, and what functions have to know of it. */
export interface OpenStore extends AsyncDisposable {
  readonly endpoint: string;
  readonly variables: Readonly<Record<string, string>>;
  /** The table of `dynamoDbStore`, if all functions use the same one. */
  readonly onlyTable: string | undefined;
  /** The key prefix of all functions that use that table, if they have the same one. */
  readonly onlyKeyPrefix: string | undefined;
}

/**
 * Starts an embedded DynamoDB if it is needed and there is no other one.
 *
 * @param built the functions whose code is known
 */
export async function openStore(
  options: StartGatewayOptions,
  built: readonly (NamedFunction & { readonly bundle: Bundle })[],
  all: readonly NamedFunction[],
): Promise<OpenStore | undefined> {
  const variables = { ...process.env, ...options.environment };
  const users: NamedFunction[] = [
    ...built.filter(({ bundle }) => bundle.inputs.some((input) => DYNAMODB_STORE.test(input))),
    // What is in code that was built elsewhere is not known.
    ...all.filter((each) => each.options.asset !== undefined && tableOf(each) !== undefined),
  ];
  const { tables = [], extraTables = [], apis = {} } = options;
  const given = [...tables, ...extraTables];
  const calls = [options, ...Object.values(apis)].some(({ routes }) => callsDynamoDb(routes));
  const isUsed = users.length > 0 || given.length > 0 || calls;
  const elsewhere = givenEndpoint(variables);
  if (elsewhere !== undefined) {
    warnOfTables(extraTables, elsewhere);
    return undefined;
  }
  if (!isUsed) return undefined;
  // As on AWS, a function must know the name of a table that somebody else defines.
  const fallback = options.tables === undefined ? 'gatecast' : undefined;
  const shared = variables['GATECAST_TABLE'] ?? fallback;
  const names = users.map((user) => tableOf(user) ?? shared);
  const ownTables = new Set(names.filter((name) => name !== undefined));
  checkNames(extraTables, new Set([...ownTables, ...tables.map(({ TableName }) => TableName)]));
  const prefixes = new Set(users.map((user) => user.options.environment?.['GATECAST_KEY_PREFIX']));
  // Loaded here, because few functions need it.
  const { openEmbeddedDynamoDb } = await import('./dynamodb/embedded-dynamodb.js');
  const { tableDefinition } = await import('@gatecast/adapters/dynamodb');
  const { AttributeDefinitions, KeySchema } = tableDefinition;
  const missing = [...ownTables]
    .filter((name) => given.every(({ TableName }) => TableName !== name))
    .map((TableName) => ({ TableName, AttributeDefinitions, KeySchema }));
  const store = await openEmbeddedDynamoDb({
    directory: options.dataDirectory,
    tables: [...given, ...missing],
    ofStores: ownTables,
  });
  return {
    endpoint: store.endpoint,
    variables: {
      AWS_ENDPOINT_URL_DYNAMODB: store.endpoint,
      ...(shared !== undefined && { GATECAST_TABLE: shared }),
    },
    onlyTable: ownTables.size === 1 ? [...ownTables][0] : undefined,
    onlyKeyPrefix: prefixes.size === 1 ? [...prefixes][0] : undefined,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** @throws StartError if one of them is there already. */
function checkNames(tables: readonly LocalTable[], taken: ReadonlySet<string>): void {
  const clash = tables.find(({ TableName }) => taken.has(TableName));
  if (clash === undefined) return;
  throw new StartError(
    'ERR_DATA_UNAVAILABLE',
    `There is a table "${clash.TableName}" already: that of dynamoDbStore(), or one of the template.`,
    'Give the table of your own another name, in --table or in extraTables of startGateway(), or leave it out.',
  );
}

function warnOfTables(tables: readonly LocalTable[], endpoint: string): void {
  if (tables.length === 0) return;
  const names = tables.map(({ TableName }) => `"${TableName}"`).join(', ');
  process.stderr.write(
    `Warning: nobody creates ${names}, because the functions use the DynamoDB at ${endpoint}. Create it there.\n`,
  );
}

function tableOf({ options: { environment } }: NamedFunction): string | undefined {
  return environment?.['GATECAST_TABLE'];
}
