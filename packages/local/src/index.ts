// Routes, functions and access

export type { LocalTable } from './dev/dynamodb/local-table.js';
export type { LocalAuthorizer, LocalRoute } from './dev/make-deployment.js';
export {
  type LocalGateway,
  type StartGatewayOptions,
  startGateway,
} from './dev/start-gateway.js';
export type { ApiKeySelectionExpression } from './gateway/access/access.js';
export type { Credential, Credentials } from './gateway/access/credentials.js';
export type { PolicyDocument } from './gateway/access/policy.js';
export type { Throttle } from './gateway/access/token-bucket.js';
// Time and faults
export type { Clock } from './gateway/clock.js';
export type { Deployment, GatewayAuthorizer, GatewayRoute } from './gateway/deployment.js';
export type { GatewayEvent } from './gateway/events.js';
export type { Fault, Faults } from './gateway/faults.js';
export type { Invocation, InvocationResult, LambdaFunction } from './gateway/lambda-function.js';
// Only the gateway, for functions that run elsewhere
export { type Gateway, type GatewayOptions, openGateway } from './gateway/open-gateway.js';
export type {
  ContentHandlingStrategy,
  Integration,
  IntegrationResponse,
} from './gateway/routes/integration-options.js';
export type { RequestModels } from './gateway/routes/request-model.js';
// Functions behind the gateway
export type { FunctionOptions } from './lambda/function-options.js';
export type { ReloadEvent } from './lambda/versions.js';
export { StartError, type StartErrorCode } from './start-error.js';
