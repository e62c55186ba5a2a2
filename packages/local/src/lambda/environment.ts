import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { InvocationReport, LoadReport } from './environment-ipc.js';
import type { Invocation, InvocationResult } from './lambda-function.js';

// Through `dist` from here whichever of `src` and `dist` this file runs in: a child process cannot
// run TypeScript.
const PROCESS_FILE = fileURLToPath(
  new URL('../../dist/lambda/environment-process.js', import.meta.url),
);

// AWS: "Lambda execution environment lifecycle", Init phase.
const LOAD_TIMEOUT_MS = 10_000;

export interface EnvironmentOptions {
  /** The bundled module. */
  readonly bundleFile: string;
  /** The source file it came from, for messages. */
  readonly entry: string;
  /** Name of the export that handles events. */
  readonly handler: string;
  /** Every environment variable of the process. */
  readonly variables: Readonly<Record<string, string>>;
  readonly functionArn: string;
  /** How long one invocation may take. */
  readonly timeoutMs: number;
  /** Upper bound of the JavaScript heap, in MB. */
  readonly memoryMb: number;
  /** Where a debugger may attach: a port or `host:port`. @default nowhere */
  readonly inspect?: string | undefined;
  /** What the function prints goes nowhere. @default false */
  readonly quiet?: boolean | undefined;
}

interface Ending {
  readonly type: 'ended';
  readonly reason: string;
}

/**
 * One Lambda execution environment: a child process that keeps the function's module loaded and
 * runs one invocation at a time. Unlike Lambda's it is not frozen between invocations.
 */
export class Environment implements AsyncDisposable {
  readonly #options: EnvironmentOptions;
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ending>;
  readonly #loaded: Promise<LoadReport>;
  readonly #startedAt = performance.now();
  #isUsable = true;
  #loadMs: number | undefined;

