import type { LocalTable } from '../dynamodb/local-table.js';
import { CommandLineError } from './command-line.js';

/** The names that DynamoDB takes for tables. */
const TABLE_NAME = /^[\w.-]{3,255}$/;

/** The tables that `--table` names. @throws CommandLineError that says what is wrong. */
export function tablesOf(texts: readonly string[]): readonly LocalTable[] {
  const tables = texts.map(parseTable);
  const names = tables.map(({ TableName }) => TableName);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return tables;
  throw new CommandLineError(`--table names the table "${twice}" twice.`);
}

function parseTable(text: string): LocalTable {
  const [, name = '', ...keys] = /^([^:,\s]+):([^:,\s]+)(?:,([^:,\s]+))?$/.exec(text) ?? [];
  const [key, sortKey] = keys;
  if (key === undefined) {
    throw new CommandLineError(
      `--table takes NAME:KEY or NAME:KEY,SORTKEY, such as auctions:id, not "${text}". The keys are strings.`,
    );
  }
  if (!TABLE_NAME.test(name)) {
    throw new CommandLineError(
      `--table: the name of a table has 3 to 255 letters, digits, "_", "-" and ".", unlike "${name}".`,
    );
  }
  if (key === sortKey) {
    throw new CommandLineError(`--table: both keys of "${name}" have the name "${key}".`);
  }
  const names = sortKey === undefined ? [key] : [key, sortKey];
  return {
    TableName: name,
    AttributeDefinitions: names.map((each) => ({ AttributeName: each, AttributeType: 'S' })),
    KeySchema: names.map((each, index) => ({
      AttributeName: each,
      KeyType: index === 0 ? 'HASH' : 'RANGE',
    })),
  };
}
