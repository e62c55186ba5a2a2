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
