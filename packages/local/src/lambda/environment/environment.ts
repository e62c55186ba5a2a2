import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { MAX_TIMER_MS } from '@gatecast/framework/adapter';
import type { Invocation, InvocationResult } from '../../gateway/lambda-function.js';
import type { FunctionConfiguration } from '../function.js';
import {
  type InvocationReport,
  type InvokeRequest,
  type LoadReport,
  MESSAGES_FD,
  MessagePipe,
  type Report,
} from './ipc.js';

// Always in `dist`, even if this file runs from `src`, because a child process cannot run TypeScript.
const PROCESS_FILE = fileURLToPath(
  new URL('../../../dist/lambda/environment/process.js', import.meta.url),
);

// A function is the head of a process group, so that the processes that it starts end with it. On Windows
// there are no groups, and a detached process has a window of its own.
const HAS_GROUPS = process.platform !== 'win32';

// AWS: "Lambda execution environment lifecycle", Init phase.
const LOAD_TIMEOUT_MS = 10_000;

interface Ending {
  readonly type: 'ended';
  readonly reason: string;
}

type Outcome = LoadReport | InvocationReport | Ending;

/**
 * One Lambda execution environment: a child process that keeps the function's module loaded and
 * runs one invocation at a time. Unlike on Lambda, it is not frozen between invocations.
 */
export class Environment implements AsyncDisposable {
  readonly #configuration: FunctionConfiguration;
  readonly #child: ChildProcess;
  readonly #pipe: MessagePipe<InvokeRequest, Report>;
  readonly #ended: Promise<string | undefined>;
  readonly #loaded: Promise<LoadReport>;
  readonly #startedAt = performance.now();
  #isUsable = true;
  #ending: Ending | undefined;
  /** Takes the next report, or the end of the process; `undefined` between two invocations. */
  #onOutcome: ((outcome: Outcome) => void) | undefined;
  #loadMs: number | undefined;

