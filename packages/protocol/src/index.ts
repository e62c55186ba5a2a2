// Names of channels

// Bytes
export { base64url, utf8 } from './bytes.js';
export type { ChannelName, Params } from './channel-name.js';
export {
  ChannelNameError,
  channelName,
  channelNameProblem,
  decodeSegment,
  MAX_CHANNEL_NAME_BYTES,
} from './channel-name.js';
// What server and client agree on about a channel
export type {
  AnyChannelType,
  ChannelNamed,
  ChannelType,
  ContractCarrier,
  ContractOf,
  channelOf,
  EventsOf,
  inputOf,
  NameOf,
} from './contract.js';
export type { WireErrorCode } from './error-codes.js';
// Errors
export { wireErrors } from './error-codes.js';
// Ids
export { eventId } from './event-id.js';
export type {
  ByeFrame,
  ChannelEventBody,
  ChannelToSubscribe,
  ClientFrame,
  ErrorFrame,
  EventFrame,
  EventsFrame,
  HistoryFrame,
  HistoryReply,
  MessageFrame,
  PingFrame,
  PongFrame,
  ReplyFrame,
  ResetReason,
  ServerFrame,
  ServerSettings,
  SubscribeFrame,
  SubscribeOutcome,
  SubscribeReply,
  SyncFrame,
  SyncOutcome,
  SyncReply,
  TailCheck,
  UnsubscribedFrame,
  UnsubscribeFrame,
  UnsubscribeReply,
  WireError,
} from './frames.js';
// Frames
export { byteLength } from './frames.js';
// What JSON makes of a type
export type { Json, Received } from './json.js';
// Limits
export {
  MAX_CHANNEL_BYTES_PER_CONNECTION,
  MAX_CHANNELS_PER_CONNECTION,
  MAX_CHANNELS_PER_FRAME,
  MAX_ENTRY_BYTES,
  MAX_FRAME_BYTES,
  MAX_ID_LENGTH,
  SUBPROTOCOL,
  TOKEN_SUBPROTOCOL_PREFIX,
} from './limits.js';
// Places in the log of a channel
export type { Position } from './position.js';
export { formatPosition, MAX_OFFSET, parsePosition } from './position.js';
