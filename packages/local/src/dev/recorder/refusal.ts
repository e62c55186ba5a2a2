import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { AccessDecision } from '../../iam/decide.js';
import type { Caller } from '../../iam/role.js';
import type { AccessRequest } from '../../iam/statement.js';
import type { AnswerForm } from './service-request.js';

/** An error as the clients of a service know it. */
export interface ServiceError {
  /** The name of DynamoDB's exception, such as `AccessDeniedException`. */
  readonly type: string;
  readonly message: string;
  /** @default 400; for SQS 403 */
  readonly status?: number | undefined;
}

/** The names that SQS has for exceptions of its JSON protocol in the query protocol. */
const QUERY_NAMES: Readonly<Record<string, string>> = {
  AccessDeniedException: 'AccessDenied',
  IncompleteSignatureException: 'IncompleteSignature',
  InvalidSignatureException: 'SignatureDoesNotMatch',
  MissingAuthenticationTokenException: 'MissingAuthenticationToken',
  UnknownOperationException: 'InvalidAction',
  UnrecognizedClientException: 'InvalidClientTokenId',
};

/**
 * Answers with an error in the form of a service: DynamoDB with a text in `Message`, SQS with the name of
 * the query protocol in a header, too.
 */
export function refuse(
  response: ServerResponse,
  { service, protocol }: AnswerForm,
  { type, message, status = service === 'sqs' ? 403 : 400 }: ServiceError,
): void {
  const isSender = status < 500;
  const code = QUERY_NAMES[type] ?? type;
  const requestId = randomUUID();
  if (protocol === 'query') {
    const text =
      '<?xml version="1.0"?><ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error>' +
      `<Type>${isSender ? 'Sender' : 'Receiver'}</Type><Code>${code}</Code>` +
      `<Message>${escaped(message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`;
    return send(response, { status, requestId, text, contentType: 'text/xml' });
  }
  if (service === 'sqs') {
    response.setHeader('x-amzn-query-error', `${code};${isSender ? 'Sender' : 'Receiver'}`);
  }
  const text = service === 'sqs' ? jsonOf({ type, message }) : dynamoDbBody({ type, message });
  send(response, { status, requestId, text, contentType: 'application/x-amz-json-1.0' });
}

/** The body of an error of DynamoDB. Only its refusals by IAM have the capital letter. */
export function dynamoDbBody({ type, message }: ServiceError): string {
  return type === 'AccessDeniedException'
    ? JSON.stringify({ __type: typeOf(type), Message: message })
    : jsonOf({ type, message });
}

function jsonOf({ type, message }: ServiceError): string {
  return JSON.stringify({ __type: typeOf(type), message });
}

const typeOf = (type: string): string => `com.amazon.coral.service#${type}`;

function send(
  response: ServerResponse,
  answer: { status: number; requestId: string; text: string; contentType: string },
): void {
  response.writeHead(answer.status, {
    'x-amzn-RequestId': answer.requestId,
    'Content-Type': answer.contentType,
    'Content-Length': Buffer.byteLength(answer.text),
  });
  response.end(answer.text);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** The words of AWS for a call that IAM refuses. SQS writes its actions in lower case. */
export function accessDenied(
  { principal, role }: Caller,
  { action: needed, resource }: Pick<AccessRequest, 'action' | 'resource'>,
  { reason, statements }: AccessDecision,
): ServiceError {
  const action = needed.startsWith('sqs:') ? needed.toLowerCase() : needed;
  const on = reason === 'unknown' ? '' : ` on resource: ${resource}`;
  const isInBoundary = statements.some(({ policy }) => policy === role?.boundary);
  const because: Readonly<Record<AccessDecision['reason'], string>> = {
    allowed: '',
    'not allowed': `because no identity-based policy allows the ${action} action`,
    denied: `with an explicit deny in ${isInBoundary ? 'a permissions boundary' : 'an identity-based policy'}`,
    boundary: `because no permissions boundary allows the ${action} action`,
    unknown: 'because the local gateway does not know which permissions it needs',
  };
  const message = `User: ${principal} is not authorized to perform: ${action}${on} ${because[reason]}`;
  return { type: 'AccessDeniedException', message };
}
