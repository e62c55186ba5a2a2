import type { AnswerForm } from './service-request.js';

/** Operations of SQS whose answers have URLs of queues. */
const WITH_URLS = new Set([
  'CreateQueue',
  'GetQueueUrl',
  'ListDeadLetterSourceQueues',
  'ListQueues',
]);

/**
 * A text with the URL of a queue, on AWS or at the endpoint `sqs`, led to the recorder; any other text as it
 * is. The SDKs send messages to the host in the URL, whatever the endpoint is.
 */
export function withQueueUrl(text: string, sqs: string, recorder: string): string {
  if (!URL.canParse(text) || !URL.canParse(sqs)) return text;
  const { hostname, origin, pathname } = new URL(text);
  const isQueue =
    /^sqs\.[a-z\d-]+\.amazonaws\.[a-z.]+$/.test(hostname) || origin === new URL(sqs).origin;
  return isQueue && pathname.split('/').length > 2 ? `${recorder}${pathname}` : text;
}

/** What leads the URLs of queues in an answer to the recorder; `undefined` if there are none. */
export function queueUrlsIn(
  { service, protocol }: AnswerForm,
  operation: string,
  recorder: string,
): ((answer: string) => string) | undefined {
  if (service !== 'sqs' || !WITH_URLS.has(operation)) return undefined;
  const origin = protocol === 'query' ? /(?<=>)https?:\/\/[^/<]+/g : /(?<=")https?:\/\/[^/"]+/g;
  return (answer) => answer.replace(origin, recorder);
}
