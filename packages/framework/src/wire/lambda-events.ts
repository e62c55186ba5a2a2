// The parts of the events that the framework reads. Anyone who may invoke the function can send any
// event, so `isWebSocketEvent` and `isAuthorizerEvent` check every field that is used without a check
// later.

/** API Gateway's description of a connection and a request. */
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

/** Headers and query of a handshake. Names of headers are as the client wrote them. */
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

/** The part of Lambda's context that the framework reads. */
export interface LambdaContext {
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/** The result of a proxy integration. */
export interface ProxyResponse {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The result of a REQUEST authorizer. */
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

/** Whether an event comes from a WebSocket API and has every field that is read without a check. */
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

/** Whether an event is for a REQUEST authorizer of a WebSocket API. */
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
