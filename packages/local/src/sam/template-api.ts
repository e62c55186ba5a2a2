/** The WebSocket API of a template, as the template has it. */
export interface TemplateApi {
  readonly routeSelectionExpression: string | undefined;
  readonly apiKeySelectionExpression: string | undefined;
  readonly stage: TemplateStage | undefined;
  readonly routes: readonly TemplateRoute[];
  readonly authorizer: TemplateAuthorizer | undefined;
}

/** The stage that runs. */
export interface TemplateStage {
  readonly name: string;
  readonly variables: Readonly<Record<string, string>> | undefined;
}

/** One route and all that it refers to. */
export interface TemplateRoute {
  readonly logicalId: string;
  readonly routeKey: string;
  readonly twoWay: boolean;
  readonly integration: TemplateIntegration;
  /** `NONE`, `CUSTOM`, `AWS_IAM`. */
  readonly authorizationType: string;
  /** Logical id of the authorizer that `CUSTOM` asks. */
  readonly authorizerId: string | undefined;
  readonly apiKeyRequired: boolean;
  readonly modelSelectionExpression: string | undefined;
  /** Schemas, by the key that the model selection expression yields. */
  readonly requestModels: Readonly<Record<string, unknown>> | undefined;
  /** Messages a second, and how many may come at once. */
  readonly throttle:
    | { readonly rateLimit: number | undefined; readonly burstLimit: number | undefined }
    | undefined;
}

/** What stands behind a route. */
export interface TemplateIntegration {
  readonly logicalId: string;
  /** `AWS_PROXY`, `AWS`, `MOCK`, `HTTP_PROXY`, `HTTP`. */
  readonly type: string;
  readonly uri: string | undefined;
  /** Name of the function that the URI leads to. */
  readonly functionName: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly requestTemplates: Readonly<Record<string, string>> | undefined;
  readonly templateSelectionExpression: string | undefined;
  readonly passthroughBehavior: string | undefined;
  readonly requestParameters: Readonly<Record<string, string>> | undefined;
  readonly contentHandlingStrategy: string | undefined;
  readonly responses: readonly TemplateIntegrationResponse[];
}

/** What a non-proxy integration answers, for the results that its key names. */
export interface TemplateIntegrationResponse {
  readonly integrationResponseKey: string;
  readonly responseTemplates: Readonly<Record<string, string>> | undefined;
  readonly templateSelectionExpression: string | undefined;
  readonly contentHandlingStrategy: string | undefined;
}

/** The REQUEST authorizer on `$connect`. */
export interface TemplateAuthorizer {
  readonly logicalId: string;
  /** Name of the function that decides. */
  readonly functionName: string;
  readonly identitySources: readonly string[];
}
