import type { RoleOfGateway } from '../access/gateway-role.js';

/**
 * The integration of a route, with the names of `AWS::ApiGatewayV2::Integration` in lower camel case.
 * `HTTP` and `HTTP_PROXY` are not supported, and of AWS's services only Lambda and DynamoDB.
 *
 * @group A gateway of your own
 */
export interface Integration {
  /**
   * `AWS_PROXY` gives the function of the route the event, and its result is the answer; of the other
   * options only `credentials` applies to it (row 8.12). `AWS` gives the function, or the service in `integrationUri`, the
   * output of `requestTemplates`, and `responses` make the answer. `MOCK` needs a request template whose
   * output is `{"statusCode":200}`, and `responses` make the answer.
   */
  readonly type: 'AWS_PROXY' | 'AWS' | 'MOCK';
  /**
   * The operation of a service that `AWS` calls instead of the function:
   * `arn:aws:apigateway:us-east-1:dynamodb:action/PutItem` (row 8.9). The Region has no effect.
   *
   * @default none: `AWS` calls the function of the route
   */
  readonly integrationUri?: string | undefined;
  /**
   * The role by which API Gateway calls the function or the service (`CredentialsArn`): the role has to
   * trust `apigateway.amazonaws.com`, and to allow `lambda:InvokeFunction` or the operation. A role of which
   * only the ARN is known allows everything.
   *
   * @default none: the permissions of the function decide, and a service may be called
   */
  readonly credentials?: RoleOfGateway | undefined;
  /**
   * Mapping templates by key. The integration gets the output of the selected one, which must be JSON for
   * Lambda and DynamoDB.
   *
   * @default none
   */
  readonly requestTemplates?: Readonly<Record<string, string>> | undefined;
  /**
   * Selects the key of the template: text and `${request.body.path}`. The key `$default` is used if no
   * other key matches.
   *
   * @default 'application/json' (row 8.2)
   */
  readonly templateSelectionExpression?: string | undefined;
  /**
   * When a message without a matching template is passed on unchanged: always, only if there are no
   * templates at all, or never. Otherwise the answer is `Unsupported Media Type`.
   *
   * @default 'WHEN_NO_MATCH'
   */
  readonly passthroughBehavior?: 'WHEN_NO_MATCH' | 'WHEN_NO_TEMPLATES' | 'NEVER' | undefined;
  /**
   * Headers, query strings and path parameters of the integration request, by
   * `integration.request.header.X` and so on (row 8.8). Mistakes are refused, but the values have no
   * effect, because neither a Lambda function nor a mock sees the integration request, and DynamoDB only
   * reads its body.
   *
   * @default none
   */
  readonly requestParameters?: Readonly<Record<string, string>> | undefined;
  /**
   * `CONVERT_TO_BINARY` decodes the payload from base64. `CONVERT_TO_TEXT` has no effect, because
   * messages are text.
   */
  readonly contentHandlingStrategy?: ContentHandlingStrategy | undefined;
  /**
   * The integration responses. They are tried in this order.
   *
   * @default none: a two-way route then answers `Internal server error`, `$connect` refuses with 500
   */
  readonly responses?: readonly IntegrationResponse[] | undefined;
}

/** How one kind of answer of an integration is returned. @group A gateway of your own */
export interface IntegrationResponse {
  /**
   * `$default`, or a regular expression between slashes. It must match the whole error message of a
   * function (empty if it has not failed), or the whole status code of a service or a mock.
   */
  readonly integrationResponseKey: string;
  /** Mapping templates by key. @default none: the answer is sent unchanged */
  readonly responseTemplates?: Readonly<Record<string, string>> | undefined;
  /**
   * Selects the key of the template: text, `${request.body.path}`, `${integration.response.statuscode}`,
   * and `${integration.response.header.X}`, which is always empty here.
   *
   * @default 'application/json'
   */
  readonly templateSelectionExpression?: string | undefined;
  /**
   * `CONVERT_TO_TEXT` encodes the answer in base64 before the template, `CONVERT_TO_BINARY` decodes the
   * payload that is sent.
   */
  readonly contentHandlingStrategy?: ContentHandlingStrategy | undefined;
}

/** See `contentHandlingStrategy`. @group A gateway of your own */
export type ContentHandlingStrategy = 'CONVERT_TO_BINARY' | 'CONVERT_TO_TEXT';
