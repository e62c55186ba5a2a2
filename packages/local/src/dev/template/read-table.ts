import type { LocalTable } from '../dynamodb/local-table.js';
import { fieldsOf, templateError } from './parse-template.js';
import type { Resource } from './resource.js';

/** Reads a table of the template, for the embedded DynamoDB. */
export function readTable(resource: Resource): LocalTable {
  resource.serve();
  return {
    TableName: resource.text('TableName') ?? resource.ref,
    AttributeDefinitions: objects(resource, 'AttributeDefinitions'),
    KeySchema: required(objects(resource, 'KeySchema'), resource),
    GlobalSecondaryIndexes: indexes(resource, 'GlobalSecondaryIndexes'),
    LocalSecondaryIndexes: indexes(resource, 'LocalSecondaryIndexes'),
  } as LocalTable;
}

function required(keys: readonly object[], { logicalId, type }: Resource): readonly object[] {
  if (keys.length > 0) return keys;
  throw templateError(
    `"${logicalId}" (${type}) has no "KeySchema".`,
    'Write its keys: [{ AttributeName: pk, KeyType: HASH }].',
  );
}

/** Locally every table is billed by request, so capacity is left out. */
function indexes(resource: Resource, name: string): readonly object[] {
  return objects(resource, name).map((index) => {
    const {
      IndexName,
      KeySchema,
      Projection = { ProjectionType: 'ALL' },
    } = fieldsOf(index, resource.where(name));
    return { IndexName, KeySchema, Projection };
  });
}

function objects(resource: Resource, name: string): readonly object[] {
  const value = resource.value(name) ?? [];
  if (!Array.isArray(value)) {
    throw templateError(`${resource.where(name)} is ${JSON.stringify(value)}, not a list.`);
  }
  return value.map((item: unknown) => fieldsOf(item, resource.where(name)));
}
