// Runs inside a child process, as Lambda's Node runtime. It talks to the gateway over a pipe.
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import { type ApiNames, resolveApis } from './api-names.js';
import { attributeConsole } from './console.js';
import { endingMethods, lambdaContext } from './context.js';
import {
  type InvocationReport,
  type InvokeRequest,
  type LoadedModule,
  type LoadFailure,
  MESSAGES_FD,
  MessagePipe,
  type Report,
} from './ipc.js';
import { watchPosts } from './refused-posts.js';

/** The manifest of an app, at the handler that `createApp` made. */
const OF_HANDLER: unique symbol = Symbol.for('gatecast.manifest') as never;

/** Why the authorizer of an app has refused, at its result or its error. */
const REASON: unique symbol = Symbol.for('gatecast.reason') as never;

/** The largest answer of a synchronous invocation: 6 MB, as Lambda counts them (Lambda quotas). */
const MAX_RESPONSE_BYTES = 6_291_556;

type Callback = (error?: unknown, value?: unknown) => void;
type Handler = (event: object, context: object, callback: Callback) => unknown;

let requestId: string | undefined;
attributeConsole(() => requestId);

const [, , bundleFile = '', handlerName = '', apis] = process.argv;

// Only the gateway may end a function. If the function died first, its last invocations would look like
// failures.
process.on('SIGINT', () => {});
// In a thread of its own, because a function may be busy for ever when the gateway is killed.
new Worker(new URL('./gateway-watch.js', import.meta.url)).unref();

let handler: Handler | undefined;
const socket = new Socket({ fd: MESSAGES_FD });
const pipe = new MessagePipe<Report, InvokeRequest>(socket, (request) => {
  void invoke(handler as Handler, request).then((report) => pipe.send(report));
});
if (apis !== undefined) {
  const known = JSON.parse(apis) as ApiNames['known'];
  resolveApis({ known, onOtherApi: (host) => pipe.send({ type: 'otherApi', host }) });
}
const posts = watchPosts();

try {
  const exports = await load(bundleFile);
  handler = exports[handlerName] as Handler | undefined;
  pipe.send({ type: 'loaded', module: describe(exports) });
} catch (error) {
  pipe.send({ type: 'loadFailed', failure: loadFailure(error) });
}

/**
 * Loads a module like Lambda does. `import` would add names to a CommonJS module that it does not export.
 */
async function load(file: string): Promise<Record<string, unknown>> {
  return file.endsWith('.cjs')
    ? { ...(createRequire(file)(file) as Record<string, unknown>) }
    : exportsOf(await import(pathToFileURL(file).href));
}

/** The exports of a CommonJS entry arrive as the default export of the ES module around it. */
function exportsOf(module: Record<string, unknown>): Record<string, unknown> {
  const inner = module['default'];
  if (typeof inner !== 'object' || inner === null) {
    return module;
  }
  return { ...inner, ...module };
}

function describe(exports: Record<string, unknown>): LoadedModule {
  const { app } = exports as { readonly app?: { readonly manifest?: unknown } | null };
  const handler = exports[handlerName] as { readonly [OF_HANDLER]?: unknown } | undefined | null;
  const manifest = app?.manifest ?? handler?.[OF_HANDLER];
  return {
    exports: Object.keys(exports),
    hasHandler: typeof exports[handlerName] === 'function',
    ...(manifest === undefined ? {} : { manifest }),
  };
}

async function invoke(handler: Handler, request: InvokeRequest): Promise<InvocationReport> {
  ({ requestId } = request);
  posts.forget();
  let value: unknown;
  try {
    value = await runHandler(handler, request);
  } catch (error) {
    const reason = reasonOf(error);
    // An authorizer can only answer 401 by throwing. The gateway's own line tells why a Gatecast app did.
    // oxlint-disable-next-line no-console -- this is the function's console, as in Lambda.
    if (reason.reason === undefined) console.error(detailsOf(error));
    return { type: 'error', ...nameOf(error), ...reason };
  }
  try {
    const json = JSON.stringify(value) ?? 'null';
    const bytes = Buffer.byteLength(json);
    if (bytes > MAX_RESPONSE_BYTES) {
      const limit = `exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`;
      const errorMessage = `Response payload size (${bytes} bytes) ${limit}`;
      return { type: 'error', errorType: 'Function.ResponseSizeTooLarge', errorMessage };
    }
    return { type: 'response', json, refusedPost: posts.lastRefused, ...reasonOf(value) };
  } catch (error) {
    const errorMessage = `Unable to stringify response body as json: ${nameOf(error).errorMessage}`;
    return { type: 'error', errorType: 'Runtime.MarshalError', errorMessage };
  }
}

function reasonOf(answer: unknown): { readonly reason?: string } {
  const { [REASON]: reason } = (answer ?? {}) as { readonly [REASON]?: unknown };
  return typeof reason === 'string' ? { reason } : {};
}

/**
 * Runs a handler that returns a promise or uses the callback. As in Lambda, the value of the callback is
 * returned once the event loop is empty, unless the handler sets `callbackWaitsForEmptyEventLoop` to
 * false. If the event loop is empty before any answer, the result is `null`.
 */
async function runHandler(handler: Handler, request: InvokeRequest): Promise<unknown> {
  let whenIdle = (): void => {};
  const onIdle = (): void => whenIdle();
  // Otherwise the pipe would keep the event loop busy, and `beforeExit` would never be emitted.
  socket.unref();
  process.on('beforeExit', onIdle);
  try {
    return await new Promise((resolve, reject) => {
      whenIdle = () => resolve(null);
      const context = { ...lambdaContext(request), ...endingMethods({ resolve, reject }) };
      const returned = handler(request.event, context, (error, value) => {
        if (error !== undefined && error !== null) {
          reject(error);
          return;
        }
        if (!context.callbackWaitsForEmptyEventLoop) {
          resolve(value);
          return;
        }
        whenIdle = () => resolve(value);
      });
      if (isThenable(returned)) {
        returned.then(resolve, reject);
      }
    });
  } finally {
    process.off('beforeExit', onIdle);
    socket.ref();
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}

function loadFailure(error: unknown): LoadFailure {
  const { errorType, errorMessage } = nameOf(error);
  const details = detailsOf(error);
  if (error instanceof SyntaxError) {
    return { errorType: 'Runtime.UserCodeSyntaxError', errorMessage, details };
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
    return { errorType: 'Runtime.ImportModuleError', errorMessage, details };
  }
  return { errorType, errorMessage, details };
}

/** The type and message of a thrown value, as in Lambda: a thrown string has the type `string`. */
function nameOf(error: unknown): { errorType: string; errorMessage: string } {
  return error instanceof Error
    ? { errorType: error.name, errorMessage: error.message }
    : { errorType: typeof error, errorMessage: String(error) };
}

function detailsOf(error: unknown): string {
  // The stack of a Gatecast error contains its hint.
  if (error instanceof Error && 'hint' in error && error.stack !== undefined) return error.stack;
  return typeof error === 'string' ? error : inspect(error);
}
