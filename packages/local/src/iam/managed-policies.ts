import type { PolicyDocument } from './policy-document.js';
import type { Policy } from './role.js';

const logs = ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'];
const network = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];
const traces = [
  'xray:PutTraceSegments',
  'xray:PutTelemetryRecords',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
  'xray:GetSamplingStatisticSummaries',
];
const stream = ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'];
const queue = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];
const reading = [
  'BatchGetItem',
  'Describe*',
  'List*',
  'GetAbacStatus',
  'GetItem',
  'GetResourcePolicy',
  'Query',
  'Scan',
  'PartiQLSelect',
];

/**
 * What policies of AWS allow, by the end of their ARNs (AWS Managed Policy Reference). Of those for a whole
 * service, only the actions of this service: the others, on alarms and the like, are for its console.
 */
const actionsOf: ReadonlyMap<string, readonly string[]> = new Map([
  ['service-role/AWSLambdaBasicExecutionRole', logs],
  ['service-role/AWSLambdaVPCAccessExecutionRole', [...logs, ...network]],
  ['service-role/AWSLambdaSQSQueueExecutionRole', [...queue, ...logs]],
  [
    'service-role/AWSLambdaDynamoDBExecutionRole',
    [...stream.map((name) => `dynamodb:${name}`), ...logs],
  ],
  ['service-role/AWSLambdaRole', ['lambda:InvokeFunction']],
  ['AWSXRayDaemonWriteAccess', traces],
  ['AWSXrayWriteOnlyAccess', traces],
  ['AmazonAPIGatewayInvokeFullAccess', ['execute-api:Invoke', 'execute-api:ManageConnections']],
  ['AmazonDynamoDBFullAccess', ['dynamodb:*']],
  ['AmazonDynamoDBReadOnlyAccess', reading.map((name) => `dynamodb:${name}`)],
  ['AmazonSQSFullAccess', ['sqs:*']],
  ['AdministratorAccess', ['*']],
]);

/**
 * A policy of AWS that functions often have, by its ARN, such as
 * `arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole`; `undefined` if its content is not
 * known here.
 */
export function managedPolicy(arn: string): Policy | undefined {
  const [, name = ''] = /^arn:aws[a-z-]*:iam::aws:policy\/(.+)$/.exec(arn) ?? [];
  const actions = actionsOf.get(name);
  if (!actions) return undefined;
  const document: PolicyDocument = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
  };
  const source = `the managed policy "${name.split('/').at(-1)}"`;
  return { source, document, isOfAws: true };
}
