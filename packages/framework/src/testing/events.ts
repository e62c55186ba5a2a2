import { partitionOf } from '../deliver/apigw/regions.js';

/**
 * The values that an authorizer's context adds to the events of a connection, including `principalId`.
 *
 * @group Events
 */
export type AuthorizerValues = Readonly<Record<string, string | number>>;

/** Names and values; a list if a name was sent more than once. */
export type NamesAndValues = Readonly<Record<string, string | readonly string[]>>;

/** Options of all events. Missing ones get a default for tests. @group Events */
export interface EventOptions {
  /** @default a new one, `makeConnectionId()` */
  readonly connectionId?: string | undefined;
  /** @default 'abcde12345' */
  readonly apiId?: string | undefined;
  /** @default 'dev' */
  readonly stage?: string | undefined;
  /** @default 'us-east-1' */
  readonly region?: string | undefined;
  /** Only used in the `methodArn` of an authorizer's event. @default '123456789012' */
  readonly accountId?: string | undefined;
  /** @default the API's own domain, made from `apiId` and `region` */
  readonly domainName?: string | undefined;
  /** @default '192.0.2.1' */
  readonly sourceIp?: string | undefined;
  /** @default none, as for a client without this header */
  readonly userAgent?: string | undefined;
  /** The context from the authorizer. @default none */
  readonly authorizer?: AuthorizerValues | undefined;
  /** When the event happens, in milliseconds since the epoch. @default Date.now() */
  readonly now?: number | undefined;
  /** When the connection began, in milliseconds since the epoch. @default now */
  readonly connectedAt?: number | undefined;
  /** @default none */
  readonly stageVariables?: Readonly<Record<string, string>> | undefined;
  /** @default a new one, `makeRequestId()` */
  readonly requestId?: string | undefined;
}

/** Options of `makeConnectEvent` and `makeAuthorizerEvent`. @group Events */
export interface ConnectEventOptions extends EventOptions {
  /**
   * The headers as the client sent them. Like API Gateway, the function drops some of them and adds
   * others.
   */
  readonly headers?: NamesAndValues | undefined;
  /** The query string, decoded. */
  readonly query?: NamesAndValues | undefined;
  /**
   * Whether the names of all headers are in lower case, as behind a custom domain whose base path has
   * more than one level (row 1.6).
   *
   * @default false
   */
  readonly lowerCaseHeaders?: boolean | undefined;
}

/** Options of `makeMessageEvent`. @group Events */
export interface MessageEventOptions extends EventOptions {
  /** The route that was selected. @default '$default' */
  readonly routeKey?: string | undefined;
  /** The text of the message. @default '' */
  readonly body?: string | undefined;
  /** @default a new one */
  readonly messageId?: string | undefined;
}

/** Options of `makeDisconnectEvent`. @group Events */
export interface DisconnectEventOptions extends EventOptions {
  /** @default 1005 */
  readonly code?: number | undefined;
  /** @default 'Client-side close frame status not set' for 1005, else '' */
  readonly reason?: string | undefined;
}

/** The part of `requestContext` that every event has (rows 0.3 to 0.10). */
export interface EventRequestContext {
  readonly authorizer?: AuthorizerValues;
  readonly extendedRequestId: string;
  readonly requestTime: string;
  readonly messageDirection: 'IN';
  readonly stage: string;
  readonly connectedAt: number;
  readonly requestTimeEpoch: number;
  readonly identity: { readonly userAgent?: string; readonly sourceIp: string };
  readonly requestId: string;
  readonly domainName: string;
  readonly connectionId: string;
  readonly apiId: string;
}

/** `requestContext` of the `$connect` route and of its authorizer. */
export interface ConnectRequestContext extends EventRequestContext {
  readonly routeKey: '$connect';
  readonly eventType: 'CONNECT';
}

/** `requestContext` of a message. */
export interface MessageRequestContext extends EventRequestContext {
  readonly routeKey: string;
  readonly messageId: string;
  readonly eventType: 'MESSAGE';
}

/** `requestContext` of the `$disconnect` route. */
export interface DisconnectRequestContext extends EventRequestContext {
  readonly routeKey: '$disconnect';
  readonly disconnectStatusCode: number;
  readonly eventType: 'DISCONNECT';
  readonly disconnectReason: string;
}

interface RequestParts {
  readonly headers: Readonly<Record<string, string>>;
  readonly multiValueHeaders: Readonly<Record<string, string[]>>;
  readonly queryStringParameters?: Readonly<Record<string, string>>;
  readonly multiValueQueryStringParameters?: Readonly<Record<string, string[]>>;
}

/** The event of the `$connect` route, as a Lambda function gets it (rows 1.1 to 1.8). @group Events */
export interface ConnectEvent extends RequestParts {
  readonly stageVariables?: Readonly<Record<string, string>>;
  readonly requestContext: ConnectRequestContext;
  readonly isBase64Encoded: false;
}

