import type { Credential } from '../../gateway/access/credentials.js';
import type { FunctionConfiguration } from '../../lambda/function.js';
import { withQueueUrl } from './queue-urls.js';
import type { Endpoints, Recorder } from './recorder.js';
import { SERVICES, type ServiceName } from './service-request.js';

type Variables = Readonly<Record<string, string>>;

/** The variables in which the SDKs read the endpoints of services. */
const VARIABLES: Readonly<Record<ServiceName, string>> = {
  dynamodb: 'AWS_ENDPOINT_URL_DYNAMODB',
  sqs: 'AWS_ENDPOINT_URL_SQS',
};

/**
 * The variables of a function, with the recorder before the services that have an endpoint in them, and in
 * the URLs of queues.
 */
export function throughRecorder(
  recorder: Recorder,
  credential: Credential,
  { functionArn, variables }: Pick<FunctionConfiguration, 'functionArn' | 'variables'>,
): Variables {
  const endpoints: Endpoints = Object.fromEntries(
    SERVICES.map((service) => [
      service,
      variables[VARIABLES[service]] || variables['AWS_ENDPOINT_URL'],
    ]).filter(([, endpoint]) => endpoint),
  );
  recorder.lead(credential, { functionArn, endpoints });
  const led = Object.keys(endpoints).map((service) => [
    VARIABLES[service as ServiceName],
    recorder.endpoint,
  ]);
  const { sqs } = endpoints;
  const queues =
    sqs === undefined
      ? []
      : Object.entries(variables).map(([name, value]) => [
          name,
          withQueueUrl(value, sqs, recorder.endpoint),
        ]);
  return { ...variables, ...Object.fromEntries([...queues, ...led]) };
}
