import { createHash } from 'node:crypto';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Appended, AppendRequest, LogPage, ReadResult } from '@gatecast/framework';
import { isWithoutDynamoDbLocal, startDynamoDbLocal } from './engines/dynamodb-local.js';
import type { Engine } from './engines/engine.js';
import { startDynalite } from './engines/start-dynalite.js';
import type { TableUnderTest } from './table-under-test.js';

/** T of the tests, in seconds. */
export const RETENTION_S = 3_600;
/** The channel of the tests. */
export const room = { channel: 'rooms/42', retentionSeconds: RETENTION_S } as const;

/** An engine to test the log on. */
interface LogEngine {
  readonly name: string;
  /** Whether it returns the old item if a condition was not met. */
  readonly returnsOld: boolean;
  readonly start: () => Promise<Engine>;
}

const dynalite = { name: 'dynalite', returnsOld: false, start: startDynalite };
const local = { name: 'DynamoDB Local', returnsOld: true, start: startDynamoDbLocal };

/** Each engine that can be started here. */
export const engines: readonly LogEngine[] = isWithoutDynamoDbLocal
  ? [dynalite]
  : [dynalite, local];

/** The key of a publish. */
export function keyOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url').slice(0, 16);
}

/** What to append: each id has one content, unless `over` says otherwise. */
export function publishOf(id: string, over: Partial<AppendRequest> = {}): AppendRequest {
  const payload = over.payload ?? JSON.stringify({ id });
  return {
    ...room,
    key: keyOf(id),
    hash: createHash('sha256').update(payload).digest('base64url').slice(0, 22),
    payload,
    onOtherHash: 'refuse',
    ...over,
  };
}

/** Publishes as the framework does. */
export async function publish(
  { log }: Pick<TableUnderTest, 'log'>,
  id: string,
  over: Partial<AppendRequest> & { readonly audience?: number } = {},
): Promise<Appended> {
  const { audience, ...rest } = over;
  const result = await log.append(publishOf(id, rest));
  if (result.result !== 'appended') throw new Error(`append returned "${result.result}"`);
  await result.finish?.(Promise.resolve(audience));
  return result;
}

/** Publishes one after the other. */
export async function publishMany(
  table: Pick<TableUnderTest, 'log'>,
  first: number,
  last: number,
): Promise<void> {
  for (let index = first; index <= last; index += 1) await publish(table, `p${index}`);
}

const wide = { ...room, limit: 10_000, maxBytes: 1e9 };

/** Everything that can be read. */
export async function readAll({ log }: Pick<TableUnderTest, 'log'>): Promise<LogPage> {
  return pageOf(await log.readBefore(wide));
}

/** The page that was read. */
export function pageOf(result: ReadResult): LogPage {
  if ('reset' in result) throw new Error(`The read was answered by a reset: ${result.reset}.`);
  return result;
}

/** A call to DynamoDB: the action and its input. */
export type Call = readonly [action: string, input: Readonly<Record<string, unknown>>];

/** The calls that some work makes, with their inputs. Sets the hook `before`. */
export async function callsOf(
  { hooks }: TableUnderTest,
  run: () => Promise<unknown>,
): Promise<readonly Call[]> {
  const calls: Call[] = [];
  hooks.before = (action, { TableName: _TableName, ...input }) => {
    calls.push([action, structuredClone(input)]);
  };
  await run();
  delete hooks.before;
  return calls;
}

/** The row with a key. */
export async function rowOf(
  table: TableUnderTest,
  pk: string,
  sk = '-',
): Promise<Record<string, AttributeValue> | undefined> {
  const rows = await table.rows();
  return rows.find((row) => row['pk']?.S === pk && row['sk']?.S === sk);
}

/** The key of BODY. */
export function bodyOf(id: string): string {
  return `B#rooms/42#${keyOf(id)}`;
}
