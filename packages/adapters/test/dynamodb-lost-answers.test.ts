// An answer that is lost makes the store send again what DynamoDB has done already.
import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { expect, it } from 'vitest';
import { startDynalite } from './engines/start-dynalite.js';
import { connected, openTable } from './table-under-test.js';

it('clears what a subscribe wrote while the answer of an unsubscribe was lost', async () => {
  await using engine = await startDynalite();
  await using table = await openTable(engine);
  const { connectionId } = await connected(table);
  const { connections: other } = dynamoDbStore({ table: table.table, client: table.client });
  const isLeaving = (input: object) =>
    'UpdateExpression' in input && String(input.UpdateExpression).startsWith('DELETE');
  table.hooks.before = async (_action, input) => {
    if (!isLeaving(input)) return;
    delete table.hooks.before;
    await other.subscribe(connectionId, 'rooms/1', 200);
  };
  let lost = 0;
  table.hooks.after = (_action, _output, input) => {
    if (!isLeaving(input) || lost > 0) return;
    lost += 1;
    throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
  };

  await table.connections.unsubscribe(connectionId, 'rooms/1');
  expect(lost).toBe(1);
  expect(await table.connections.channels(connectionId)).toEqual([]);
  expect((await table.connections.subscribers('rooms/1')).items).toEqual([]);
});
