import type { SignedRequest } from '../../gateway/access/signature.js';
import { type Input, type ServiceCall } from '../../iam/needs/needs.js';
import { isInput } from '../../iam/needs/read-input.js';

/** The names of services in the scope of a signature. */
export const SERVICES = ['dynamodb', 'sqs'] as const;

export type ServiceName = (typeof SERVICES)[number];

/** The protocol that a client expects answers in. */
export type Protocol = 'json' | 'query';

/** What a client called. */
export interface ServiceRequest {
  readonly service: ServiceName;
  readonly protocol: Protocol;
  /** @default the request names no operation */
  readonly call: ServiceCall | undefined;
}

/** The versions of the services' JSON protocols. */
const TARGETS: Readonly<Record<ServiceName, RegExp>> = {
  dynamodb: /^DynamoDB_20120810\.(\w+)$/,
  sqs: /^AmazonSQS\.(\w+)$/,
};

/** The service that a request is for, as far as anybody can say before its signature is verified. */
export function guessedService({ headers }: SignedRequest): ServiceName {
  const { authorization } = headers;
  const target = String(headers['x-amz-target'] ?? '');
  const isSqs = /\/sqs\/aws4_request/.test(String(authorization)) || TARGETS.sqs.test(target);
  return isSqs || target === '' ? 'sqs' : 'dynamodb';
}

/** Reads the operation and its input, in the JSON or in the older query protocol. */
export function readServiceRequest(request: SignedRequest, service: ServiceName): ServiceRequest {
  const target = request.headers['x-amz-target'];
  if (target === undefined && service === 'sqs') return readQuery(request);
  const operation = TARGETS[service].exec(String(target))?.[1];
  const call =
    operation === undefined ? undefined : { service, operation, input: readJson(request) };
  return { service, protocol: 'json', call };
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

/** Old clients send the operation as a form, to the path of the queue. */
function readQuery({ url, headers, body }: SignedRequest): ServiceRequest {
  const [path = '', query = ''] = url.split(/\?(.*)/s);
  const fields = new URLSearchParams(
    [query, body.toString()].filter((part) => part !== '').join('&'),
  );
  const operation = fields.get('Action');
  const QueueUrl = path === '/' ? undefined : `http://${String(headers.host)}${path}`;
  const input = { ...(QueueUrl !== undefined && { QueueUrl }), ...Object.fromEntries(fields) };
  const call = operation === null ? undefined : { service: 'sqs', operation, input };
  return { service: 'sqs', protocol: 'query', call };
}
