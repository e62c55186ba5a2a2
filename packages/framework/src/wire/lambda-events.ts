// The parts of the events that the framework reads. All of it is checked before use: a handler can be
// invoked by anyone who may invoke the function.

/** What API Gateway says of a connection and a request. */
export interface RequestContext {
  readonly routeKey: string;
  readonly eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT';
  readonly connectionId: string;
  readonly connectedAt: number;
  readonly requestId: string;
  readonly apiId: string;
  readonly stage: string;
  readonly domainName: string;
  readonly identity?: { readonly sourceIp?: string; readonly userAgent?: string };
  readonly authorizer?: Readonly<Record<string, unknown>>;
  readonly disconnectStatusCode?: number;
  readonly disconnectReason?: string;
}

/** An event of a WebSocket API: `$connect`, a message, or `$disconnect`. */
export interface WebSocketEvent {
  readonly requestContext: RequestContext;
  readonly headers?: Readonly<Record<string, string | undefined>> | null;
  readonly queryStringParameters?: Readonly<Record<string, string | undefined>> | null;
  readonly body?: string | null;
}

/** An event of a REQUEST authorizer. */
export interface AuthorizerRequestEvent {
  readonly type: 'REQUEST';
  readonly methodArn: string;
  readonly headers?: Readonly<Record<string, string | undefined>> | null;
  readonly queryStringParameters?: Readonly<Record<string, string | undefined>> | null;
  readonly requestContext: RequestContext;
}

/** The part of Lambda's context that is read. */
export interface LambdaContext {
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/** What a proxy integration returns. */
export interface ProxyResponse {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What a REQUEST authorizer returns. */
export interface PolicyResponse {
  readonly principalId: string;
  readonly policyDocument: {
    readonly Version: '2012-10-17';
    readonly Statement: readonly {
      readonly Action: 'execute-api:Invoke';
      readonly Effect: 'Allow' | 'Deny';
      readonly Resource: string;
    }[];
  };
  readonly context?: Readonly<Record<string, string>>;
}
