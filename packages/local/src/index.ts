export type { LocalTable } from './dev/dynamodb/local-table.js';
export type { LocalAuthorizer, LocalRoute } from './dev/make-deployment.js';
export { type GatewayOptions, openGateway } from './dev/open-gateway.js';
export {
  type ApiDefinition,
  type LocalApi,
  type LocalGateway,
  type StartGatewayOptions,
  startGateway,
} from './dev/start-gateway.js';
export type { ApiKeySelectionExpression } from './gateway/access/access.js';
export type { Credential, Credentials } from './gateway/access/credentials.js';
export type { Throttle } from './gateway/access/throttling.js';
export type { AwsService, AwsServices, ServiceAnswer } from './gateway/aws-service.js';
export type { Clock } from './gateway/clock.js';
export type { Deployment, GatewayAuthorizer, GatewayRoute } from './gateway/deployment.js';
export type { GatewayEvent } from './gateway/events.js';
export type { Fault, Faults } from './gateway/faults.js';
export type { Invocation, InvocationResult, LambdaFunction } from './gateway/lambda-function.js';
export type { Gateway } from './gateway/open-gateway.js';
export type { Quirks } from './gateway/options.js';
export type {
  ContentHandlingStrategy,
  Integration,
  IntegrationResponse,
} from './gateway/routes/integration-options.js';
export type { RequestModels } from './gateway/routes/models.js';
export type { LambdaPermission } from './iam/lambda-permission.js';
export type { PolicyDocument } from './iam/policy-document.js';
export type { Policy, Role } from './iam/role.js';
export type { FunctionOptions } from './lambda/function.js';
export type { InvokePermission } from './lambda/invoke-permission.js';
export type { ReloadEvent } from './lambda/versions.js';
export { StartError, type StartErrorCode } from './start-error.js';
