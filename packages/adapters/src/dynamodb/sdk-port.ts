// By name, so that a bundle holds no other command.
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { type OptionType, option } from '@gatecast/framework/adapter';
import type { DynamoDbPort, InputOf, OperationName, OutputOf } from './port.js';

const CONNECT_TIMEOUT_MS = 1_000;
/** More than the store has calls under way in one operation. */
const SOCKETS = 64;

const commands = {
  BatchGetItem: BatchGetItemCommand,
  BatchWriteItem: BatchWriteItemCommand,
  DeleteItem: DeleteItemCommand,
  GetItem: GetItemCommand,
  Query: QueryCommand,
  UpdateItem: UpdateItemCommand,
};

type Send<O extends OperationName> = (
  command: object,
  options: { readonly abortSignal: AbortSignal },
) => Promise<OutputOf<O>>;

/** What a DynamoDBClient is known by: a bundle may hold two copies of its class. */
export const clientOption: OptionType = {
  takes: 'a DynamoDBClient',
  fits: (value) =>
    option.object.fits(value) &&
    typeof (value as Partial<DynamoDBClient>).send === 'function' &&
    typeof (value as Partial<DynamoDBClient>).config?.region === 'function',
};

/** DynamoDB through a client of the AWS SDK. */
export function sdkPort(client: DynamoDBClient): DynamoDbPort {
  return {
    call<O extends OperationName>(
      operation: O,
      input: InputOf<O>,
      { signal }: { signal: AbortSignal },
    ) {
      // The SDK's types know each command, but not one of several.
      const Command = commands[operation] as unknown as new (input: InputOf<O>) => object;
      const send = client.send.bind(client) as unknown as Send<O>;
      return send(new Command(input), { abortSignal: signal });
    },
  };
}

/** Makes the AWS client: without retries, because only the store knows how much time it has. */
export function makeClient(endpoint: string | undefined): DynamoDBClient {
  const agent = { keepAlive: true, maxSockets: SOCKETS };
  return new DynamoDBClient({
    // A server of your own has no Region, but the client insists on one.
    ...(endpoint !== undefined && { endpoint, region: process.env['AWS_REGION'] ?? 'us-east-1' }),
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
}
