/** The services whose calls are checked here. */
const SERVICES: ReadonlySet<string> = new Set(['dynamodb', 'sqs', 'execute-api', '*']);

/** What Lambda itself calls by a function's role, to read streams and queues that are its triggers. */
const OF_TRIGGERS: ReadonlySet<string> = new Set(
  [
    'dynamodb:DescribeStream',
    'dynamodb:GetRecords',
    'dynamodb:GetShardIterator',
    'dynamodb:ListStreams',
    'sqs:ChangeMessageVisibility',
    'sqs:DeleteMessage',
    'sqs:GetQueueAttributes',
    'sqs:ReceiveMessage',
  ].map((action) => action.toLowerCase()),
);

/**
 * Whether calls of an action of a policy are seen here if there are any. Others are of services that are
 * not recorded, such as logs, or are made on AWS by Lambda itself (Using Lambda with Amazon SQS, with
 * DynamoDB).
 */
export function isSeen(action: string): boolean {
  const [service = ''] = action.toLowerCase().split(':');
  return SERVICES.has(service) && !OF_TRIGGERS.has(action.toLowerCase());
}
