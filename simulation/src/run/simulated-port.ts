import type { DynamoDbPort } from '../../../packages/adapters/src/dynamodb/port.js';
import { callTable } from '../table/call-table.js';
import { ConditionalCheckFailedException, type SimulatedTable } from '../table/simulated-table.js';
import { type Answer, type CallWorld, EngineCall } from './engine-call.js';

export interface PortOptions extends CallWorld {
  readonly table: SimulatedTable;
  /** Whether a failed condition returns the item: some engines do not. */
  readonly returnsOldItem: boolean;
}

/** DynamoDB as one environment reaches it, with the adversary on the way. */
export function simulatedPort(options: PortOptions): DynamoDbPort {
  const { table, returnsOldItem, world, story } = options;
  return {
    call: (operation, input, { signal, endsAt }) =>
      new Promise((resolve, reject) => {
        const settle = (answer: Answer): void => {
          if (!('error' in answer)) return resolve(answer.output as never);
          const isRefused = answer.error instanceof ConditionalCheckFailedException;
          if (!isRefused) story?.tell(`${call.name} gets ${answer.error.name}`);
          return reject(answer.error);
        };
        const request = {
          isOver: () => signal.aborted || world.clock >= endsAt,
          apply: (about: Parameters<EngineApply>[0]) => {
            const isUnprocessed = (): boolean => about.does('unprocessed');
            const answer = answerOf(() => callTable(table, { operation, input }, isUnprocessed));
            story?.tellCall(call.name, operation, { input, answer });
            return returnsOldItem ? answer : withoutItem(answer);
          },
          throttled: errorOf('ProvisionedThroughputExceededException', { httpStatusCode: 400 }),
          serverError: errorOf('InternalServerError', { httpStatusCode: 500 }),
          // As the AWS client says it.
          brokenConnection: Object.assign(errorOf('TimeoutError'), { code: 'ECONNRESET' }),
        };
        const call: EngineCall = new EngineCall(options, request, settle);
      }),
  };
}

type EngineApply = ConstructorParameters<typeof EngineCall>[1]['apply'];

function answerOf(work: () => object): Answer {
  try {
    return { output: work() };
  } catch (error) {
    return { error: error as Error };
  }
}

function withoutItem(answer: Answer): Answer {
  const isRefused = 'error' in answer && answer.error instanceof ConditionalCheckFailedException;
  return isRefused ? { error: new ConditionalCheckFailedException(undefined) } : answer;
}

function errorOf(name: string, $metadata?: object): Error {
  return Object.assign(new Error(name), { name, ...($metadata && { $metadata }) });
}
