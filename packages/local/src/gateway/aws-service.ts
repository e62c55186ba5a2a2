import type { Caller } from '../iam/role.js';

/** The answer of an AWS service. @group Access and identity */
export interface ServiceAnswer {
  /** The HTTP status. */
  readonly status: number;
  readonly body: string;
}

/** Who calls a service where. */
export interface CallSource {
  /** @default somebody who may do everything */
  readonly caller?: Caller | undefined;
  /** @default that of the gateway */
  readonly region?: string | undefined;
}

/**
 * An AWS service as API Gateway sees it: it takes the name of an operation, such as `PutItem`, the body of
 * the request, and who calls it where. Rejects if the service cannot be reached.
 *
 * @group Access and identity
 */
export type AwsService = (
  operation: string,
  body: string,
  source?: CallSource,
) => Promise<ServiceAnswer>;

/**
 * AWS services by the name that they have in integration URIs, such as `dynamodb`.
 *
 * @group Access and identity
 */
export type AwsServices = Readonly<Record<string, AwsService>>;

/** An operation of an AWS service. */
export interface ServiceAction {
  readonly service: string;
  readonly operation: string;
  /** The Region of the service. */
  readonly region: string;
}

/**
 * The operation in an integration URI, `arn:aws:apigateway:REGION:SERVICE:action/OPERATION`; `undefined`
 * for a function, and for services that are called by a path.
 */
export function actionIn(uri: string): ServiceAction | undefined {
  const pattern = /^arn:[^:]+:apigateway:([^:]+):([\w.-]+):action\/(\w+)$/;
  const [, region = '', service, operation] = pattern.exec(uri) ?? [];
  return service === undefined || operation === undefined
    ? undefined
    : { service, operation, region };
}
