/**
 * What you import on the server: channels, the app, contexts, errors, plugins and stores.
 *
 * @module
 * @mergeModuleWith <project>
 */

// What users write

export type { ChannelName, ChannelType, Params, Position, ResetReason } from '@gatecast/protocol';
// Names
export { ChannelNameError, channelName } from '@gatecast/protocol';
export type { App, AppSettings } from './app/create-app.js';
// The app
export { createApp } from './app/create-app.js';
export type { PublisherOptions } from './app/create-publisher.js';
export { createPublisher } from './app/create-publisher.js';
export type { AccessContext, AccessRule, Operation } from './channel/access.js';
export type { ChannelDecorator } from './channel/channel.js';
export { Channel } from './channel/channel.js';
export { compile } from './channel/compile.js';
export type {
  BaseContext,
  ChannelContext,
  ConnectContext,
  ContextVariables,
  DisconnectContext,
  MessageContext,
  SubscribeContext,
  UnsubscribeContext,
} from './channel/context.js';
export type {
  ChannelDeclaration,
  DefinedChannel,
  DefinedMessage,
  EventType,
  MessageDefiner,
} from './channel/define-channel.js';
export { defineChannel, event } from './channel/define-channel.js';
export type { AutoSubscribe, ChannelOptions } from './channel/definition.js';
export type { HistoryByPattern } from './channel/history.js';
export type { LifecycleDecorator } from './channel/lifecycle.js';
export { OnConnect, OnDisconnect, OnSubscribe, OnUnsubscribe } from './channel/lifecycle.js';
// Routes
export type { ManifestRoute, RouteManifest } from './channel/manifest.js';
export type { MessageDecorator, MessageOptions } from './channel/message.js';
export { OnMessage } from './channel/message.js';
export type {
  AppActions,
  DeliveryCount,
  DisconnectOptions,
  HistoryEvent,
  HistoryEventOf,
  HistoryPage,
  HistoryRange,
  Member,
  MemberRange,
  Publishing,
  PublishOptions,
  PublishResult,
  ServerChannel,
  ServerConnection,
} from './channel/publishing.js';
export type { MessageRoute, Route, RouteKind, RouteTable } from './channel/route-table.js';
export type { StageAddress } from './deliver/apigw/endpoint.js';
export type { Gateway, PostOutcome } from './deliver/gateway.js';
export type { Handler } from './dispatch/dispatch.js';
// Errors
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
export type {
  DeliverContext,
  ErrorContext,
  FrameContext,
  HistoryContext,
  NextWith,
  Plugin,
  PluginSetup,
  PublishContext,
} from './invocation/plugin.js';
// Plugins
export { definePlugin } from './invocation/plugin.js';
export type { StoreParts } from './store/compose.js';
export { composeStore } from './store/compose.js';
export type {
  ChannelLimits,
  ConnectionRecord,
  ConnectionStore,
  Disconnected,
  Page,
  SubscribeResult,
  Subscriber,
  SubscriberRange,
} from './store/connections.js';
export type {
  Appended,
  AppendRequest,
  AppendResult,
  LogEntry,
  LogHead,
  LogOfChannel,
  LogPage,
  LogSettings,
  MessageLog,
  ReadRequest,
  ReadResult,
} from './store/log.js';
export type { MemoryStoreOptions } from './store/memory.js';
// Stores and gateway
export { memoryStore } from './store/memory.js';
export type { Store } from './store/store.js';
export type { TimeLimit } from './time/time-limit.js';
// Contexts
export type { Claims, Connection, Identity, Register } from './wire/connection.js';
export type { Authorizer, AuthorizerRequest } from './wire/handshake.js';
