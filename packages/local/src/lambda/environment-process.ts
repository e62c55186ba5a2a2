// Runs inside a child process: the part Lambda's Node runtime plays, spoken over the IPC channel.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { attributeConsole } from './attributed-console.js';
import type {
  InvocationReport,
  InvokeRequest,
  LoadedModule,
  LoadFailure,
  LoadReport,
} from './environment-ipc.js';
import { lambdaContext } from './lambda-context.js';

type Callback = (error?: unknown, value?: unknown) => void;
type Handler = (event: object, context: object, callback: Callback) => unknown;

let requestId: string | undefined;
attributeConsole(() => requestId);

const [, , bundleFile = '', handlerName = ''] = process.argv;

// Ctrl-C reaches every process of the terminal. The gateway decides when a function ends; if the
// function died first, its last invocations would look like failures.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit());

try {
  const exports = await load(bundleFile);
  const handler = exports[handlerName];
  process.on('message', (request: InvokeRequest) => {
    void invoke(handler as Handler, request).then(report);
  });
  report({ type: 'loaded', module: describe(exports) });
} catch (error) {
  report({ type: 'loadFailed', failure: loadFailure(error) });
}

function report(message: LoadReport | InvocationReport): void {
  process.send?.(message);
}

/** Loads a module as Lambda does. `import` would give a CommonJS module names that it does not export. */
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
  const app = exports['app'];
  const manifest =
    typeof app === 'object' && app !== null && 'manifest' in app ? app.manifest : undefined;
  return {
    exports: Object.keys(exports),
    hasHandler: typeof exports[handlerName] === 'function',
    ...(manifest === undefined ? {} : { manifest }),
  };
}

async function invoke(handler: Handler, request: InvokeRequest): Promise<InvocationReport> {
  ({ requestId } = request);
  let value: unknown;
  try {
    value = await settle(handler, request);
  } catch (error) {
    // oxlint-disable-next-line no-console -- it is the function's console, as in Lambda.
    console.error(detailsOf(error));
    return { type: 'error', ...nameOf(error) };
  }
  try {
    return { type: 'response', json: JSON.stringify(value) ?? 'null' };
  } catch (error) {
    const errorMessage = `Unable to stringify response body as json: ${nameOf(error).errorMessage}`;
    return { type: 'error', errorType: 'Runtime.MarshalError', errorMessage };
  }
}

/**
 * Runs a handler of either kind, promise or callback. As in Lambda, a value given to the callback
 * counts when nothing is left to do, unless the handler says otherwise, and a handler that leaves
 * nothing to wait for without an answer has answered `null`.
 */
async function settle(handler: Handler, request: InvokeRequest): Promise<unknown> {
  let whenIdle = (): void => {};
  const onIdle = (): void => whenIdle();
  // The channel alone would keep the process busy for ever, and `beforeExit` would never come.
  process.channel?.unref();
  process.on('beforeExit', onIdle);
  try {
    return await new Promise((resolve, reject) => {
      whenIdle = () => resolve(null);
      const context = lambdaContext(request);
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
    process.channel?.ref();
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

/** What was thrown, named as Lambda names it: a thrown string has the type `string`. */
function nameOf(error: unknown): { errorType: string; errorMessage: string } {
  return error instanceof Error
    ? { errorType: error.name, errorMessage: error.message }
    : { errorType: typeof error, errorMessage: String(error) };
}

function detailsOf(error: unknown): string {
  // A framework's error has its hint in the stack.
  if (error instanceof Error && 'hint' in error && error.stack !== undefined) return error.stack;
  return typeof error === 'string' ? error : inspect(error);
}
