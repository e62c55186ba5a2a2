/** The ids in API Gateway's own answers. */
export interface AnswerIds {
  readonly connectionId: string;
  readonly requestId: string;
}

/**
 * API Gateway's own error frame, byte for byte: with a space after the first colon and after each comma,
 * but not after the other colons (row 2.9).
 */
export function errorText(message: string, { connectionId, requestId }: AnswerIds): string {
  return `{"message": "${message}", "connectionId":"${connectionId}", "requestId":"${requestId}"}`;
}

/** The error frame for a message that does not fit its model, which has the message id (row 5.9). */
export function badBodyText(ids: {
  readonly connectionId: string;
  readonly messageId: string;
}): string {
  return `{"message": "Bad request body", "connectionId":"${ids.connectionId}", "messageId":"${ids.messageId}"}`;
}
