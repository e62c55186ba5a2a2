/**
 * An app in process, the events that API Gateway sends, and the contract of a store: for tests.
 *
 * @module @gatecast/framework/testing
 */

// An app in process
export { TestClock } from './clock.js';
export type { ContractOptions, ContractTest, StoreUnderTest } from './connection-store-contract.js';
// Contracts for a store of your own
export { connectionStoreContract } from './connection-store-contract.js';
export type { InterleavingOptions } from './connection-store-interleavings.js';
export { connectionStoreInterleavings } from './connection-store-interleavings.js';
// Events as API Gateway sends them
export type {
  AuthorizerEvent,
  AuthorizerValues,
  ConnectEvent,
  ConnectEventOptions,
  DisconnectEvent,
  DisconnectEventOptions,
  EventOptions,
  MessageEvent,
  MessageEventOptions,
} from './events.js';
export {
  makeAuthorizerEvent,
  makeConnectEvent,
  makeConnectionId,
  makeDisconnectEvent,
  makeMessageEvent,
  makeRequestId,
} from './events.js';
export type { Step } from './interleavings.js';
export type { LogContractOptions, LogUnderTest } from './message-log-contract.js';
export { messageLogContract } from './message-log-contract.js';
export type { SteppedLogOptions } from './message-log-interleavings.js';
export { messageLogInterleavings } from './message-log-interleavings.js';
export type { ConnectOptions, TestAppSettings } from './test-app.js';
export { createTestApp, HandshakeError, TestApp } from './test-app.js';
export { TestConnection } from './test-connection.js';
export type { GatewayPeer, PostFault, PostFaults } from './test-gateway.js';
export { TestGateway } from './test-gateway.js';