  private constructor(configuration: FunctionConfiguration, bundleFile: string) {
    this.#configuration = configuration;
    const { handler, variables, memoryMb, inspect, quiet, hasSourceMaps = true } = configuration;
    const errors = quiet === true ? 'ignore' : 'inherit';
    const isOnStderr = configuration.output === 'stderr' && errors === 'inherit';
    const output = isOnStderr ? process.stderr.fd : errors;
    const nodeOptions = [
      ...(hasSourceMaps ? ['--enable-source-maps'] : []),
      `--max-old-space-size=${memoryMb}`,
      ...(inspect === undefined ? [] : [`--inspect=${inspect}`]),
    ];
    const { apis } = configuration;
    const args = [...nodeOptions, PROCESS_FILE, bundleFile, handler];
    if (apis) args.push(JSON.stringify(apis.known));
    this.#child = spawn(process.execPath, args, {
      env: variables,
      cwd: configuration.currentFolder,
      stdio: ['ignore', output, errors, 'pipe', 'pipe'],
      detached: HAS_GROUPS,
    });
    const pipe = this.#child.stdio[MESSAGES_FD] as Duplex;
    this.#pipe = new MessagePipe(pipe, (report) => {
      if (report.type === 'otherApi') apis?.onOtherApi(report.host);
      else this.#onOutcome?.(report);
    });
    endWithThisProcess(this.#child);
    this.#ended = new Promise((resolve) => {
      const end = (reason: string): void => {
        const wasIdle = this.#isUsable && this.#onOutcome === undefined;
        this.#isUsable = false;
        this.#ending = { type: 'ended', reason };
        this.#onOutcome?.(this.#ending);
        resolve(wasIdle ? reason : undefined);
      };
      this.#child.once('exit', (code, signal) => {
        killGroup(this.#child);
        end(endingReason(code, signal));
      });
      this.#child.once('error', (error) => end(error.message));
    });
    this.#loaded = this.#load();
  }

  /** Starts the process and loads the bundled module. */
  static start(configuration: FunctionConfiguration, bundleFile: string): Environment {
    return new Environment(configuration, bundleFile);
  }

  /** Whether it can run another invocation. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  /**
   * Resolves when the process has ended: with the reason if it ended by itself between two invocations.
   * Never rejects.
   */
  get ended(): Promise<string | undefined> {
    return this.#ended;
  }

  /** The process's id; `undefined` if it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Waits until the module is loaded. Never rejects. */
  load(): Promise<LoadReport> {
    return this.#loaded;
  }

  /** Runs one invocation. Never rejects. The next one must wait until this one has ended. */
  async invoke(event: object, invocation: Invocation): Promise<InvocationResult> {
    const isCold = this.#loadMs === undefined;
    const result = await this.#invoke(event, invocation);
    return isCold ? { ...result, coldStartMs: this.#loadMs } : result;
  }

  async #invoke(event: object, { requestId, kill }: Invocation): Promise<InvocationResult> {
    const { entry, functionArn, handler, timeoutMs } = this.#configuration;
    const loaded = await this.#loaded;
    if (loaded.type === 'loadFailed') {
      process.stderr.write(`${loaded.failure.details}\n`);
      return failed(loaded.failure.errorType, loaded.failure.errorMessage);
    }
    if (!loaded.module.hasHandler) {
      const message = handlerNotFound(entry, handler, loaded.module.exports);
      return failed('Runtime.HandlerNotFound', message);
    }
    const killed = () => this.#kill();
    try {
      // A kill may have been due while the invocation waited for this environment: then it never begins.
      if (kill?.aborted === true) killed();
      else this.#pipe.send({ event, requestId, functionArn, timeoutMs });
    } catch (error) {
      return failed('Runtime.MarshalError', `The event cannot be passed on: ${String(error)}`);
    }
    kill?.addEventListener('abort', killed);
    const outcome = await this.#next<InvocationReport>(timeoutMs);
    kill?.removeEventListener('abort', killed);
    if (outcome === undefined) {
      // End the process before the client gets the answer and can send the next request.
      await this.close();
      const seconds = (timeoutMs / 1000).toFixed(2);
      return failed('Sandbox.Timedout', `${requestId} Task timed out after ${seconds} seconds`);
    }
    if (outcome.type === 'ended') {
      return failed('Runtime.ExitError', `RequestId: ${requestId} Error: ${outcome.reason}`);
    }
    if (outcome.type === 'error') return outcome;
    const { json, ...rest } = outcome;
    return { ...rest, payload: JSON.parse(json) };
  }

  /** Ends the process at once, and waits until it is gone. */
  async close(): Promise<void> {
    this.#kill();
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #load(): Promise<LoadReport> {
    const { entry, inspect } = this.#configuration;
    const limitMs = inspect === undefined ? LOAD_TIMEOUT_MS : MAX_TIMER_MS;
    const outcome = await this.#next<LoadReport>(limitMs);
    this.#loadMs = performance.now() - this.#startedAt;
    if (outcome?.type === 'loaded') {
      return outcome;
    }
    // The module loader caches a failure, so only a new process can try again.
    this.#kill();
    if (outcome === undefined) {
      const details = `"${entry}" did not finish loading within ${limitMs / 1000} seconds.`;
      return loadFailed('Sandbox.Timedout', details);
    }
    if (outcome.type === 'ended') {
      const details = `The process ended while it loaded "${entry}": ${outcome.reason}.`;
      return loadFailed('Runtime.ExitError', details);
    }
    return outcome;
  }

  /**
   * The next report, or the end of the process; `undefined` if the time is over first. Not a race with a
   * promise that lives as long as the process, because that would keep every report until then.
   */
  #next<T extends LoadReport | InvocationReport>(limitMs: number): Promise<T | Ending | undefined> {
    return new Promise((resolve) => {
      const settle = (outcome: Outcome | undefined) => {
        clearTimeout(timer);
        this.#onOutcome = undefined;
        resolve(outcome as T | Ending | undefined);
      };
      const timer = setTimeout(settle, limitMs, undefined);
      this.#onOutcome = settle;
      if (this.#ending) settle(this.#ending);
    });
  }

  #kill(): void {
    this.#isUsable = false;
    // After its end, its id may belong to another process.
    if (running.has(this.#child)) killGroup(this.#child);
  }
}

/** The message about a module without the handler, with the names of its exports. */
export function handlerNotFound(
  entry: string,
  handler: string,
  exports: readonly string[],
): string {
  const found =
    exports.length === 0
      ? 'It exports nothing.'
      : `It exports ${exports.map((name) => `"${name}"`).join(', ')}.`;
  const remedy = exports.includes(handler)
    ? `Its "${handler}" is not a function: in a Gatecast app, write export const ${handler} = app.handler;`
    : `Lambda calls an export with that name: in a Gatecast app, add export const ${handler} = app.handler;`;
  return `"${entry}" does not export a function "${handler}". ${found}\n${remedy}`;
}

function failed(errorType: string, errorMessage: string): InvocationResult {
  return { type: 'error', errorType, errorMessage };
}

function loadFailed(errorType: string, details: string): LoadReport {
  return { type: 'loadFailed', failure: { errorType, errorMessage: details, details } };
}

// Lambda uses Linux's names of signals. V8 aborts a process whose heap is full.
const signalNames: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGABRT: 'aborted',
  SIGKILL: 'killed',
  SIGSEGV: 'segmentation fault',
  SIGTERM: 'terminated',
};

/** The reason in Lambda's words. */
function endingReason(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) {
    return `Runtime exited with error: signal: ${signalNames[signal] ?? signal}`;
  }
  return code === 0
    ? 'Runtime exited without providing a reason'
    : `Runtime exited with error: exit status ${code}`;
}

const running = new Set<ChildProcess>();

function killRunning(): void {
  for (const child of running) killGroup(child);
}

/** Ends a process, and those that it has started. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(HAS_GROUPS ? -child.pid : child.pid, 'SIGKILL');
  } catch {
    // All of them have ended.
  }
}

/** If this process is killed, the child's own watch ends the child. */
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
