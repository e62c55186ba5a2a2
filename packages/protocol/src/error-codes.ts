/**
 * The codes of ours that a client may see in an `error` frame or in the outcome of a subscription,
 * and what each means. An app's own codes are free strings.
 */
export const wireErrors = {
  ERR_FRAME_INVALID: 'The frame is not JSON, or not of the form that its action asks for.',
  ERR_ACTION_UNKNOWN: 'No channel class has a message of that name.',
  ERR_CHANNEL_UNKNOWN: 'No channel class has a pattern that matches the channel.',
  ERR_CHANNEL_NAME: 'The channel name breaks the rules for channel names.',
  ERR_CHANNEL_LIMIT: 'The frame or the connection names more channels than are allowed.',
  ERR_UNAUTHORIZED: 'The token is missing, wrong or expired.',
  ERR_FORBIDDEN: 'The connection may not use that channel.',
  ERR_ORIGIN: 'The page comes from an origin that the app does not allow.',
  ERR_PROTOCOL: 'The client speaks a version of the protocol that the server does not know.',
  ERR_NOT_FOUND: 'What the message names does not exist.',
  ERR_VALIDATION: 'The data of the message does not fit its schema; `details` says where.',
  ERR_RATE_LIMIT: 'Too many messages; `retryAfterMs` says when to try again.',
  ERR_TIMEOUT:
    'The handler did not answer in time. It may have done its work all the same, or part of it.',
  ERR_CONNECTION_UNKNOWN: 'The server does not know the connection (any more): reconnect.',
  ERR_REMOVED: 'The server has ended the subscription, or it had ended before the answer.',
  ERR_DISCONNECTED: 'The server has ended the connection.',
  ERR_INTERNAL: 'The server could not handle the frame. Its logs say why.',
} as const;

/** A code of ours that a client may see. */
export type WireErrorCode = keyof typeof wireErrors;
