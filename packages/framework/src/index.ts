/**
 * What you import on the server: channels, the app, contexts, errors, plugins and stores.
 *
 * @module
 * @mergeModuleWith <project>
 */

// What users write

export type { ChannelName, ChannelType, Params } from '@gatecast/protocol';
// Names
export { ChannelNameError, channelName } from '@gatecast/protocol';
// Contexts
export type { Claims, Connection, Identity, Register } from './connection.js';
export type { ChannelDecorator } from './decorators/channel.js';
export { Channel } from './decorators/channel.js';
export type {
  AutoSubscribe,
  ChannelOptions,
  HistoryOptions,
} from './decorators/channel-definition.js';
export type {
  ChannelDeclaration,
  DefinedChannel,
  DefinedMessage,
  EventType,
  MessageDefiner,
} from './decorators/define-channel.js';
export { defineChannel, event } from './decorators/define-channel.js';
export type { LifecycleDecorator } from './decorators/lifecycle.js';
export { OnConnect, OnDisconnect, OnSubscribe, OnUnsubscribe } from './decorators/lifecycle.js';
export type { MessageDecorator, MessageOptions } from './decorators/message.js';
export { OnMessage } from './decorators/message.js';
export type { DeliveryBatch, DeliveryCount } from './delivery/fan-out.js';
export type { ConnectionInfo, Gateway, PostOutcome } from './delivery/gateway.js';
// Errors
export { checkOptions } from './errors/check-options.js';
export type { ClientErrorOptions } from './errors/client-error.js';
export { ClientError } from './errors/client-error.js';
export type { ErrorCode } from './errors/error-table.js';
export type { StoreFailure } from './errors/gatecast-error.js';
export {
  ConfigurationError,
  DeliveryError,
  GatecastError,
  StoreError,
  UsageError,
} from './errors/gatecast-error.js';
export type { AccessContext, AccessRule } from './messaging/access.js';
export type {
  Publishing,
  PublishOptions,
  PublishResult,
  ServerChannel,
} from './messaging/publish.js';
export { compile } from './routing/compile.js';
// Routes
export type { ManifestRoute, RouteManifest } from './routing/manifest.js';
export type { MessageRoute, Route, RouteKind, RouteTable } from './routing/route-table.js';
export type { App, AppSettings, PublisherOptions } from './runtime/app.js';
// The app
export { createApp, createPublisher } from './runtime/app.js';
export type { Authorizer, AuthorizerRequest } from './runtime/authorize.js';
export type {
  BaseContext,
  ChannelContext,
  ConnectContext,
  ContextVariables,
  DisconnectContext,
  MessageContext,
  SubscribeContext,
  UnsubscribeContext,
} from './runtime/context.js';
export type { Handler } from './runtime/handler.js';
export type {
  ErrorContext,
  NextWith,
  Plugin,
  PluginSetup,
  PublishContext,
} from './runtime/plugin.js';
// Plugins
export { definePlugin } from './runtime/plugin.js';
export type { StoreParts } from './store/compose.js';
export { composeStore } from './store/compose.js';
export type {
  ConnectionRecord,
  ConnectionStore,
  Page,
  SubscribeResult,
  Subscriber,
  SubscriberRange,
} from './store/connection-store.js';
export type { MemoryStoreOptions } from './store/memory.js';
// Stores and gateway
export { memoryStore } from './store/memory.js';
export type { Store } from './store/store.js';
