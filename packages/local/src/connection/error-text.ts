/** The ids that API Gateway puts into what it answers by itself. */
export interface AnswerIds {
  readonly connectionId: string;
  readonly requestId: string;
}

/**
 * The text that API Gateway sends by itself, byte for byte: a space after the first colon and after
 * each comma, none after the other colons (row 2.9).
 */
export function errorText(message: string, { connectionId, requestId }: AnswerIds): string {
  return `{"message": "${message}", "connectionId":"${connectionId}", "requestId":"${requestId}"}`;
}

/** The same for a message that does not fit its model, which names the message (row 5.9). */
export function badBodyText(ids: {
  readonly connectionId: string;
  readonly messageId: string;
}): string {
  return `{"message": "Bad request body", "connectionId":"${ids.connectionId}", "messageId":"${ids.messageId}"}`;
}