/** The event of a message (rows 1.10 to 1.14). @group Events */
export interface MessageEvent {
  readonly requestContext: MessageRequestContext;
  readonly stageVariables?: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: false;
}

/** The event of the `$disconnect` route (rows 1.20 to 1.29). @group Events */
export interface DisconnectEvent {
  readonly headers: Readonly<Record<string, string>>;
  readonly multiValueHeaders: Readonly<Record<string, string[]>>;
  readonly requestContext: DisconnectRequestContext;
  readonly isBase64Encoded: false;
}

/** The event of a Lambda REQUEST authorizer (rows 1.40 to 1.45). @group Events */
export interface AuthorizerEvent extends RequestParts {
  readonly type: 'REQUEST';
  readonly methodArn: string;
  readonly stageVariables: Readonly<Record<string, string>>;
  readonly requestContext: ConnectRequestContext;
}

/**
 * The event that API Gateway sends when a client connects, with the keys in AWS's order.
 *
 * @group Events
 */
export function makeConnectEvent(options: ConnectEventOptions = {}): ConnectEvent {
  const values = withDefaults(options);
  return {
    ...requestParts(options, headersOf(values, options)),
    ...(options.stageVariables && { stageVariables: options.stageVariables }),
    requestContext: connectContext(values, options),
    isBase64Encoded: false,
  };
}

/**
 * The event that API Gateway sends to a REQUEST authorizer before it sends `$connect`.
 *
 * @group Events
 */
export function makeAuthorizerEvent(options: ConnectEventOptions = {}): AuthorizerEvent {
  const values = withDefaults(options);
  const { region, accountId, apiId, stage } = values;
  const headers = headersOf(values, options);
  // Unlike `$connect`, an authorizer gets the headers of the upgrade (row 1.42).
  put(headers, { Connection: 'upgrade', Upgrade: 'websocket', 'content-length': '0' });
  return {
    type: 'REQUEST',
    methodArn: `arn:${partitionOf(region).name}:execute-api:${region}:${accountId}:${apiId}/${stage}/$connect`,
    ...requestParts(options, headers),
    stageVariables: options.stageVariables ?? {},
    requestContext: connectContext({ ...values, authorizer: undefined }, options),
  };
}

/**
 * The event that API Gateway sends for a message of a client.
 *
 * @example
 * ```ts
 * const frame = { action: 'rooms.post', id: '1', channel: 'rooms/42', data: { text: 'hello' } };
 * await handler(makeMessageEvent({ routeKey: frame.action, body: JSON.stringify(frame) }));
 * ```
 * @group Events
 */
export function makeMessageEvent(options: MessageEventOptions = {}): MessageEvent {
  const { authorizer, request, rest } = contextParts(withDefaults(options));
  return {
    requestContext: {
      routeKey: options.routeKey ?? '$default',
      ...authorizer,
      messageId: options.messageId ?? makeConnectionId(),
      eventType: 'MESSAGE',
      ...request,
      ...rest,
    },
    ...(options.stageVariables && { stageVariables: options.stageVariables }),
    body: options.body ?? '',
    isBase64Encoded: false,
  };
}

