// What the gateway serves, and who may call it

export type { ApiKeySelectionExpression } from './access.js';
// Time and faults
export type { Clock } from './clock.js';
export type { Credential, Credentials } from './credentials.js';
export type { Deployment, GatewayAuthorizer, GatewayRoute } from './deployment.js';
export type { Fault, Faults } from './faults.js';
// Functions behind the gateway
export type { FunctionOptions } from './function-options.js';
// The gateway alone, for a function that runs elsewhere
export { type Gateway, type GatewayOptions, openGateway } from './gateway.js';
export type { GatewayEvent } from './gateway-event.js';
export type {
  ContentHandlingStrategy,
  Integration,
  IntegrationResponse,
} from './integration-options.js';
export type { Invocation, InvocationResult, LambdaFunction } from './lambda-function.js';
export type { LocalAuthorizer, LocalRoute } from './make-deployment.js';
export type { PolicyDocument } from './policy.js';
export type { RequestModels } from './request-model.js';
export type { ReloadEvent } from './running-function.js';
export { StartError, type StartErrorCode } from './start-error.js';
export {
  type LocalGateway,
  type StartGatewayOptions,
  startGateway,
} from './start-gateway.js';
export type { Throttle } from './token-bucket.js';
