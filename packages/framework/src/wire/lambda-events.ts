// The parts of the events that the framework reads. A handler can be invoked by anyone who may invoke the
// function, so `isWebSocketEvent` and `isAuthorizerEvent` check what is taken for granted afterwards.

/** What API Gateway says of a connection and a request. */
export interface RequestContext {
  readonly routeKey: string;
  readonly eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT';
  readonly connectionId: string;
  readonly connectedAt: number;
  readonly requestId: string;
  /** When API Gateway received it, in milliseconds since 1970. */
  readonly requestTimeEpoch?: number;
  readonly apiId: string;
  readonly stage: string;
  readonly domainName: string;
  readonly identity?: { readonly sourceIp?: string; readonly userAgent?: string };
  readonly authorizer?: Readonly<Record<string, unknown>>;
  readonly disconnectStatusCode?: number;
  readonly disconnectReason?: string;
}

/** What a handshake brings: header names as the client wrote them, and each value of those sent twice. */
export interface HandshakeFields {
  readonly headers?: Readonly<Record<string, string | undefined>> | null;
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[] | undefined>> | null;
  readonly queryStringParameters?: Readonly<Record<string, string | undefined>> | null;
}

/** An event of a WebSocket API: `$connect`, a message, or `$disconnect`. */
export interface WebSocketEvent extends HandshakeFields {
  readonly requestContext: RequestContext;
  readonly body?: string | null;
}

/** An event of a REQUEST authorizer. */
export interface AuthorizerRequestEvent extends HandshakeFields {
  readonly type: 'REQUEST';
  readonly methodArn: string;
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

/** Whether an event is one of a WebSocket API, and has every field that is read without a check. */
export function isWebSocketEvent(event: object): event is WebSocketEvent {
  const {
    requestContext: request,
    type,
    body,
  } = event as Partial<AuthorizerRequestEvent> & {
    readonly body?: unknown;
  };
  return (
    type === undefined &&
    isRequestContext(request) &&
    (body === undefined || body === null || typeof body === 'string')
  );
}

/** Whether an event is one of a REQUEST authorizer of a WebSocket API. */
export function isAuthorizerEvent(event: object): event is AuthorizerRequestEvent {
  const { requestContext: request, type, methodArn } = event as Partial<AuthorizerRequestEvent>;
  return (
    type === 'REQUEST' &&
    typeof methodArn === 'string' &&
    isRequestContext(request) &&
    request.eventType === 'CONNECT'
  );
}

function isRequestContext(request: unknown): request is RequestContext {
  if (typeof request !== 'object' || request === null) return false;
  const { eventType, connectionId, connectedAt, apiId, stage, authorizer, identity } =
    request as Partial<RequestContext>;
  return (
    (eventType === 'MESSAGE' || eventType === 'CONNECT' || eventType === 'DISCONNECT') &&
    typeof connectionId === 'string' &&
    connectionId !== '' &&
    typeof connectedAt === 'number' &&
    typeof apiId === 'string' &&
    typeof stage === 'string' &&
    (authorizer === undefined || typeof authorizer === 'object') &&
    (identity === undefined || typeof identity === 'object')
  );
}
