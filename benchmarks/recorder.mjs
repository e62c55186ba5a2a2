// What the permissions of a function cost a call of DynamoDB: the time through the recorder and beside it,
// with the SDK's client, in turn.
import { fileURLToPath } from 'node:url';
import { tableDefinition } from '@gatecast/adapters/dynamodb';
import { startGateway } from '@gatecast/local';

const WARM_UP = 300;
const ROUNDS = 2_000;

const { AttributeDefinitions, KeySchema } = tableDefinition;
const table = { TableName: 'notes', AttributeDefinitions, KeySchema };

/** As narrow as the policy of a real function. */
const permissions = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query'],
      Resource: [
        'arn:aws:dynamodb:us-east-1:123456789012:table/notes',
        'arn:aws:dynamodb:us-east-1:123456789012:table/notes/index/*',
      ],
    },
    { Effect: 'Allow', Action: 'execute-api:ManageConnections', Resource: '*' },
  ],
};

function median(times) {
  return times.toSorted((a, b) => a - b)[times.length >> 1];
}

export async function measure() {
  const gateway = await startGateway({
    entry: fileURLToPath(new URL('recorder-function.mjs', import.meta.url)),
    routes: ['$default'],
    tables: [table],
    timeoutMs: 600_000,
    permissions,
  });
  try {
    const beside = gateway.environment.AWS_ENDPOINT_URL_DYNAMODB;
    const run = async (operation, rounds) => {
      const event = { operation, beside, rounds };
      const { payload, ...result } = await gateway.invoke('recorder-function', event);
      if (payload === undefined) throw new Error(JSON.stringify(result));
      return payload;
    };
    const rows = [];
    for (const operation of ['PutItem', 'GetItem', 'Query']) {
      await run(operation, WARM_UP);
      const { through, directly } = await run(operation, ROUNDS);
      const added = median(through) - median(directly);
      rows.push({
        name: operation,
        'through it, ms': Number(median(through).toFixed(2)),
        'beside it, ms': Number(median(directly).toFixed(2)),
        'added, ms': Number(added.toFixed(2)),
      });
    }
    return { benchmark: 'recorder', rounds: ROUNDS, node: process.version, rows };
  } finally {
    await gateway.close();
  }
}
