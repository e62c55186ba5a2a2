import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { json } from 'node:stream/consumers';
import type { DynamoDbPort } from '../../src/dynamodb/port.js';

/** The body of an error answer of DynamoDB. */
interface Refusal {
  readonly __type?: string;
  readonly message?: string;
}

/**
 * A port without the AWS client, for tests that make many calls to an engine that does not check
 * signatures. A call takes a third of the CPU time.
 */
export function plainPort(endpoint: string): DynamoDbPort & Disposable {
  const agent = new Agent({ keepAlive: true });
  return {
    async call(operation, input) {
      const asked = request(endpoint, {
        method: 'POST',
        agent,
        headers: {
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-target': `DynamoDB_20120810.${operation}`,
          'x-amz-date': '20260101T000000Z',
          authorization:
            'AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
        },
      });
      asked.end(JSON.stringify(input));
      const [response] = await once(asked, 'response');
      const answer = await json(response);
      if (response.statusCode === 200) return answer as never;
      const { __type = '', message } = answer as Refusal;
      throw Object.assign(new Error(message), {
        name: __type.slice(__type.indexOf('#') + 1),
        $metadata: { httpStatusCode: response.statusCode },
      });
    },
    [Symbol.dispose]() {
      agent.destroy();
    },
  };
}
