// Imported by name, so that a bundle contains no other commands.
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { type OptionType, option } from '@gatecast/framework/adapter';
import { NoAnswerError } from './failure.js';
import type { CallLimit, DynamoDbPort, InputOf, OperationName, OutputOf } from './port.js';

const CONNECT_TIMEOUT_MS = 1_000;
/** More than the calls that one operation of the store makes at once. */
const MAX_SOCKETS = 64;

const commands = {
  BatchGetItem: BatchGetItemCommand,
  BatchWriteItem: BatchWriteItemCommand,
  DeleteItem: DeleteItemCommand,
  GetItem: GetItemCommand,
  PutItem: PutItemCommand,
  Query: QueryCommand,
  UpdateItem: UpdateItemCommand,
};

/** The part of a command that all commands have in common. */
type AnyCommand = Pick<GetItemCommand, 'middlewareStack'>;

type Send<O extends OperationName> = (
  command: AnyCommand,
  options: { readonly abortSignal: AbortSignal },
) => Promise<OutputOf<O>>;

/** Recognises a DynamoDBClient by its shape, because a bundle may contain two copies of the class. */
export const clientOption: OptionType = {
  takes: 'a DynamoDBClient',
  fits: (value) =>
    option.object.fits(value) &&
    typeof (value as Partial<DynamoDBClient>).send === 'function' &&
    typeof (value as Partial<DynamoDBClient>).config?.region === 'function',
};

/** Calls DynamoDB through a client of the AWS SDK. */
export function sdkPort(client: DynamoDBClient): DynamoDbPort {
  return {
    call<O extends OperationName>(operation: O, input: InputOf<O>, { signal, endsAt }: CallLimit) {
      // The SDK's types accept each single command, but not a union of them.
      const Command = commands[operation] as unknown as new (input: InputOf<O>) => AnyCommand;
      const send = client.send.bind(client) as unknown as Send<O>;
      const command = new Command(input);
      // The process may have been frozen while the request was signed.
      command.middlewareStack.add(
        (next) => async (args) => {
          if (Date.now() >= endsAt) throw new NoAnswerError();
          return next(args);
        },
        // After it, only the handler that sends the request is left.
        { step: 'deserialize', priority: 'low' },
      );
      return send(command, { abortSignal: signal });
    },
  };
}

/** Creates the AWS client. It does not retry: only the store knows how much time is left. */
export function makeClient(endpoint: string | undefined): DynamoDBClient {
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  return new DynamoDBClient({
    // A server of your own has no Region, but the client requires one.
    ...(endpoint !== undefined && { endpoint, region: process.env['AWS_REGION'] ?? 'us-east-1' }),
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
}
