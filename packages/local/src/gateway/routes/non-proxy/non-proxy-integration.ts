import { type AwsServices, actionIn } from '../../aws-service.js';
import type { Integration } from '../integration-options.js';
import type { ProxyOutcome } from '../invoke.js';
import { parseJson } from '../json-path.js';
import { type KeyedSelection, templateSelection } from '../select.js';
import type { MappingTemplate } from '../templates/mapping-template.js';
import { type TemplateInput, templateVariables } from '../templates/template-variables.js';
import {
  type Backend,
  type BackendAnswer,
  type BackendCall,
  lambda,
  misconfigured,
  mock,
  serviceBackend,
} from './backends.js';
import { decodeBase64, type ResponseChoice, responseChoice } from './integration-response.js';
import { checkRequestParameters } from './request-parameters.js';

/** A call of a non-proxy integration. */
export interface NonProxyCall extends BackendCall {
  /** The request, which is `$input` in the request template. */
  readonly templateInput: TemplateInput;
  /** Whether a missing integration response is a failure, because the client waits for an answer. */
  readonly needsResponse: boolean;
}

/** A non-proxy integration, checked and ready to use. Never rejects. */
export type NonProxyIntegration = (call: NonProxyCall) => Promise<ProxyOutcome>;

/** Where an integration is. */
interface IntegrationPlace {
  readonly routeKey: string;
  /** The services that it may call. */
  readonly services: AwsServices;
}

/**
 * Checks an integration and compiles its templates; `undefined` for a proxy, which has no templates.
 *
 * @throws Error if API Gateway would refuse it, or the local gateway does not support it.
 */
export function nonProxyIntegration(
  integration: Integration,
  { routeKey, services }: IntegrationPlace,
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
    askBackend: type === 'MOCK' ? mock : awsBackend(integration, services, where),
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
  readonly askBackend: Backend;
  readonly choose: ResponseChoice;
}

/** From the request template to the response template. @throws Error if one of them fails. */
async function run(
  { requestTemplate, passesUnmatched, toBinary, askBackend, choose }: Compiled,
  { templateInput, needsResponse, ...call }: NonProxyCall,
): Promise<ProxyOutcome> {
  const request = { body: parseJson(templateInput.body) };
  const template = requestTemplate({ request });
  if (!template && !passesUnmatched) return unsupported;
  const text = template?.(templateVariables(templateInput)) ?? templateInput.body;
  const outcome = await askBackend(toBinary ? decodeBase64(text) : text, call);
  if (outcome.type !== 'answer') return outcome;

  const { statusCode, selected, body, payload, failure, service } = outcome.answer;
  const response = choose(selected);
  if (!response && needsResponse) return misconfigured(unmatched(outcome.answer));
  const selection = { request, integration: { response: { statuscode: statusCode } } };
  const context = { ...templateInput.context, status: statusCode };
  // On a one-way route, nobody would see the answer or a failure of its template (row 8.14).
  const rendered = needsResponse
    ? response?.render(selection, { ...templateInput, context, body, payload })
    : undefined;
  const answer = { statusCode, headers: new Map<string, string>(), body: rendered };
  return { type: 'response', response: answer, failure, service };
}

/** AWS answers with a configuration error then, also if it is the service that has failed (row 8.12). */
function unmatched({ selected, failure, service }: BackendAnswer): string {
  return service !== undefined && failure !== undefined
    ? `${failure}, and no integration response matches that status.`
    : `No integration response matches ${JSON.stringify(selected)}, and there is no "$default". ` +
        'Add one to the responses of the integration.';
}

/** The backend of the type `AWS`. @throws Error if its service is not known. */
function awsBackend(
  { integrationUri: uri, credentials }: Integration,
  services: AwsServices,
  where: string,
): Backend {
  if (uri === undefined) return lambda;
  const action = actionIn(uri);
  const service =
    action && Object.hasOwn(services, action.service) ? services[action.service] : undefined;
  if (action && service) return serviceBackend(service, action, credentials);
  const known = Object.keys(services).map((name) => `"${name}"`);
  throw new Error(
    `The integration URI "${uri}" of ${where} does not lead to an operation of a service that runs ` +
      `locally: ${known.join(', ') || 'there is none'}. Use "arn:aws:apigateway:REGION:SERVICE:action/OPERATION" ` +
      'of such a service, or leave it out for the function of the route.',
  );
}

const unsupported: ProxyOutcome = {
  type: 'failed',
  detail:
    'No request template matches, and the passthrough behavior does not allow a request without one.',
  status: 415,
};
