import { type AwsServices, actionIn } from '../../gateway/aws-service.js';
import type { StartGatewayOptions } from '../start-gateway.js';
import { callDynamoDb } from './call-dynamodb.js';

/** The endpoint of a DynamoDB that is used in place of the embedded one. */
export function givenEndpoint(
  variables: Readonly<Record<string, string | undefined>>,
): string | undefined {
  return variables['AWS_ENDPOINT_URL_DYNAMODB'] ?? variables['AWS_ENDPOINT_URL'];
}

/** The services for integrations: DynamoDB, if there is one. */
export function servicesWith(endpoint: string | undefined, region: string): AwsServices {
  if (endpoint === undefined) return {};
  return { dynamodb: (operation, body) => callDynamoDb({ endpoint, region }, operation, body) };
}

/** Whether one of the routes has an integration with DynamoDB. */
export function callsDynamoDb(routes: StartGatewayOptions['routes'] = []): boolean {
  if ('routes' in routes) return false;
  return routes.some((route) => {
    const integration = typeof route === 'object' ? route.integration : undefined;
    const { integrationUri = '' } = typeof integration === 'object' ? integration : {};
    return actionIn(integrationUri)?.service === 'dynamodb';
  });
}
