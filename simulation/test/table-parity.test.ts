import { createTable } from '@gatecast/adapters/dynamodb/create-table';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DynamoDbLocal,
  isWithoutDynamoDbLocal,
  startDynamoDbLocal,
} from '../../packages/adapters/test/engines/dynamodb-local.js';
import { makeTestClient } from '../../packages/adapters/test/table-under-test.js';
import { callTable } from '../src/table/call-table.js';
import { SimulatedTable } from '../src/table/simulated-table.js';
import { Random } from '../src/world/random.js';
import { type Call, randomCall } from './random-calls.js';

const SEQUENCES = 60;
const CALLS = 50;
const TABLE = 'parity';

/** What both have to agree on: the answer, or the kind of error and the item it shows. */
type Outcome = { readonly answer: unknown } | { readonly error: string; readonly item: unknown };

describe.skipIf(isWithoutDynamoDbLocal)('the simulated table', () => {
  let engine: DynamoDbLocal;
  beforeAll(async () => {
    engine = await startDynamoDbLocal();
  });
  afterAll(async () => {
    await engine?.[Symbol.asyncDispose]();
  });

  it(`answers ${SEQUENCES * CALLS} random calls like DynamoDB Local`, async () => {
    const client = makeTestClient(engine.endpoint);
    const kinds = new Set<string>();
    for (let seed = 1; seed <= SEQUENCES; seed += 1) {
      const table = `${TABLE}-${seed}`;
      await createTable({ table, client });
      const simulated = new SimulatedTable({
        now: () => 0,
        deletionDelayMs: () => Infinity,
        lagMs: () => 0,
      });
      const random = new Random(seed);
      const before: Call[] = [];
      for (let index = 0; index < CALLS; index += 1) {
        const made = randomCall(random, table);
        before.push(made);
        const real = await outcomeOf(() => callEngine(engine.endpoint, made));
        const ours = await outcomeOf(() => callTable(simulated, made));
        expect(ours, `seed ${seed}, call ${index}: ${JSON.stringify(made)}`).toEqual(real);
        kinds.add(`${made.operation} ${'error' in real ? real.error : 'answered'}`);
      }
    }
    client.destroy();
    // The sequences are of use only if they reach all kinds of outcomes.
    expect([...kinds].sort()).toEqual([
      'BatchGetItem ValidationException',
      'BatchGetItem answered',
      'BatchWriteItem ValidationException',
      'BatchWriteItem answered',
      'DeleteItem ConditionalCheckFailedException',
      'DeleteItem ValidationException',
      'DeleteItem answered',
      'GetItem answered',
      'PutItem ConditionalCheckFailedException',
      'PutItem ValidationException',
      'PutItem answered',
      'Query ValidationException',
      'Query answered',
      'UpdateItem ConditionalCheckFailedException',
      'UpdateItem ValidationException',
      'UpdateItem answered',
    ]);
  });
});

/** Calls DynamoDB Local. Unlike the AWS client, it sends also what the client would refuse. */
async function callEngine(endpoint: string, { operation, input }: Call): Promise<unknown> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${operation}`,
      'x-amz-date': '20260101T000000Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
    },
    body: JSON.stringify(input),
  });
  const answer = (await response.json()) as Readonly<Record<string, unknown>>;
  if (response.ok) return answer;
  const name = String(answer['__type']).replace(/.*#/, '');
  throw Object.assign(new Error(name), { name, Item: answer['Item'] });
}

async function outcomeOf(make: () => unknown): Promise<Outcome> {
  try {
    return { answer: normal(await make()) };
  } catch (error) {
    const { name, Item } = error as Error & { Item?: unknown };
    return { error: name, item: normal(Item) };
  }
}

/** Without what neither the store nor anybody else looks at, and with sets and batches in one order. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(
    ([name]) => !['Count', 'ScannedCount', 'ConsumedCapacity'].includes(name),
  );
  return Object.fromEntries(
    entries.map(([name, inner]) => {
      if (name === 'SS') return [name, (inner as string[]).toSorted()];
      if (name === 'Responses') return [name, sortedBatch(inner as Record<string, object[]>)];
      return [name, normal(inner)];
    }),
  );
}

function sortedBatch(responses: Record<string, object[]>): unknown {
  return Object.fromEntries(
    Object.entries(responses).map(([table, items]) => [
      table,
      items.map((item) => JSON.stringify(normal(item), sortedKeys)).toSorted(),
    ]),
  );
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
