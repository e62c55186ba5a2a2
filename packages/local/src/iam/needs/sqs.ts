import type { Input, Need, ServiceCall, ServicePlace } from './needs.js';
import { textAt } from './read-input.js';

/** Operations on a queue that need the action of the same name. */
const ON_QUEUE = new Set([
  'AddPermission',
  'ChangeMessageVisibility',
  'CreateQueue',
  'DeleteMessage',
  'DeleteQueue',
  'GetQueueAttributes',
  'GetQueueUrl',
  'ListDeadLetterSourceQueues',
  'ListQueueTags',
  'PurgeQueue',
  'ReceiveMessage',
  'RemovePermission',
  'SendMessage',
  'SetQueueAttributes',
  'TagQueue',
  'UntagQueue',
]);

/** Batches need the action of a single message. */
const SINGLE: ReadonlyMap<string, string> = new Map([
  ['ChangeMessageVisibilityBatch', 'ChangeMessageVisibility'],
  ['DeleteMessageBatch', 'DeleteMessage'],
  ['SendMessageBatch', 'SendMessage'],
]);

const LOCAL = 'http://localhost';

/** SQS has no condition keys of its own but tags. */
const keys: Need['keys'] = new Map();

/**
 * What a call of SQS needs (AWS: "Amazon SQS API permissions: Actions and resource reference").
 * Operations that move the messages of a queue are missing: they need several actions.
 */
export function sqsNeeds(
  { operation, input }: ServiceCall,
  place: ServicePlace,
): readonly Need[] | undefined {
  const need = (name: string, resource: string | undefined): Need[] =>
    resource === undefined ? [] : [{ action: `sqs:${name}`, resource, keys }];
  const name = SINGLE.get(operation) ?? operation;
  if (ON_QUEUE.has(name)) return need(name, queueArn(input, place));
  return operation === 'ListQueues' ? need(operation, '*') : undefined;
}

/**
 * The ARN of the queue in `QueueUrl`, or with the name in `QueueName`. The URL of an emulator is that of a
 * queue in this account and Region. Some emulators take a path or a name in place of the URL.
 */
function queueArn(input: Input, place: ServicePlace): string | undefined {
  const url = textAt(input, 'QueueUrl');
  const { pathname, hostname } = new URL(
    url !== undefined && URL.canParse(url, LOCAL) ? url : '/',
    LOCAL,
  );
  const [ofUrl, account = ''] = pathname
    .split('/')
    .filter((part) => part !== '')
    .toReversed();
  const name = ofUrl ?? textAt(input, 'QueueName');
  if (name === undefined) return undefined;
  const region = /^sqs\.([a-z\d-]+)\.amazonaws\./.exec(hostname)?.[1] ?? place.region;
  const owner = textAt(input, 'QueueOwnerAWSAccountId') ?? account;
  const accountId = /^(?!0{12})\d{12}$/.test(owner) ? owner : place.accountId;
  return `arn:${place.partition}:sqs:${region}:${accountId}:${name}`;
}