/** The event that API Gateway sends after a connection has ended. @group Events */
export function makeDisconnectEvent(options: DisconnectEventOptions = {}): DisconnectEvent {
  const { authorizer, request, rest } = contextParts(withDefaults(options));
  const code = options.code ?? 1005;
  const headers = new Map<string, NameAndValues>();
  // The client's own headers are not repeated (row 1.21).
  put(headers, { Host: rest.domainName, 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' });
  return {
    ...requestParts({}, headers),
    requestContext: {
      routeKey: '$disconnect',
      disconnectStatusCode: code,
      ...authorizer,
      eventType: 'DISCONNECT',
      ...request,
      disconnectReason:
        options.reason ?? (code === 1005 ? 'Client-side close frame status not set' : ''),
      ...rest,
    },
    isBase64Encoded: false,
  };
}

/**
 * An id in the form of `connectionId` and `messageId`: 11 bytes in base64url (rows 0.1, 0.4).
 *
 * @group Events
 */
export function makeConnectionId(): string {
  return makeId(0x02);
}

/** An id in the form of `requestId` (row 0.3). @group Events */
export function makeRequestId(): string {
  return makeId(0x05);
}

// As on AWS, the ninth byte differs between the two kinds of id (row 0.2), which helps when reading logs.
function makeId(ninthByte: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(11));
  bytes[8] = ninthByte;
  return `${Buffer.from(bytes).toString('base64url')}=`;
}

type FilledOptions = ReturnType<typeof withDefaults>;

function withDefaults(options: EventOptions) {
  const apiId = options.apiId ?? 'abcde12345';
  const region = options.region ?? 'us-east-1';
  const now = options.now ?? Date.now();
  return {
    connectionId: options.connectionId ?? makeConnectionId(),
    apiId,
    stage: options.stage ?? 'dev',
    region,
    accountId: options.accountId ?? '123456789012',
    domainName:
      options.domainName ?? `${apiId}.execute-api.${region}.${partitionOf(region).urlSuffix}`,
    sourceIp: options.sourceIp ?? '192.0.2.1',
    userAgent: options.userAgent,
    authorizer: options.authorizer,
    now,
    connectedAt: options.connectedAt ?? now,
    requestId: options.requestId ?? makeRequestId(),
  };
}

function connectContext(
  values: FilledOptions,
  { headers = {} }: ConnectEventOptions,
): ConnectRequestContext {
  const userAgent = values.userAgent ?? headerNamed(headers, 'user-agent');
  const { authorizer, request, rest } = contextParts({ ...values, userAgent });
  return { routeKey: '$connect', ...authorizer, eventType: 'CONNECT', ...request, ...rest };
}

// In parts, because each kind of event has further keys between them, in the order of AWS.
function contextParts({
  authorizer,
  userAgent,
  sourceIp,
  requestId,
  now,
  ...values
}: FilledOptions) {
  return {
    authorizer: authorizer && { authorizer },
    request: {
      extendedRequestId: requestId,
      requestTime: commonLogTime(now),
      messageDirection: 'IN' as const,
    },
    rest: {
      stage: values.stage,
      connectedAt: values.connectedAt,
      requestTimeEpoch: now,
      identity: { ...(userAgent !== undefined && { userAgent }), sourceIp },
      requestId,
      domainName: values.domainName,
      connectionId: values.connectionId,
      apiId: values.apiId,
    },
  };
}

/** `29/Nov/2023:08:04:01 +0000` (row 0.5). */
function commonLogTime(epochMs: number): string {
  const [, day, month, year, time] = new Date(epochMs).toUTCString().split(' ');
  return `${day}/${month}/${year}:${time} +0000`;
}

type NameAndValues = readonly [name: string, values: string[]];

/** Headers by their name in lower case, each with the name that was sent. */
type Headers = Map<string, NameAndValues>;

function put(headers: Headers, added: NamesAndValues): void {
  for (const [name, value] of Object.entries(added)) {
    headers.set(name.toLowerCase(), [name, [value].flat()]);
  }
}

/**
 * The client's headers, without those that API Gateway removes and with those that it adds (row 1.4).
 */
function headersOf(values: FilledOptions, { headers: sent = {} }: ConnectEventOptions): Headers {
  const seconds = Math.floor(values.now / 1000).toString(16);
  const headers: Headers = new Map();
  put(headers, {
    Host: values.domainName,
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    'X-Amzn-Trace-Id': `Root=1-${seconds.padStart(8, '0')}-${randomHex(12)}`,
    ...(values.userAgent !== undefined && { 'User-Agent': values.userAgent }),
  });
  put(headers, sent);
  for (const name of ['connection', 'upgrade', 'content-length']) headers.delete(name);
  const forwardedFor = headerNamed(sent, 'x-forwarded-for');
  put(headers, {
    'X-Forwarded-For': forwardedFor ? `${forwardedFor}, ${values.sourceIp}` : values.sourceIp,
    'X-Forwarded-Port': '443',
    'X-Forwarded-Proto': 'https',
  });
  return headers;
}

function requestParts(
  { query = {}, lowerCaseHeaders = false }: ConnectEventOptions,
  headers: Headers,
): RequestParts {
  const sorted = [...headers].sort(([left], [right]) => (left < right ? -1 : 1));
  const headerLists = sorted.map(
    ([lowerCaseName, [name, values]]): NameAndValues => [
      lowerCaseHeaders ? lowerCaseName : name,
      values,
    ],
  );
  const queryLists = Object.entries(query).map(
    ([name, value]): NameAndValues => [name, [value].flat()],
  );
  return {
    headers: lastOfEach(headerLists),
    multiValueHeaders: Object.fromEntries(headerLists),
    ...(queryLists.length > 0 && {
      queryStringParameters: lastOfEach(queryLists),
      multiValueQueryStringParameters: Object.fromEntries(queryLists),
    }),
  };
}

function lastOfEach(lists: readonly NameAndValues[]): Record<string, string> {
  return Object.fromEntries(lists.map(([name, values]) => [name, values.at(-1) ?? '']));
}

function headerNamed(headers: NamesAndValues, lowerCaseName: string): string | undefined {
  const found = Object.entries(headers).find(([name]) => name.toLowerCase() === lowerCaseName);
  return found && [found[1]].flat().at(-1);
}

function randomHex(byteLength: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(byteLength))).toString('hex');
}
