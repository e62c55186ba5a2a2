// The client

export type { AppChannel, AppChannelName } from './app-channels.js';
export type { AppClient, Client, ClientOptions, OpenOptions, Refusal } from './client.js';
export { createClient } from './create-client.js';

export type { Off } from './listeners.js';
export type { ConnectionState, StateReason, TokenSource } from './supervisor.js';
export type { WebSocketConstructor, WebSocketLike } from './web-socket.js';

// Channels

export { ChannelNameError, channelName } from '@gatecast/protocol';
export type {
  AnyChannelEvent,
  ClientChannel,
  HistoryPage,
  HistoryRange,
  SubscribeAnswer,
  SubscribeOptions,
} from './channel.js';
export type { ChannelEvent, ChannelReset, SubscriptionEnd } from './channel-events.js';
export type { MissedReason } from './log-reader.js';
export type { PositionStorage } from './positions.js';

// Messages

export type { Json, Received } from '@gatecast/protocol';
export type {
  MessageName,
  Messages,
  Payload,
  Reply,
  SendArguments,
  Sending,
  SendOptions,
  SubscribeData,
  UntypedChannel,
} from './messages.js';

// Errors

export type { ClientErrorCode } from './errors.js';
export { ClientRequestError, clientErrors } from './errors.js';
