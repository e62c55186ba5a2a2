/**
 * Largest frame in bytes, in both directions. API Gateway closes a connection that sends a larger
 * one, with code 1009 (Amazon API Gateway quotas).
 */
export const MAX_FRAME_BYTES = 32_768;
/** Most channels one connection may be subscribed to; one more is `ERR_CHANNEL_LIMIT`. */
export const MAX_CHANNELS_PER_CONNECTION = 200;
/**
 * Most bytes that the names of one connection's channels may have together; more are
 * `ERR_CHANNEL_LIMIT`. A store keeps them in one row, which it writes whenever they change.
 */
export const MAX_CHANNEL_BYTES_PER_CONNECTION = 16_384;
/** Most channels one `subscribe` or `unsubscribe` frame may name; more are `ERR_CHANNEL_LIMIT`. */
export const MAX_CHANNELS_PER_FRAME = 50;
/** Longest request id (`id` of a frame), in characters. */
export const MAX_ID_LENGTH = 64;
/** The sub-protocol (`Sec-WebSocket-Protocol`) that names this version of the wire. */
export const SUBPROTOCOL = 'gatecast.v1';
/** Prefix of the sub-protocol by which a browser, which cannot set headers, hands over its token (base64url). */
export const TOKEN_SUBPROTOCOL_PREFIX = 'gatecast.token.';
