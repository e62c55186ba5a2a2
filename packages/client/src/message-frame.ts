import { byteLength, MAX_FRAME_BYTES, type MessageFrame } from '@gatecast/protocol';
import { ClientRequestError } from './errors.js';

/** Room for the `attempt` that a frame gets when it is sent again. */
const ATTEMPT_BYTES = 16;

/**
 * Writes a message as a frame, once: what is sent again must be what was sent first.
 *
 * @throws ClientRequestError - ERR_MESSAGE_INVALID. API Gateway would close the connection for a
 * frame that is too large (1009), and the client would send it on the next one again.
 */
export function encodeMessage(message: MessageFrame): string {
  const { action, channel } = message;
  let frame: string;
  try {
    frame = JSON.stringify(message);
  } catch (cause) {
    throw invalid(
      `The data of "${action}" to "${channel}" is not JSON. Send no cycles and no bigints.`,
      { cause },
    );
  }
  const bytes = byteLength(frame) + ATTEMPT_BYTES;
  if (bytes <= MAX_FRAME_BYTES) return frame;
  throw invalid(
    `The frame of "${action}" to "${channel}" has ${bytes} bytes. Send at most ${MAX_FRAME_BYTES}.`,
  );
}

function invalid(message: string, options?: ErrorOptions): ClientRequestError {
  return new ClientRequestError({ code: 'ERR_MESSAGE_INVALID', message }, options);
}
