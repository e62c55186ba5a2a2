import { createHash, randomUUID } from 'node:crypto';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type {
  AppendRequest,
  AppendResult,
  LogEntry,
  MessageLog,
  Position,
} from '@gatecast/framework';
import { describe } from 'vitest';
import { isWithoutDynamoDbLocal, startDynamoDbLocal } from './engines/dynamodb-local.js';
import type { Engine } from './engines/engine.js';
import { startDynalite } from './engines/start-dynalite.js';
import type { TableUnderTest } from './table-under-test.js';

/** T of the tests, in seconds. */
export const RETENTION_S = 3_600;

/** Each engine. dynalite returns no old item if a condition was not met; DynamoDB Local does. */
export const engines: readonly {
  readonly name: string;
  readonly returnsOld: boolean;
  readonly isMissing: boolean;
  start(): Promise<Engine>;
}[] = [
  { name: 'dynalite', returnsOld: false, isMissing: false, start: startDynalite },
  {
    name: 'DynamoDB Local',
    returnsOld: true,
    isMissing: isWithoutDynamoDbLocal,
    start: startDynamoDbLocal,
  },
];

/** The key of a publish. */
export function keyOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url').slice(0, 16);
}

/** What to append: each id has one content, unless `over` says otherwise. */
export function publishOf(id: string, over: Partial<AppendRequest> = {}): AppendRequest {
  const payload = over.payload ?? JSON.stringify({ id });
  return {
    channel: 'rooms/42',
    retentionSeconds: RETENTION_S,
    key: keyOf(id),
    hash: createHash('sha256').update(payload).digest('base64url').slice(0, 22),
    payload,
    onOtherHash: 'refuse',
    ...over,
  };
}