  private constructor(options: EnvironmentOptions) {
    this.#options = options;
    const output = options.quiet === true ? 'ignore' : 'inherit';
    this.#child = fork(PROCESS_FILE, [options.bundleFile, options.handler], {
      env: options.variables,
      stdio: ['ignore', output, output, 'ipc'],
      execArgv: [
        '--enable-source-maps',
        `--max-old-space-size=${options.memoryMb}`,
        ...(options.inspect === undefined ? [] : [`--inspect=${options.inspect}`]),
      ],
    });
    endWithThisProcess(this.#child);
    this.#ended = new Promise((resolve) => {
      const end = (reason: string): void => {
        this.#isUsable = false;
        resolve({ type: 'ended', reason });
      };
      this.#child.once('exit', (code, signal) => end(endingReason(code, signal)));
      this.#child.once('error', (error) => end(error.message));
    });
    this.#loaded = this.#load();
  }

  /** Starts the process, which loads the module at once. */
  static start(options: EnvironmentOptions): Environment {
    return new Environment(options);
  }

  /** Whether another invocation may be given to it. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  /** Settles when the process has ended, for whatever reason. Never rejects. */
  get ended(): Promise<unknown> {
    return this.#ended;
  }

  /** The process's id; `undefined` when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Waits until the module is loaded. Never rejects. */
  load(): Promise<LoadReport> {
    return this.#loaded;
  }

  /** Runs one invocation. Never rejects; a second one must wait until the first has settled. */
  async invoke(event: object, invocation: Invocation): Promise<InvocationResult> {
    const isCold = this.#loadMs === undefined;
    const result = await this.#invoke(event, invocation);
    return isCold ? { ...result, coldStartMs: this.#loadMs } : result;
  }

  async #invoke(event: object, { requestId, kill }: Invocation): Promise<InvocationResult> {
    const { entry, functionArn, handler, timeoutMs } = this.#options;
    const outcome = await this.#loaded;
    if (outcome.type === 'loadFailed') {
      process.stderr.write(`${outcome.failure.details}\n`);
      return failed(outcome.failure.errorType, outcome.failure.errorMessage);
    }
    if (!outcome.module.hasHandler) {
      const message = handlerNotFound(entry, handler, outcome.module.exports);
      return failed('Runtime.HandlerNotFound', message);
    }
    const report = this.#nextReport<InvocationReport>();
    this.#child.send({ event, requestId, functionArn, timeoutMs }, ignoreError);
    const killed = () => this.#kill();
    kill?.addEventListener('abort', killed);
    const settled = await within(timeoutMs, Promise.race([report, this.#ended]));
    kill?.removeEventListener('abort', killed);
    if (settled === undefined) {
      // What the client does when it has the answer must not meet the process.
      await this.close();
      const seconds = (timeoutMs / 1000).toFixed(2);
      return failed('Sandbox.Timedout', `${requestId} Task timed out after ${seconds} seconds`);
    }
    if (settled.type === 'ended') {
      return failed('Runtime.ExitError', `RequestId: ${requestId} Error: ${settled.reason}`);
    }
    return settled.type === 'error'
      ? settled
      : { type: 'response', payload: JSON.parse(settled.json) };
  }

  /** Ends the process, whatever it is doing, and waits until it is gone. */
  async close(): Promise<void> {
    this.#kill();
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #load(): Promise<LoadReport> {
    const outcome = await within(
      LOAD_TIMEOUT_MS,
      Promise.race([this.#nextReport<LoadReport>(), this.#ended]),
    );
    this.#loadMs = performance.now() - this.#startedAt;
    if (outcome?.type === 'loaded') {
      return outcome;
    }
    // The loader remembers a failure, so only a new process can try again.
    this.#kill();
    const { entry } = this.#options;
    if (outcome === undefined) {
      const details = `"${entry}" did not finish loading within ${LOAD_TIMEOUT_MS / 1000} seconds.`;
      return loadFailed('Sandbox.Timedout', details);
    }
    if (outcome.type === 'ended') {
      const details = `The process ended while it loaded "${entry}": ${outcome.reason}.`;
      return loadFailed('Runtime.ExitError', details);
    }
    return outcome;
  }

  #nextReport<T extends LoadReport | InvocationReport>(): Promise<T> {
    return new Promise((resolve) => {
      this.#child.once('message', (report) => resolve(report as T));
    });
  }

  #kill(): void {
    this.#isUsable = false;
    this.#child.kill('SIGKILL');
  }
}

/** What is wrong with a module that lacks the handler, and what it has instead. */
export function handlerNotFound(
  entry: string,
  handler: string,
  exports: readonly string[],
): string {
  const found =
    exports.length === 0
      ? 'It exports nothing.'
      : `It exports ${exports.map((name) => `"${name}"`).join(', ')}.`;
  return `"${entry}" does not export a function "${handler}". ${found}`;
}

function failed(errorType: string, errorMessage: string): InvocationResult {
  return { type: 'error', errorType, errorMessage };
}

function loadFailed(errorType: string, details: string): LoadReport {
  return { type: 'loadFailed', failure: { errorType, errorMessage: details, details } };
}

// Lambda has the words of Linux. V8 aborts a process whose heap is full.
const signalNames: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGABRT: 'aborted',
  SIGKILL: 'killed',
  SIGSEGV: 'segmentation fault',
  SIGTERM: 'terminated',
};

/** As Lambda words it. */
function endingReason(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) {
    return `Runtime exited with error: signal: ${signalNames[signal] ?? signal}`;
  }
  return code === 0
    ? 'Runtime exited without providing a reason'
    : `Runtime exited with error: exit status ${code}`;
}

/** What a promise comes to; `undefined` when the time is over before. */
async function within<T>(limitMs: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limitMs);
  });
  try {
    return await Promise.race([promise, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}

// A process that dies while it is written to is reported by its end.
function ignoreError(): void {}

const running = new Set<ChildProcess>();

function killRunning(): void {
  for (const child of running) {
    child.kill('SIGKILL');
  }
}

/** A process that loses its channel ends by itself, unless it is busy; this covers a busy one. */
function endWithThisProcess(child: ChildProcess): void {
  if (running.size === 0) {
    process.on('exit', killRunning);
  }
  running.add(child);
  child.once('exit', () => {
    running.delete(child);
    if (running.size === 0) {
      process.off('exit', killRunning);
    }
  });
}
