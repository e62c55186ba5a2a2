import { functionIn } from './identities.js';
import type { Resource } from './resource.js';
import type { TemplateIntegration, TemplateIntegrationResponse } from './template-api.js';

/** @param responses all integration responses of the API */
export function readIntegration(
  resource: Resource,
  responses: readonly Resource[],
): TemplateIntegration {
  const uri = resource.text('IntegrationUri');
  const { logicalId } = resource.serve();
  return {
    logicalId,
    type: resource.requiredText('IntegrationType', 'Write AWS_PROXY, AWS or MOCK.'),
    uri,
    method: resource.text('IntegrationMethod'),
    functionName: uri === undefined ? undefined : functionIn(uri)?.name,
    qualifier: uri === undefined ? undefined : functionIn(uri)?.qualifier,
    credentialsArn: resource.text('CredentialsArn'),
    timeoutMs: resource.number('TimeoutInMillis'),
    requestTemplates: resource.textFields('RequestTemplates'),
    templateSelectionExpression: resource.text('TemplateSelectionExpression'),
    passthroughBehavior: resource.text('PassthroughBehavior'),
    requestParameters: resource.textFields('RequestParameters'),
    contentHandlingStrategy: resource.text('ContentHandlingStrategy'),
    responses: responses
      .filter((response) => response.text('IntegrationId') === logicalId)
      .map(readIntegrationResponse),
  };
}

function readIntegrationResponse(resource: Resource): TemplateIntegrationResponse {
  const hint = 'Write $default, or a status between slashes: /2\\d\\d/.';
  return {
    integrationResponseKey: resource.serve().requiredText('IntegrationResponseKey', hint),
    responseTemplates: resource.textFields('ResponseTemplates'),
    templateSelectionExpression: resource.text('TemplateSelectionExpression'),
    contentHandlingStrategy: resource.text('ContentHandlingStrategy'),
  };
}
