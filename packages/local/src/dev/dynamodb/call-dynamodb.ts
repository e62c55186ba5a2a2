import type { ServiceAnswer } from '../../gateway/aws-service.js';

/** Where a DynamoDB is. */
export interface DynamoDbAddress {
  readonly endpoint: string;
  readonly region: string;
}

/**
 * Sends one request of DynamoDB's JSON protocol. Its signature is not valid: a DynamoDB on a laptop wants
 * one, but does not check it.
 *
 * @throws Error if there is no DynamoDB at the endpoint.
 */
export async function callDynamoDb(
  { endpoint, region }: DynamoDbAddress,
  operation: string,
  body: string,
): Promise<ServiceAnswer> {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${time.slice(0, 8)}/${region}/dynamodb/aws4_request`;
  try {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/x-amz-json-1.0',
        'X-Amz-Target': `DynamoDB_20120810.${operation}`,
        'X-Amz-Date': time,
        Authorization: `AWS4-HMAC-SHA256 Credential=local/${scope}, SignedHeaders=host, Signature=0`,
      },
      body,
    });
    return { status: response.status, body: await response.text() };
  } catch (error) {
    // What failed is only in the cause.
    const { cause = error } = error as Error;
    throw new Error(`There is no DynamoDB at "${endpoint}": ${(cause as Error).message}`, {
      cause: error,
    });
  }
}
