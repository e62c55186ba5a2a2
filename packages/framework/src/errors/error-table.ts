/** One error a developer or an operator may see. `{word}` is replaced by a value. */
export interface ErrorEntry {
  /**
   * Who has to act. `configuration`: the developer, before the app runs. `usage`: the developer, where
   * the framework is called. `store`, `delivery`: the operator.
   */
  readonly kind: 'configuration' | 'usage' | 'store' | 'delivery';
  readonly message: string;
  /** One sentence: what to change. */
  readonly hint: string;
}

/** Every error that the framework itself throws. `docs/errors.md` is generated from it. */
export const errorTable = {
  // Found when the app is created
  ERR_OPTION_UNKNOWN: {
    kind: 'configuration',
    message: '{where} was given the unknown option "{option}".',
    hint: 'Use one of: {known}.',
  },
  ERR_OPTION_VALUE: {
    kind: 'configuration',
    message: '{where} was given {given} as "{option}".',
    hint: 'It takes {takes}.',
  },
  ERR_OPTION_CONFLICT: {
    kind: 'configuration',
    message: '{where} was given both "{first}" and "{second}".',
    hint: 'Keep one of them.',
  },
  ERR_CHANNELS_EMPTY: {
    kind: 'configuration',
    message: 'createApp() was given no channels.',
    hint: 'Pass at least one channel class: createApp({ channels: [RoomChannel] }).',
  },
  ERR_CHANNEL_NOT_DECORATED: {
    kind: 'configuration',
    message: '{label} is in the list of channels but has no @Channel.',
    hint: "Put @Channel('pattern') on the class, or pass what defineChannel() returns.",
  },
  ERR_CHANNEL_DEPENDENCIES: {
    kind: 'configuration',
    message:
      'The constructor of {label} has {count} parameter(s), but createApp() has no values for them.',
    hint: 'Pass an instance, or the option resolve: (type) => container.get(type).',
  },
  ERR_CHANNEL_CONSTRUCTOR: {
    kind: 'configuration',
    message: 'The constructor of {label} threw: {reason}',
    hint: 'Leave work that needs the environment to the handlers, which run at the first event.',
  },
  ERR_RESOLVE: {
    kind: 'configuration',
    message: 'The option "resolve" {problem} for {label}.',
    hint: 'Return an instance of the class; if making it takes time, do so before createApp() is called.',
  },
  ERR_PATTERN_INVALID: {
    kind: 'configuration',
    message: 'The pattern "{pattern}" of {label} {problem}.',
    hint: 'Write something like "rooms/:roomId": segments that are joined by "/", each a literal of A-Z a-z 0-9 _ . ~ : @ = - or a ":parameter".',
  },
  ERR_PATTERN_DUPLICATE: {
    kind: 'configuration',
    message:
      'The patterns "{first}" of {firstLabel} and "{second}" of {secondLabel} match the same channels.',
    hint: 'Give one pattern a literal segment where the other has a parameter, or merge the classes.',
  },
  ERR_CHANNEL_DUPLICATE: {
    kind: 'configuration',
    message: '{label} is in the list of channels twice.',
    hint: 'Remove one of them from createApp({ channels }).',
  },
  ERR_CHANNEL_NAMELESS: {
    kind: 'configuration',
    message: 'The pattern "{pattern}" of {label} has no literal segment to name its messages by.',
    hint: "Name it: @Channel('{pattern}', { name: 'rooms' }).",
  },
  ERR_ROUTE_NAME: {
    kind: 'configuration',
    message:
      '{label} of the pattern "{pattern}" makes the route key "{route}", which API Gateway does not allow.',
    hint: 'Use letters, digits, "_", "-" and "." in the names of channels and messages.',
  },
  ERR_ROUTE_DUPLICATE: {
    kind: 'configuration',
    message: 'Two handlers are registered for route "{route}": {first} and {second}.',
    hint: 'Rename one method, or give one channel another name: @Channel(pattern, { name }).',
  },
  ERR_DECORATOR_CALL: {
    kind: 'configuration',
    message: '{decorator} on {place} lacks its parentheses.',
    hint: 'Write {usage}.',
  },
  ERR_HANDLER_PLACE: {
    kind: 'configuration',
    message: '{decorator} is on "{method}", which is {place}.',
    hint: 'Put it on a public method that is not static: async post(message, ctx) { … }.',
  },
  ERR_HANDLER_MISSING: {
    kind: 'configuration',
    message: '{decorator} was put on {label}.{method}, but the instance has no such method.',
    hint: 'Look for another decorator or a wrapper that took the method away.',
  },
  ERR_HANDLER_DUPLICATE: {
    kind: 'configuration',
    message: '{label} has two methods with {decorator}: {first} and {second}.',
    hint: 'Keep the decorator on one method, and call the other from it.',
  },
  ERR_SCHEMA_INVALID: {
    kind: 'configuration',
    message: 'The schema of {label} is not a Standard Schema.',
    hint: "Pass a schema of valibot, zod or another such library, or dto(Class) from '@gatecast/framework/class-validator'.",
  },
  ERR_SCHEMA_FIELDS: {
    kind: 'configuration',
    message: '{label} was given the fields of a schema ("{field}"), not a schema.',
    hint: "Wrap the fields in the library's object schema: v.object({ … }), z.object({ … }).",
  },
  ERR_DTO_BARE: {
    kind: 'configuration',
    message:
      'The class {label} has no class-validator decorator, so every property would be dropped.',
    hint: 'Decorate its properties, and set "experimentalDecorators": true.',
  },
  ERR_ACCESS_UNREACHABLE: {
    kind: 'configuration',
    message: '{label} lets in signed-in users only, but the app has no authorizer to sign them in.',
    hint: "Pass createApp({ authorizer }), or open the channel with access: 'public'.",
  },
  ERR_AUTO_SUBSCRIBE: {
    kind: 'configuration',
    message: '{label} declares autoSubscribe: {given}, which does not fit its pattern "{pattern}".',
    hint: 'Use true for a pattern without parameters, otherwise a function that returns the parameters.',
  },
  ERR_PLUGIN_ORDER: {
    kind: 'configuration',
    message: 'Plugin "{plugin}" needs plugin "{needed}", which is not registered before it.',
    hint: 'Add {needed} before {plugin} in createApp({ plugins }).',
  },
  ERR_PLUGIN_FACTORY: {
    kind: 'configuration',
    message: 'The list of plugins has {given}; a plugin is an object.',
    hint: 'Pass what it returns, as in createApp({ plugins: [logger()] }).',
  },
  ERR_PLUGIN_HOOK_UNKNOWN: {
    kind: 'configuration',
    message: 'Plugin "{plugin}" has "{hook}", which is not a hook.',
    hint: 'A plugin may have: {known}.',
  },
  ERR_PLUGIN_DUPLICATE: {
    kind: 'configuration',
    message: 'Plugin "{plugin}" is registered twice.',
    hint: 'Remove one of them from createApp({ plugins }).',
  },
  ERR_STORE_MISSING: {
    kind: 'configuration',
    message: '{where} was given {given} as its store.',
    hint: 'Pass a store, made by a call: store: memoryStore(), dynamoDbStore() or redisStore().',
  },
  ERR_STORE_CONTRACT: {
    kind: 'configuration',
    message:
      'The store\'s "{part}" implements version {given} of the contract, but this release needs version {needed}.',
    hint: 'Install matching versions of @gatecast/framework and of the store.',
  },
  ERR_STORE_LOG: {
    kind: 'configuration',
    message: 'composeStore() was given the store "{store}" as its log, but that store has no log.',
    hint: 'Pass a store that has one: memoryStore(), dynamoDbStore() or redisStore().',
  },
  ERR_HISTORY_STORE: {
    kind: 'configuration',
    message: '{label} has history, but the store "{store}" has no log to keep it in.',
    hint: 'Use memoryStore(), dynamoDbStore() or redisStore(), or add a log: composeStore({ connections, log }).',
  },
  // Found when an event arrives
  ERR_EVENT_UNKNOWN: {
    kind: 'usage',
    message: 'The handler was called with an event it does not know (keys: {keys}).',
    hint: 'Use it only for the routes and the REQUEST authorizer of an API Gateway WebSocket API.',
  },
  ERR_ROUTES_STALE: {
    kind: 'configuration',
    message:
      'A message "{action}" came by $default: the routes of the API were made from an older manifest of the app.',
    hint: 'Run "gatecast manifest" and deploy the API again; until then the message works, but has no throttling and metrics of its own.',
  },
  ERR_IDENTITY_INVALID: {
    kind: 'usage',
    message: 'The authorizer returned {problem}.',
    hint: 'Return { userId, claims, expiresAt }, or throw a ClientError to refuse.',
  },
  ERR_AUTO_CHANNEL: {
    kind: 'usage',
    message:
      'A new connection was not subscribed to a channel of {label}: autoSubscribe {problem}.',
    hint: 'Return parameters that are strings and lead to a name of at most 200 bytes, or undefined to leave the connection out.',
  },
  ERR_CHANNEL_RULE_MISMATCH: {
    kind: 'usage',
    message: '{label} subscribes to "{channel}", which belongs to {other}.',
    hint: 'Return undefined from autoSubscribe for these parameters, or declare autoSubscribe on {other}.',
  },
  ERR_ENDPOINT_UNKNOWN: {
    kind: 'configuration',
    message: 'The endpoint of the @connections API is not known.',
    hint: 'In a function that gets no WebSocket events, set GATECAST_ENDPOINT to https://{api-id}.execute-api.{region}.amazonaws.com/{stage}; with the CDK construct, connectPublisher(fn) does.',
  },
  ERR_ENDPOINT_INVALID: {
    kind: 'configuration',
    message: 'The endpoint of the @connections API, "{endpoint}", {problem}.',
    hint: 'Set GATECAST_ENDPOINT (or AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI) to https://{api-id}.execute-api.{region}.amazonaws.com/{stage}, or to the https URL of your custom domain.',
  },
  ERR_REGION_UNKNOWN: {
    kind: 'configuration',
    message: 'The Region of the @connections API at {host} is not known.',
    hint: 'Set GATECAST_REGION. In Lambda, AWS_REGION is set already.',
  },
  ERR_JWT_OPTIONS: {
    kind: 'configuration',
    message: '{where} was given no "{option}", and the environment variable {variable} is not set.',
    hint: 'Set {variable} on the function, or pass {where} the option "{option}".',
  },
  ERR_JWT_KEYS: {
    kind: 'configuration',
    message: 'The keys of the issuer {issuer} cannot be used: {reason}',
    hint: 'Check that the function can reach the URL of the keys. If it cannot, pass the option "jwks".',
  },
  // Wrong calls inside handlers
  ERR_SEND_IN_CONNECT: {
    kind: 'usage',
    message:
      'A connect handler sent something to its own connection, which opens only when $connect has returned.',
    hint: 'Send it from @OnSubscribe, or let the client ask with its first message.',
  },
  ERR_PUBLISH_CHANNEL: {
    kind: 'usage',
    message: 'The server used the channel "{channel}", whose name {problem}.',
    hint: 'Build names from parameters with channelName(pattern, params).',
  },
  ERR_PUBLISH_UNKNOWN_CHANNEL: {
    kind: 'usage',
    message: 'The server used the channel "{channel}", which matches no channel class.',
    hint: 'Build the name with channelName(pattern, params); the patterns are: {patterns}.',
  },
  ERR_PUBLISH_EVENT: {
    kind: 'usage',
    message:
      'publish() on "{channel}" was given {given} as the name of an event, not a string of 1 to 64 characters.',
    hint: "Give the name of an event in the contract of the channel first, then its data: publish('message', data).",
  },
  ERR_PUBLISH_ID: {
    kind: 'usage',
    message: 'publish() on "{channel}" was given an id that is not a string of 1 to 64 characters.',
    hint: 'Use a short key of your own, such as the id of the order.',
  },
  ERR_ID_REUSED: {
    kind: 'usage',
    message:
      'publish() on "{channel}" was given the id "{id}", which was given to another event before.',
    hint: 'Give each event an id of its own, or publish exactly the same event again, with its keys in the same order.',
  },
  ERR_PUBLISH_ORDER: {
    kind: 'usage',
    message:
      'A message was handled again, and its publish number {ordinal} on "{channel}" was "{event}", but "{first}" the first time.',
    hint: 'Publish the same events in the same order each time: await each publish before the next one, and publish before you skip what is done already.',
  },
  ERR_HISTORY_OFF: {
    kind: 'usage',
    message: 'The channel "{channel}" has no history.',
    hint: 'Give its class history: @Channel(pattern, { history: { retentionSeconds: 86_400 } }). A publisher has an option for it: createPublisher({ history }).',
  },
  ERR_HISTORY_POSITION: {
    kind: 'usage',
    message: 'history() of "{channel}" was given {given} as "{name}", which is not a position.',
    hint: 'Pass the position of an event or of a page as it is.',
  },
  ERR_PUBLISH_SENDER: {
    kind: 'usage',
    message: 'publish() on "{channel}" was given except: \'sender\', but no connection sent it.',
    hint: 'Use it only inside a handler, on ctx.channel or ctx.app.channel(name).',
  },
  ERR_PUBLISH_DATA: {
    kind: 'usage',
    message: 'The data of event "{event}" on "{channel}" cannot be written as JSON: {reason}',
    hint: 'Publish plain data, without cycles and bigint.',
  },
  ERR_EVENT_TOO_LARGE: {
    kind: 'usage',
    message: 'Event "{event}" on "{channel}" is too large: {bytes} bytes, of at most {limit}.',
    hint: 'Publish a reference (a URL, an id) and let clients fetch the rest.',
  },
  ERR_REPLY_TOO_LARGE: {
    kind: 'usage',
    message: 'The reply to {route} makes a frame of {bytes} bytes; at most 32768 fit.',
    hint: 'Return less, in pages.',
  },
  ERR_REPLY_DATA: {
    kind: 'usage',
    message: 'The reply to {route} cannot be written as JSON: {reason}',
    hint: 'Return plain data, without cycles and bigint.',
  },
  ERR_HANDLER_TIMEOUT: {
    kind: 'usage',
    message:
      '{route} did not finish in time: {label} had not ended 500 ms before the end of the invocation.',
    hint: "Raise the function's time-out, or do less in one event.",
  },
  ERR_INVOCATION_OVER: {
    kind: 'usage',
    message: '{what} was used after its invocation was answered.',
    hint: 'Await everything that a handler starts. The rule no-floating-promises of typescript-eslint and oxlint finds missing awaits.',
  },
  ERR_PLUGIN_NEXT_NOT_AWAITED: {
    kind: 'usage',
    message: 'Plugin "{plugin}" did not await next() in {hook}.',
    hint: 'Write "await next()", or return what next() returns.',
  },
  ERR_PLUGIN_NEXT_TWICE: {
    kind: 'usage',
    message: 'Plugin "{plugin}" called next() twice in {hook}.',
    hint: 'Call next() at most once in a hook.',
  },
  // Found while an event is delivered
  ERR_DELIVERY_FORBIDDEN: {
    kind: 'delivery',
    message: 'The @connections API at {endpoint} refused the request (403): {reason}',
    hint: 'Grant execute-api:ManageConnections on this API and stage to the function, and check the endpoint.',
  },
  ERR_DELIVERY_FAILED: {
    kind: 'delivery',
    message: 'Posting to a connection through {endpoint} failed: {reason}',
    hint: 'Check that the function can reach the endpoint, and GATECAST_ENDPOINT if it is set.',
  },
  ERR_DELIVERY_THROTTLED: {
    kind: 'delivery',
    message:
      'Posting to a connection through {endpoint} was still throttled (429) when time ran out.',
    hint: 'Raise the account limit on requests per second, or publish less.',
  },
  ERR_DELIVERY_CREDENTIALS: {
    kind: 'delivery',
    message: 'There are no valid credentials for {endpoint}: {problem}.',
    hint: 'Lambda sets AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; elsewhere set them yourself. Behind a custom domain in another Region set GATECAST_REGION, too.',
  },
  ERR_DELIVERY_UNFINISHED: {
    kind: 'delivery',
    message:
      'Time ran out while an event on "{channel}" was delivered: of {read} subscribers {left} were not reached, and {unread}.',
    hint: "Raise the function's time-out, or publish to fewer subscribers at once.",
  },
  ERR_DELIVERY_ALL_GONE: {
    kind: 'delivery',
    message:
      'All {count} subscribers of "{channel}" that answered were gone (410) at {endpoint}; none was removed from the store.',
    hint: 'Check GATECAST_ENDPOINT: the endpoint of another API or stage answers 410 for every connection.',
  },
  // What a store may report
  ERR_STORE_UNAVAILABLE: {
    kind: 'store',
    message: 'The store "{store}" could not {operation}: {reason}',
    hint: 'Check that the store is up, reachable from the function and within its limits. The same call may succeed later.',
  },
  ERR_STORE_REFUSED: {
    kind: 'store',
    message: 'The store "{store}" refused to {operation}: {reason}',
    hint: '{advice}',
  },
} as const;

/**
 * A code of an error that the framework itself throws. `docs/errors.md` says what to do about each.
 *
 * @group Errors
 */
export type ErrorCode = keyof typeof errorTable;
