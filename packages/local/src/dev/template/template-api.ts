/** A WebSocket API of a template. */
export interface TemplateApi {
  readonly apiId: string;
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

/** One route with everything that it refers to. */
export interface TemplateRoute {
  readonly logicalId: string;
  readonly routeKey: string;
  readonly twoWay: boolean;
  readonly integration: TemplateIntegration;
  /** `NONE`, `CUSTOM`, `AWS_IAM`. */
  readonly authorizationType: string;
  /** Logical id of the authorizer for `CUSTOM`. */
  readonly authorizerId: string | undefined;
  readonly apiKeyRequired: boolean;
  readonly modelSelectionExpression: string | undefined;
  /** Schemas by the keys of the model selection expression. */
  readonly requestModels: Readonly<Record<string, unknown>> | undefined;
  /** Messages per second, and how many may arrive at once. */
  readonly throttle:
    | { readonly rateLimit: number | undefined; readonly burstLimit: number | undefined }
    | undefined;
}

/** The integration of a route. */
export interface TemplateIntegration {
  readonly logicalId: string;
  /** `AWS_PROXY`, `AWS`, `MOCK`, `HTTP_PROXY`, `HTTP`. */
  readonly type: string;
  readonly uri: string | undefined;
  /** `IntegrationMethod`: how the URI is called. */
  readonly method: string | undefined;
  /** Name of the function in the URI. */
  readonly functionName: string | undefined;
  /** Its alias or version in the URI. */
  readonly qualifier: string | undefined;
  /** ARN of the role by which the URI is called. */
  readonly credentialsArn: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly requestTemplates: Readonly<Record<string, string>> | undefined;
  readonly templateSelectionExpression: string | undefined;
  readonly passthroughBehavior: string | undefined;
  readonly requestParameters: Readonly<Record<string, string>> | undefined;
  readonly contentHandlingStrategy: string | undefined;
  readonly responses: readonly TemplateIntegrationResponse[];
}

/** The answer of a non-proxy integration for results that match its key. */
export interface TemplateIntegrationResponse {
  readonly integrationResponseKey: string;
  readonly responseTemplates: Readonly<Record<string, string>> | undefined;
  readonly templateSelectionExpression: string | undefined;
  readonly contentHandlingStrategy: string | undefined;
}

/** The REQUEST authorizer on `$connect`. */
export interface TemplateAuthorizer {
  readonly logicalId: string;
  /** Name of the authorizer's function. */
  readonly functionName: string;
  /** Its alias or version. */
  readonly qualifier: string | undefined;
  /** ARN of the role by which the function is invoked. */
  readonly credentialsArn: string | undefined;
  readonly identitySources: readonly string[];
}
