import { isObject } from '../outcome.js';
import { dynamoDbKeys } from './dynamodb-keys.js';
import type { Input, Need, ServiceCall, ServicePlace } from './needs.js';
import { objectAt, objectsAt, textAt } from './read-input.js';

/** The actions of items that a transaction consists of (AWS: "Using IAM with DynamoDB transactions"). */
const TRANSACTION_ITEMS: Readonly<Record<string, string>> = {
  ConditionCheck: 'ConditionCheckItem',
  Delete: 'DeleteItem',
  Get: 'GetItem',
  Put: 'PutItem',
  Update: 'UpdateItem',
};

/** How the resources of an operation follow from its input. */
type Resources = (input: Input, place: ServicePlace) => readonly (string | undefined)[];

const any: Resources = () => ['*'];
const ofTable: Resources = (input, place) => [tableArn(textAt(input, 'TableName'), place)];
const ofIndex: Resources = (input, place) => [
  indexArn(tableArn(textAt(input, 'TableName'), place), textAt(input, 'IndexName')),
];
const ofGlobalTable: Resources = (input, { partition, accountId }) => {
  const name = textAt(input, 'GlobalTableName');
  return [name && `arn:${partition}:dynamodb::${accountId}:global-table/${name}`];
};
const inField =
  (name: string): Resources =>
  (input) => [textAt(input, name)];

/**
 * The resources of operations that need the action of the same name (AWS: "Actions, resources, and
 * condition keys for Amazon DynamoDB"). PartiQL and what copies whole tables are missing: they need
 * several actions, which depend on more than the input says.
 */
const operations: ReadonlyMap<string, Resources> = new Map<string, Resources>([
  ...each(any, [
    'DescribeEndpoints',
    'DescribeLimits',
    'ListBackups',
    'ListContributorInsights',
    'ListExports',
    'ListGlobalTables',
    'ListImports',
    'ListTables',
  ]),
  ...each(ofTable, [
    'CreateBackup',
    'CreateTable',
    'DeleteItem',
    'DeleteTable',
    'DescribeContinuousBackups',
    'DescribeKinesisStreamingDestination',
    'DescribeTable',
    'DescribeTableReplicaAutoScaling',
    'DescribeTimeToLive',
    'DisableKinesisStreamingDestination',
    'EnableKinesisStreamingDestination',
    'GetItem',
    'PutItem',
    'UpdateContinuousBackups',
    'UpdateItem',
    'UpdateKinesisStreamingDestination',
    'UpdateTable',
    'UpdateTableReplicaAutoScaling',
    'UpdateTimeToLive',
  ]),
  // The ARN of a table does not cover its indexes.
  ...each(ofIndex, ['DescribeContributorInsights', 'Query', 'Scan', 'UpdateContributorInsights']),
  ...each(ofGlobalTable, [
    'DescribeGlobalTable',
    'DescribeGlobalTableSettings',
    'UpdateGlobalTableSettings',
  ]),
  ...each(
    (input, place) => [
      ...ofGlobalTable(input, place),
      tableArn(textAt(input, 'GlobalTableName'), place),
    ],
    ['CreateGlobalTable', 'UpdateGlobalTable'],
  ),
  ...each(inField('BackupArn'), ['DeleteBackup', 'DescribeBackup']),
  ...each(inField('ExportArn'), ['DescribeExport']),
  ...each(inField('ImportArn'), ['DescribeImport']),
  ...each(inField('ResourceArn'), [
    'DeleteResourcePolicy',
    'GetResourcePolicy',
    'ListTagsOfResource',
    'PutResourcePolicy',
    'TagResource',
    'UntagResource',
  ]),
]);

/** What a call of DynamoDB needs. */
export function dynamoDbNeeds(
  { operation, input }: ServiceCall,
  place: ServicePlace,
): readonly Need[] | undefined {
  switch (operation) {
    case 'BatchGetItem':
    case 'BatchWriteItem':
      return batchNeeds(operation, input, place);
    case 'TransactGetItems':
    case 'TransactWriteItems':
      return objectsAt(input, 'TransactItems').flatMap((item) =>
        transactionNeeds(operation, { item, whole: input }, place),
      );
    default: {
      const resources = operations.get(operation)?.(input, place);
      if (resources === undefined) return undefined;
      const keys = dynamoDbKeys({ operation, items: [input], select: input, whole: input }, place);
      return resources
        .filter((resource) => resource !== undefined)
        .map((resource) => ({ action: `dynamodb:${operation}`, resource, keys }));
    }
  }
}

/** A batch is an action of its own, on each of its tables. */
function batchNeeds(
  operation: 'BatchGetItem' | 'BatchWriteItem',
  whole: Input,
  place: ServicePlace,
): readonly Need[] {
  return Object.entries(objectAt(whole, 'RequestItems')).flatMap(([TableName, ofOneTable]) => {
    const resource = tableArn(TableName, place);
    if (resource === undefined) return [];
    const items = isObject(ofOneTable)
      ? [{ ...ofOneTable, TableName }]
      : objectsAt({ ofOneTable }, 'ofOneTable').flatMap((request) =>
          [objectAt(request, 'PutRequest'), objectAt(request, 'DeleteRequest')].map((each) => ({
            ...each,
            TableName,
          })),
        );
    const keys = dynamoDbKeys({ operation, items, select: items[0] ?? {}, whole }, place);
    return [{ action: `dynamodb:${operation}`, resource, keys }];
  });
}

/** The items of a transaction need the action that each would need alone. */
function transactionNeeds(
  enclosing: 'TransactGetItems' | 'TransactWriteItems',
  { item, whole }: { readonly item: Input; readonly whole: Input },
  place: ServicePlace,
): readonly Need[] {
  return Object.entries(TRANSACTION_ITEMS).flatMap(([kind, operation]) => {
    const parts = objectAt(item, kind);
    const resource = tableArn(textAt(parts, 'TableName'), place);
    if (resource === undefined) return [];
    const request = { operation, items: [parts], select: parts, whole, enclosing };
    const keys = dynamoDbKeys(request, place);
    return [{ action: `dynamodb:${operation}`, resource, keys }];
  });
}

/** A request may name a table by its ARN, too. */
function tableArn(
  name: string | undefined,
  { partition, region, accountId }: ServicePlace,
): string | undefined {
  if (name === undefined || name.startsWith('arn:')) return name;
  return `arn:${partition}:dynamodb:${region}:${accountId}:table/${name}`;
}

function indexArn(table: string | undefined, index: string | undefined): string | undefined {
  return table === undefined || index === undefined ? table : `${table}/index/${index}`;
}

function each(
  resources: Resources,
  names: readonly string[],
): (readonly [operation: string, resources: Resources])[] {
  return names.map((name) => [name, resources] as const);
}
