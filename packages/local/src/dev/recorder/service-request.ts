import type { SignedRequest } from '../../gateway/access/signature.js';
import type { ServiceCall } from '../../iam/needs/needs.js';
import { parseInput } from '../../iam/needs/read-input.js';

/** The names of services in the scope of a signature. */
export const SERVICES = ['dynamodb', 'sqs'] as const;

export type ServiceName = (typeof SERVICES)[number];

/** The variables in which the SDKs read the endpoints of services. */
export const ENDPOINT_VARIABLES: Readonly<Record<ServiceName, string>> = {
  dynamodb: 'AWS_ENDPOINT_URL_DYNAMODB',
  sqs: 'AWS_ENDPOINT_URL_SQS',
};

/** How a client expects to be answered. */
export interface AnswerForm {
  readonly service: ServiceName;
  readonly protocol: 'json' | 'query';
}

/** The versions of the services' JSON protocols. */
const TARGETS: Readonly<Record<ServiceName, RegExp>> = {
  dynamodb: /^DynamoDB_20120810\.(\w+)$/,
  sqs: /^AmazonSQS\.(\w+)$/,
};

/** The form for a request before its signature is verified, as far as anybody can say then. */
export function probableForm(request: SignedRequest): AnswerForm {
  const { authorization = '', 'x-amz-target': target } = request.headers;
  const isSqs =
    /\/sqs\/aws4_request/.test(String(authorization)) || TARGETS.sqs.test(String(target));
  return formOf(request, isSqs ? 'sqs' : 'dynamodb');
}

/** Older clients of SQS do not use JSON. */
export function formOf({ headers }: SignedRequest, service: ServiceName): AnswerForm {
  const isQuery = service === 'sqs' && headers['x-amz-target'] === undefined;
  return { service, protocol: isQuery ? 'query' : 'json' };
}

/** What a request lacks that every call has. */
export type MissingPart = 'operation' | 'input';

/** The operation of a request and its input. */
export function readCall(
  request: SignedRequest,
  { service, protocol }: AnswerForm,
): ServiceCall | MissingPart {
  if (protocol === 'query') return readQuery(request);
  const operation = TARGETS[service].exec(String(request.headers['x-amz-target']))?.[1];
  if (operation === undefined) return 'operation';
  const input = parseInput(request.body.toString());
  return input === undefined ? 'input' : { service, operation, input };
}

/** The operation is a form, which is sent to the path of the queue. */
function readQuery({ url, headers, body }: SignedRequest): ServiceCall | MissingPart {
  const [path = '', query = ''] = url.split(/\?(.*)/s);
  const parts = [query, body.toString()].filter((part) => part !== '');
  const fields = new URLSearchParams(parts.join('&'));
  const operation = fields.get('Action');
  const QueueUrl = path === '/' ? undefined : `http://${String(headers.host)}${path}`;
  const input = { ...(QueueUrl !== undefined && { QueueUrl }), ...Object.fromEntries(fields) };
  return operation === null ? 'operation' : { service: 'sqs', operation, input };
}
