import type { SignedRequest } from '../../gateway/access/signature.js';
import type { Input, ServiceCall } from '../../iam/needs/needs.js';
import { isInput } from '../../iam/needs/read-input.js';

/** The names of services in the scope of a signature. */
export const SERVICES = ['dynamodb', 'sqs'] as const;

export type ServiceName = (typeof SERVICES)[number];

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

/** The operation of a request and its input; `undefined` if it names no operation. */
export function readCall(
  request: SignedRequest,
  { service, protocol }: AnswerForm,
): ServiceCall | undefined {
  if (protocol === 'query') return readQuery(request);
  const operation = TARGETS[service].exec(String(request.headers['x-amz-target']))?.[1];
  return operation === undefined ? undefined : { service, operation, input: readJson(request) };
}

/** A body that is not JSON is an empty input: the service itself refuses it. */
function readJson({ body }: SignedRequest): Input {
  try {
    const input: unknown = JSON.parse(body.toString());
    return isInput(input) ? input : {};
  } catch {
    return {};
  }
}

/** The operation is a form, which is sent to the path of the queue. */
function readQuery({ url, headers, body }: SignedRequest): ServiceCall | undefined {
  const [path = '', query = ''] = url.split(/\?(.*)/s);
  const parts = [query, body.toString()].filter((part) => part !== '');
  const fields = new URLSearchParams(parts.join('&'));
  const operation = fields.get('Action');
  const QueueUrl = path === '/' ? undefined : `http://${String(headers.host)}${path}`;
  const input = { ...(QueueUrl !== undefined && { QueueUrl }), ...Object.fromEntries(fields) };
  return operation === null ? undefined : { service: 'sqs', operation, input };
}
