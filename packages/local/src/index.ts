// Routes, functions and access

export type { ApiKeySelectionExpression } from './access/access.js';
export type { Credential, Credentials } from './access/credentials.js';
export type { PolicyDocument } from './access/policy.js';
export type { Throttle } from './access/token-bucket.js';
// Time and faults
export type { Clock } from './clock.js';
export type { Deployment, GatewayAuthorizer, GatewayRoute } from './deployment.js';
export type { Fault, Faults } from './faults.js';
// Only the gateway, for functions that run elsewhere
export { type Gateway, type GatewayOptions, openGateway } from './gateway.js';
export type { GatewayEvent } from './gateway-event.js';
export type {
  ContentHandlingStrategy,
  Integration,
  IntegrationResponse,
} from './integration/integration-options.js';
export type { RequestModels } from './integration/request-model.js';
// Functions behind the gateway
export type { FunctionOptions } from './lambda/function-options.js';
export type { Invocation, InvocationResult, LambdaFunction } from './lambda/lambda-function.js';
export type { ReloadEvent } from './lambda/running-function.js';
export type { LocalAuthorizer, LocalRoute } from './make-deployment.js';
export { StartError, type StartErrorCode } from './start-error.js';
export {
  type LocalGateway,
  type StartGatewayOptions,
  startGateway,
} from './start-gateway.js';
