import { decodeBase64 } from './base64.js';
import type { Integration } from './integration-options.js';
import { responseChoice } from './integration-response.js';
import type { Outcome, ProxyOutcome } from './invoke.js';
import { parseJson, textOf, valueAt } from './json-path.js';
import { checkRequestParameters } from './request-parameters.js';
import { templateSelection } from './template-selection.js';
import { type TemplateFacts, templateVariables } from './template-variables.js';

/** What a non-proxy integration is used for. */
export interface NonProxyCall {
  /** The request, `$input` of the request template. */
  readonly facts: TemplateFacts;
  /** Without an integration response the call has failed: somebody waits for it. */
  readonly needsResponse: boolean;
  /** Starts the function at once. Never rejects. */
  readonly invoke: (payload: object) => Promise<Outcome>;
}

/** A non-proxy integration, checked and ready to serve. Never rejects. */
export type NonProxyIntegration = (call: NonProxyCall) => Promise<ProxyOutcome>;

/** What a backend answered. */
interface BackendAnswer {
  readonly statusCode: number;
  /** What integration responses are chosen by. */
  readonly selected: string;
  /** `$input` of the response template. */
  readonly body: string;
  /** What goes out without a template. */
  readonly payload: string;
  /** How the function failed. */
  readonly failure?: string;
}

type BackendOutcome =
  | { readonly type: 'answer'; readonly answer: BackendAnswer }
  | Exclude<ProxyOutcome, { readonly type: 'response' }>;

/**
 * Checks an integration and compiles its templates; `undefined` for a proxy, which has none.
 *
 * @throws Error when API Gateway would not take it, or the local gateway does not have it.
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
        'local gateway does not have. Use "AWS_PROXY" or "AWS" for a Lambda function, or "MOCK".',
    );
  }
  checkRequestParameters(integration.requestParameters ?? {}, { routeKey, where });
  if (type === 'AWS_PROXY') return undefined;

  const requestTemplate = templateSelection({
    templates: requestTemplates,
    expression: integration.templateSelectionExpression,
    variables: ['request.body'],
    where,
  });
  const choose = responseChoice(integration.responses ?? [], where);
  const passesUnmatched =
    passthroughBehavior === 'WHEN_NO_TEMPLATES'
      ? Object.keys(requestTemplates).length === 0
      : passthroughBehavior !== 'NEVER';
  const toBinary = contentHandlingStrategy === 'CONVERT_TO_BINARY';
  const askBackend = type === 'MOCK' ? mock : lambda;

  const run: NonProxyIntegration = async ({ facts, needsResponse, invoke }) => {
    const request = { body: parseJson(facts.body) };
    const template = requestTemplate({ request });
    if (!template && !passesUnmatched) return unsupported;
    const text = template?.(templateVariables(facts)) ?? facts.body;
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
    const context = { ...facts.context, status: statusCode };
    // Nobody would see what a one-way route answers, nor that its template fails (row 8.14).
    const rendered = needsResponse
      ? response?.render(selection, { ...facts, context, body, payload })
      : undefined;
    const answer = { statusCode, headers: new Map<string, string>(), body: rendered };
    return { type: 'response', response: answer, failure };
  };
  return async (call) => {
    try {
      return await run(call);
    } catch (error) {
      return misconfigured((error as Error).message);
    }
  };
}

/**
 * A mock has no body of its own: without a response template it answers with an empty one. What its
 * request template rendered is what its response template reads.
 */
function mock(payload: string): BackendOutcome {
  const statusCode = valueAt(parseJson(payload), ['statusCode']);
  const isStatus =
    Number.isInteger(statusCode) && Number(statusCode) >= 200 && Number(statusCode) <= 599;
  if (typeof statusCode !== 'number' || !isStatus) {
    return misconfigured(
      'The request template of a mock must yield JSON with a "statusCode" from 200 to 599, such as ' +
        `{"statusCode":200}, and yielded ${JSON.stringify(payload.slice(0, 200))}.`,
    );
  }
  const answer = { statusCode, selected: String(statusCode), body: payload, payload: '' };
  return { type: 'answer', answer };
}

async function lambda(text: string, invoke: NonProxyCall['invoke']): Promise<BackendOutcome> {
  // A request without a payload is an empty event.
  const payload = text === '' ? {} : parseJson(text);
  if (payload === undefined) {
    return misconfigured(
      `A Lambda function takes JSON, and was to get ${JSON.stringify(text.slice(0, 200))}. ` +
        'Add a request template that yields JSON.',
    );
  }
  // JSON may also be a text or a number, and Lambda would take it.
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

/** What API Gateway answers with 500 by itself: the fault is in its configuration. */
function misconfigured(detail: string): Extract<ProxyOutcome, { type: 'failed' }> {
  return { type: 'failed', detail, status: 500 };
}

const unsupported: ProxyOutcome = {
  type: 'failed',
  detail: 'No request template matches, and the passthrough behavior forbids to go without.',
  status: 415,
};
