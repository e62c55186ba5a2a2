import { FUNCTION_URI_HINT, functionIn, functionUriHint } from './identities.js';
import { templateError } from './parse-template.js';
import { readIntegration } from './read-integration.js';
import { type RouteSurroundings, readRoute } from './read-route.js';
import type { Resource } from './resource.js';
import type {
  TemplateApi,
  TemplateAuthorizer,
  TemplateRoute,
  TemplateStage,
} from './template-api.js';

const PREFIX = 'AWS::ApiGatewayV2::';

/**
 * Reads a WebSocket API. Its parts may be in other stacks.
 *
 * @param stageName name of the stage; `undefined` if there is only one
 * @throws StartError `ERR_TEMPLATE_INVALID` if it is incomplete.
 */
export function readApi(
  api: Resource,
  { resources, stageName }: { resources: readonly Resource[]; stageName: string | undefined },
): TemplateApi {
  const apiId = api.serve().ref;
  // Resources of another API are not served, so they are ignored.
  const ofApi = (name: string): readonly Resource[] =>
    resources.filter(
      (resource) => resource.type === `${PREFIX}${name}` && resource.text('ApiId') === apiId,
    );
  const stage = findStage(ofApi('Stage'), stageName);
  const integrationResponses = ofApi('IntegrationResponse');
  const parts: RouteSurroundings = {
    stage,
    integrations: new Map(
      ofApi('Integration').map((resource) => {
        const integration = readIntegration(resource, integrationResponses);
        return [integration.logicalId, integration];
      }),
    ),
    routeResponses: ofApi('RouteResponse'),
    models: ofApi('Model'),
  };
  const routes = ofApi('Route').map((route) => readRoute(route, parts));
  return {
    apiId,
    routeSelectionExpression: api.text('RouteSelectionExpression'),
    apiKeySelectionExpression: api.text('ApiKeySelectionExpression'),
    stage: stage && readStage(stage),
    routes,
    authorizer: findAuthorizer(routes, ofApi('Authorizer')),
  };
}

function findStage(stages: readonly Resource[], wanted: string | undefined): Resource | undefined {
  const name = (stage: Resource): string =>
    stage.requiredText('StageName', 'Write its name, such as dev.');
  if (wanted === undefined && stages.length > 1) {
    throw templateError(
      `The API has several stages: ${stages.map((stage) => `"${name(stage)}"`).join(', ')}.`,
      'Choose one: --stage NAME.',
    );
  }
  const stage = stages.find((candidate) => wanted === undefined || name(candidate) === wanted);
  if (stage === undefined && stages.length > 0) {
    throw templateError(
      `The API has no stage "${wanted}", only ${stages.map((each) => `"${name(each)}"`).join(', ')}.`,
      'Choose one of them with --stage, or leave the option out.',
    );
  }
  return stage?.serve();
}

function readStage(stage: Resource): TemplateStage {
  return {
    name: stage.requiredText('StageName', 'Write its name, such as dev.'),
    variables: stage.textFields('StageVariables'),
  };
}

/** Only `$connect` can have an authorizer (row 4.1). */
function findAuthorizer(
  routes: readonly TemplateRoute[],
  authorizers: readonly Resource[],
): TemplateAuthorizer | undefined {
  const connect = routes.find(({ routeKey }) => routeKey === '$connect');
  if (connect?.authorizationType !== 'CUSTOM') return undefined;
  const { logicalId, authorizerId } = connect;
  const authorizer = authorizers.find((candidate) => candidate.logicalId === authorizerId);
  if (authorizer === undefined) {
    throw templateError(
      `"AuthorizerId" of "${logicalId}" is "${authorizerId ?? ''}", which is not an authorizer of this API.`,
      'Write AuthorizerId: !Ref YourAuthorizer.',
    );
  }
  return readAuthorizer(authorizer.serve());
}

function readAuthorizer(authorizer: Resource): TemplateAuthorizer {
  const hint = 'Write AuthorizerType: REQUEST.';
  const type = authorizer.requiredText('AuthorizerType', hint);
  if (type !== 'REQUEST') {
    throw templateError(
      `${authorizer.where('AuthorizerType')} is "${type}", which WebSocket APIs do not support.`,
      hint,
    );
  }
  const uri = authorizer.requiredText('AuthorizerUri', FUNCTION_URI_HINT);
  const lambda = functionIn(uri);
  if (lambda === undefined) {
    throw templateError(
      `${authorizer.where('AuthorizerUri')} is "${uri}", which does not contain a Lambda function.`,
      functionUriHint(uri),
    );
  }
  return {
    logicalId: authorizer.logicalId,
    functionName: lambda.name,
    qualifier: lambda.qualifier,
    credentialsArn: authorizer.text('AuthorizerCredentialsArn'),
    identitySources: authorizer.texts('IdentitySource'),
  };
}
