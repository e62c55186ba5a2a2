/**
 * Gatecast's own codes that a client may see in an `error` frame or in the outcome of a subscription,
 * each with its meaning. An app may use any other string as a code.
 *
 * @group Errors
 */
export const wireErrors = {
  ERR_FRAME_INVALID: 'The frame is not JSON, or does not have the form that its action requires.',
  ERR_ACTION_UNKNOWN: 'No channel class has a message with that name.',
  ERR_CHANNEL_UNKNOWN: 'No channel class has a pattern that matches the channel.',
  ERR_CHANNEL_NAME: 'The channel name is not legal: see the rules for channel names.',
  ERR_CHANNEL_LIMIT: 'The frame or the connection has more channels than allowed.',
  ERR_UNAUTHORIZED: 'The token is missing, wrong or expired.',
  ERR_FORBIDDEN: 'The connection may not use that channel.',
  ERR_ORIGIN: 'The page comes from an origin that the app does not allow.',
  ERR_PROTOCOL: 'The client speaks a version of the protocol that the server does not know.',
  ERR_NOT_FOUND: 'Something that the message refers to does not exist.',
  ERR_NO_HISTORY: 'The channel keeps no history.',
  ERR_POSITION: 'The position is not one that the server has sent.',
  ERR_OUTCOME_UNKNOWN:
    'The message may or may not have taken effect. Send it again with the same id: it takes effect once.',
  ERR_VALIDATION: 'The data of the message does not fit its schema; `details` says where.',
  ERR_RATE_LIMIT: 'Too many messages; `retryAfterMs` says when to try again.',
  ERR_TIMEOUT:
    'The handler did not answer in time. It may still have done all or part of its work.',
  ERR_CONNECTION_UNKNOWN: 'The server does not know the connection, or no longer does: reconnect.',
  ERR_REMOVED: 'The server ended the subscription, or the subscription ended before the answer.',
  ERR_DISCONNECTED: 'The server has ended the connection.',
  ERR_INTERNAL: 'The server could not handle the frame. Its logs say why.',
} as const;

/** One of Gatecast's own codes that a client may see. @group Errors */
export type WireErrorCode = keyof typeof wireErrors;
