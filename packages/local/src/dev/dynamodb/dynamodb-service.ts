import { type AwsServices, actionIn } from '../../gateway/aws-service.js';
import { parseInput } from '../../iam/needs/read-input.js';
import type { Permissions } from '../../iam/permissions.js';
import { checkCall } from '../recorder/check-call.js';
import { dynamoDbBody } from '../recorder/refusal.js';
import type { StartGatewayOptions } from '../start-gateway.js';
import { callDynamoDb } from './call-dynamodb.js';

/** The endpoint of a DynamoDB that is used in place of the embedded one. */
export function givenEndpoint(
  variables: Readonly<Record<string, string | undefined>>,
): string | undefined {
  return variables['AWS_ENDPOINT_URL_DYNAMODB'] ?? variables['AWS_ENDPOINT_URL'];
}

/** What the services of integrations depend on. */
interface ServiceSurroundings {
  readonly region: string;
  readonly permissions: Permissions;
}

/** The services for integrations: DynamoDB, if there is one. A caller with a role needs permissions. */
export function servicesWith(
  endpoint: string | undefined,
  { region: ownRegion, permissions }: ServiceSurroundings,
): AwsServices {
  if (endpoint === undefined) return {};
  return {
    async dynamodb(operation, body, { caller, region = ownRegion } = {}) {
      // DynamoDB itself refuses what is not an object of JSON.
      const call = { service: 'dynamodb', operation, input: parseInput(body) ?? {} };
      const sender = { sourceIp: '', userAgent: undefined, functionArn: undefined };
      const refusal =
        caller && (await checkCall(permissions, { ...sender, caller, call, region, endpoint }));
      return refusal === undefined
        ? callDynamoDb({ endpoint, region }, operation, body)
        : { status: 400, body: dynamoDbBody(refusal) };
    },
  };
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
