/**
 * Largest frame in bytes, in both directions. API Gateway closes a connection that sends a larger
 * one, with code 1009 (Amazon API Gateway quotas).
 *
 * @group Limits
 */
export const MAX_FRAME_BYTES = 32_768;
/**
 * Most channels that one connection may be subscribed to. One more is refused with `ERR_CHANNEL_LIMIT`.
 *
 * @group Limits
 */
export const MAX_CHANNELS_PER_CONNECTION = 200;
/**
 * Most bytes that the names of one connection's channels may have in total. More are refused with
 * `ERR_CHANNEL_LIMIT`. A store keeps the names in one row, which it writes at every change.
 *
 * @group Limits
 */
export const MAX_CHANNEL_BYTES_PER_CONNECTION = 16_384;
/**
 * Most channels in one `subscribe` or `unsubscribe` frame. More are refused with `ERR_CHANNEL_LIMIT`.
 *
 * @group Limits
 */
export const MAX_CHANNELS_PER_FRAME = 50;
/** Longest request id (`id` of a frame), in characters. @group Limits */
export const MAX_ID_LENGTH = 64;
/**
 * The sub-protocol (`Sec-WebSocket-Protocol`) for this version of the wire protocol.
 *
 * @group Limits
 */
export const SUBPROTOCOL = 'gatecast.v1';
/**
 * Prefix of the sub-protocol that carries the token (base64url), because browsers cannot set headers.
 *
 * @group Limits
 */
export const TOKEN_SUBPROTOCOL_PREFIX = 'gatecast.token.';
/**
 * Largest event of a channel with history, in bytes: its name, data and id as JSON. The rest of a frame is for the
 * position, and for what surrounds the event in a reply.
 *
 * @group Limits
 */
export const MAX_ENTRY_BYTES = 32_128;
