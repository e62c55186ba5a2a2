import type { FunctionConfiguration } from '../../lambda/function.js';
import { withQueueUrl } from './queue-urls.js';
import type { Endpoints, Recorder } from './recorder.js';
import { ENDPOINT_VARIABLES, SERVICES } from './service-request.js';

/**
 * A function with variables that lead to the recorder in place of the services: the endpoints that it has,
 * and the URLs of queues.
 */
export function throughRecorder(
  recorder: Recorder,
  configuration: FunctionConfiguration,
): FunctionConfiguration {
  const { functionArn, variables } = configuration;
  const given = SERVICES.map((service) => {
    const own = variables[ENDPOINT_VARIABLES[service]];
    return [service, own === '' ? undefined : (own ?? variables['AWS_ENDPOINT_URL'])] as const;
  });
  const endpoints: Endpoints = Object.fromEntries(given.filter(([, endpoint]) => endpoint));
  recorder.register(variables['AWS_ACCESS_KEY_ID'] ?? '', { functionArn, endpoints });
  const led = SERVICES.filter((service) => endpoints[service] !== undefined).map((service) => [
    ENDPOINT_VARIABLES[service],
    recorder.endpoint,
  ]);
  const { sqs } = endpoints;
  const queues = Object.entries(variables).map(([name, value]) => [
    name,
    sqs === undefined ? value : withQueueUrl(value, sqs, recorder.endpoint),
  ]);
  return {
    ...configuration,
    variables: Object.fromEntries([...queues, ...led]) as Readonly<Record<string, string>>,
  };
}
