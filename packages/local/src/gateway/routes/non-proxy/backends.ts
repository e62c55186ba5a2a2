import { callerWith, problemWithTrust, type RoleOfGateway } from '../../access/gateway-role.js';
import type { AwsService, ServiceAction } from '../../aws-service.js';
import { inTime, type Outcome, type ProxyOutcome } from '../invoke.js';
import { parseJson, textOf, valueAt } from '../json-path.js';

/** How a backend is called. */
export interface BackendCall {
  /** Starts the function at once. Never rejects. */
  readonly invoke: (payload: object) => Promise<Outcome>;
  /** How long to wait for a service. */
  readonly timeoutMs: number;
}

/** The answer of a function, a service or a mock. */
export interface BackendAnswer {
  readonly statusCode: number;
  /** The text that selects the integration response. */
  readonly selected: string;
  /** `$input` of the response template. */
  readonly body: string;
  /** The payload if there is no template. */
  readonly payload: string;
  /** How the function or the service failed. */
  readonly failure?: string | undefined;
  /** The service that answered, with its operation. */
  readonly service?: string;
}

/** What is behind a non-proxy integration. It takes the output of the request template. */
export type Backend = (
  payload: string,
  call: BackendCall,
) => BackendOutcome | Promise<BackendOutcome>;

type BackendOutcome =
  | { readonly type: 'answer'; readonly answer: BackendAnswer }
  | Exclude<ProxyOutcome, { readonly type: 'response' }>;

/** A failure that API Gateway answers with 500, because its configuration is wrong. */
export function misconfigured(detail: string): Extract<ProxyOutcome, { type: 'failed' }> {
  return { type: 'failed', detail, status: 500 };
}

/**
 * A mock has no body of its own, so without a response template its answer is empty. Its response
 * template reads the output of its request template.
 */
export function mock(payload: string): BackendOutcome {
  const statusCode = valueAt(parseJson(payload), ['statusCode']);
  const isStatus =
    Number.isInteger(statusCode) && Number(statusCode) >= 200 && Number(statusCode) <= 599;
  if (typeof statusCode !== 'number' || !isStatus) {
    return misconfigured(
      'The request template of a mock must yield JSON with a "statusCode" from 200 to 599, such as ' +
        `{"statusCode":200}, and yielded ${payload.length} characters that are not.`,
    );
  }
  const answer = { statusCode, selected: String(statusCode), body: payload, payload: '' };
  return { type: 'answer', answer };
}

/** The function of the route. */
export async function lambda(text: string, { invoke }: BackendCall): Promise<BackendOutcome> {
  // An empty payload becomes an empty event.
  const payload = text === '' ? {} : parseJson(text);
  if (payload === undefined) {
    return misconfigured(
      `A Lambda function takes JSON, and was to get ${text.length} characters that are not. ` +
        'Add a request template that yields JSON.',
    );
  }
  // Lambda also accepts JSON that is a string or a number.
  const outcome = await invoke(payload as object);
  if (outcome.type === 'timeout') return outcome;
  if (outcome.type === 'response') {
    const body = JSON.stringify(outcome.payload);
    const selected = textOf(valueAt(outcome.payload, ['errorMessage']));
    return { type: 'answer', answer: { statusCode: 200, selected, body, payload: body } };
  }
  const { errorType, errorMessage } = outcome;
  const body = JSON.stringify({ errorMessage, errorType });
  const failure = `${errorType}: ${errorMessage}`;
  const answer = { statusCode: 200, selected: errorMessage, body, payload: body, failure };
  return { type: 'answer', answer };
}

/** An operation of a service. It gets the payload unchanged, and judges itself whether it is valid. */
export function serviceBackend(
  call: AwsService,
  { service, operation, region }: ServiceAction,
  role: RoleOfGateway | undefined,
): (payload: string, options: BackendCall) => Promise<BackendOutcome> {
  const name = `${service}:${operation}`;
  const caller = role && callerWith(role);
  const untrusted = role && problemWithTrust(role);
  return async (payload, { timeoutMs }) => {
    if (untrusted !== undefined) return misconfigured(untrusted);
    try {
      const answered = await inTime(call(operation, payload, { caller, region }), timeoutMs);
      if ('type' in answered) return { type: 'timeout', service: name };
      const { status, body } = answered;
      const error = `${name} answered ${[status, ...errorTypeIn(body)].join(' ')}`;
      return {
        type: 'answer',
        answer: {
          statusCode: status,
          selected: String(status),
          body,
          payload: body,
          failure: status > 299 ? error : undefined,
          service: name,
        },
      };
    } catch (error) {
      return { type: 'failed', detail: `${name} could not be called: ${(error as Error).message}` };
    }
  };
}

/** The name of an error in AWS's JSON protocol. Its message may have values of the request in it. */
function errorTypeIn(body: string): string[] {
  const type = valueAt(parseJson(body), ['__type']);
  const name = typeof type === 'string' ? /(?:^|#)(\w{1,80})$/.exec(type)?.[1] : undefined;
  return name === undefined ? [] : [name];
}
