/**
 * What stands behind a route, with the names of `AWS::ApiGatewayV2::Integration` in lower camel
 * case. `HTTP`, `HTTP_PROXY` and `AWS` for services other than Lambda are not there.
 */
export interface Integration {
  /**
   * `AWS_PROXY` and `AWS` are the function of the route: a proxy gets the event and answers as it
   * likes, `AWS` gets what `requestTemplates` make of it and answers through `responses`. `MOCK`
   * needs a request template that yields `{"statusCode":200}`, and answers through `responses`.
   * Nothing below applies to `AWS_PROXY` (row 8.12).
   */
  readonly type: 'AWS_PROXY' | 'AWS' | 'MOCK';
  /**
   * Mapping templates by key. The integration gets what the selected one renders; for Lambda that
   * must be JSON.
   *
   * @default none
   */
  readonly requestTemplates?: Readonly<Record<string, string>> | undefined;
  /**
   * Yields the key of the template: text and `${request.body.path}`. The key `$default` serves what
   * has no template of its own.
   *
   * @default 'application/json' (row 8.2)
   */
  readonly templateSelectionExpression?: string | undefined;
  /**
   * When a message without a template goes to the integration as it is: always, when there are no
   * templates at all, or never. Otherwise it is answered with `Unsupported Media Type`.
   *
   * @default 'WHEN_NO_MATCH'
   */
  readonly passthroughBehavior?: 'WHEN_NO_MATCH' | 'WHEN_NO_TEMPLATES' | 'NEVER' | undefined;
  /**
   * Headers, query strings and path parameters of the integration request, by
   * `integration.request.header.X` and so on (row 8.8). Mistakes are refused, but the values go
   * nowhere: neither a Lambda function nor a mock sees the integration request.
   *
   * @default none
   */
  readonly requestParameters?: Readonly<Record<string, string>> | undefined;
  /** `CONVERT_TO_BINARY` decodes what is sent from base64; a message is text already. */
  readonly contentHandlingStrategy?: ContentHandlingStrategy | undefined;
  /**
   * The integration responses, in the order in which they are tried.
   *
   * @default none: a two-way route then answers `Internal server error`, `$connect` refuses with 500
   */
  readonly responses?: readonly IntegrationResponse[] | undefined;
}

/** What becomes of one kind of answer of an integration. */
export interface IntegrationResponse {
  /**
   * `$default`, or a regular expression between slashes. It must match all of the error message of
   * a function (empty when it has not failed), or all of the status code of a mock.
   */
  readonly integrationResponseKey: string;
  /** Mapping templates by key. @default none: the answer is sent as it is */
  readonly responseTemplates?: Readonly<Record<string, string>> | undefined;
  /**
   * Yields the key of the template: text, `${request.body.path}`,
   * `${integration.response.statuscode}`, and `${integration.response.header.X}`, which neither a
   * function nor a mock has.
   *
   * @default 'application/json'
   */
  readonly templateSelectionExpression?: string | undefined;
  /**
   * `CONVERT_TO_TEXT` encodes the answer in base64 before its template, `CONVERT_TO_BINARY` decodes
   * what is to be sent.
   */
  readonly contentHandlingStrategy?: ContentHandlingStrategy | undefined;
}

/** See `contentHandlingStrategy`. */
export type ContentHandlingStrategy = 'CONVERT_TO_BINARY' | 'CONVERT_TO_TEXT';
