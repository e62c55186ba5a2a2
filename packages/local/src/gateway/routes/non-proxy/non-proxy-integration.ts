import type { Integration } from '../integration-options.js';
import type { Outcome, ProxyOutcome } from '../invoke.js';
import { parseJson, textOf, valueAt } from '../json-path.js';
import { type KeyedSelection, templateSelection } from '../select.js';
import type { MappingTemplate } from '../templates/mapping-template.js';
import { type TemplateInput, templateVariables } from '../templates/template-variables.js';
import { decodeBase64, type ResponseChoice, responseChoice } from './integration-response.js';
import { checkRequestParameters } from './request-parameters.js';

/** A call of a non-proxy integration. */
export interface NonProxyCall {
  /** The request, which is `$input` in the request template. */
  readonly templateInput: TemplateInput;
  /** Whether a missing integration response is a failure, because the client waits for an answer. */
  readonly needsResponse: boolean;
  /** Starts the function at once. Never rejects. */
  readonly invoke: (payload: object) => Promise<Outcome>;
}

/** A non-proxy integration, checked and ready to use. Never rejects. */
export type NonProxyIntegration = (call: NonProxyCall) => Promise<ProxyOutcome>;

/** The answer of a function or a mock. */
interface BackendAnswer {
  readonly statusCode: number;
  /** The text that selects the integration response. */
  readonly selected: string;
  /** `$input` of the response template. */
  readonly body: string;
  /** The payload if there is no template. */
  readonly payload: string;
  /** How the function failed. */
  readonly failure?: string;
}

type BackendOutcome =
  | { readonly type: 'answer'; readonly answer: BackendAnswer }
  | Exclude<ProxyOutcome, { readonly type: 'response' }>;

/**
 * Checks an integration and compiles its templates; `undefined` for a proxy, which has no templates.
 *
 * @throws Error if API Gateway would refuse it, or the local gateway does not support it.
 */
export function nonProxyIntegration(
  integration: Integration,
  routeKey: string,
): NonProxyIntegration | undefined {
  const { type, requestTemplates = {}, passthroughBehavior, contentHandlingStrategy } = integration;
  const where = `the integration of the route "${routeKey}"`;
  if (type !== 'AWS_PROXY' && type !== 'AWS' && type !== 'MOCK') {
    throw new Error(
      `The route "${routeKey}" has an integration of the type "${String(type)}", which the ` +
        'local gateway does not support. Use "AWS_PROXY" or "AWS" for a Lambda function, or "MOCK".',
    );
  }
  checkRequestParameters(integration.requestParameters ?? {}, { routeKey, where });
  if (type === 'AWS_PROXY') return undefined;

  const compiled: Compiled = {
    requestTemplate: templateSelection({
      templates: requestTemplates,
      expression: integration.templateSelectionExpression,
      variables: ['request.body'],
      where,
    }),
    passesUnmatched:
      passthroughBehavior === 'WHEN_NO_TEMPLATES'
        ? Object.keys(requestTemplates).length === 0
        : passthroughBehavior !== 'NEVER',
    toBinary: contentHandlingStrategy === 'CONVERT_TO_BINARY',
    askBackend: type === 'MOCK' ? mock : lambda,
    choose: responseChoice(integration.responses ?? [], where),
  };
  return async (call) => {
    try {
      return await run(compiled, call);
    } catch (error) {
      return misconfigured((error as Error).message);
    }
  };
}

interface Compiled {
  readonly requestTemplate: KeyedSelection<MappingTemplate>;
  /** Whether a message without a matching template is passed on. */
  readonly passesUnmatched: boolean;
  /** Whether the payload is decoded from base64. */
  readonly toBinary: boolean;
  readonly askBackend: (
    payload: string,
    invoke: NonProxyCall['invoke'],
  ) => BackendOutcome | Promise<BackendOutcome>;
  readonly choose: ResponseChoice;
}

/** From the request template to the response template. @throws Error if one of them fails. */
async function run(
  { requestTemplate, passesUnmatched, toBinary, askBackend, choose }: Compiled,
  { templateInput, needsResponse, invoke }: NonProxyCall,
): Promise<ProxyOutcome> {
  const request = { body: parseJson(templateInput.body) };
  const template = requestTemplate({ request });
  if (!template && !passesUnmatched) return unsupported;
  const text = template?.(templateVariables(templateInput)) ?? templateInput.body;
  const outcome = await askBackend(toBinary ? decodeBase64(text) : text, invoke);
  if (outcome.type !== 'answer') return outcome;

  const { statusCode, selected, body, payload, failure } = outcome.answer;
  const response = choose(selected);
  if (!response && needsResponse) {
    return misconfigured(
      `No integration response matches ${JSON.stringify(selected)}, and there is no "$default". ` +
        'Add one to the responses of the integration.',
    );
  }
  const selection = { request, integration: { response: { statuscode: statusCode } } };
  const context = { ...templateInput.context, status: statusCode };
  // On a one-way route, nobody would see the answer or a failure of its template (row 8.14).
  const rendered = needsResponse
    ? response?.render(selection, { ...templateInput, context, body, payload })
    : undefined;
  const answer = { statusCode, headers: new Map<string, string>(), body: rendered };
  return { type: 'response', response: answer, failure };
}

/**
 * A mock has no body of its own, so without a response template its answer is empty. Its response
 * template reads the output of its request template.
 */
function mock(payload: string): BackendOutcome {
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

async function lambda(text: string, invoke: NonProxyCall['invoke']): Promise<BackendOutcome> {
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

/** A failure that API Gateway answers with 500, because its configuration is wrong. */
function misconfigured(detail: string): Extract<ProxyOutcome, { type: 'failed' }> {
  return { type: 'failed', detail, status: 500 };
}

const unsupported: ProxyOutcome = {
  type: 'failed',
  detail:
    'No request template matches, and the passthrough behavior does not allow a request without one.',
  status: 415,
};
