import type { Duplex } from 'node:stream';

/**
 * File descriptor of the messages in an environment's process. It is not Node's own channel, because a
 * function could use that through `process.send`, which Lambda does not have.
 */
export const MESSAGES_FD = 3;

/** File descriptor of a pipe that is only read to notice the end of the gateway. */
export const GATEWAY_FD = 4;

/** Every message begins with it, because a function may write to the pipe by mistake. */
const TAG = 'gatecast ';

/** One end of the pipe between the gateway and an environment's process: a line per message. */
export class MessagePipe<Sent, Received> {
  readonly #pipe: Duplex;

  constructor(pipe: Duplex, onMessage: (message: Received) => void) {
    this.#pipe = pipe;
    // The other process may end at any time. Its end is noticed elsewhere.
    pipe.on('error', () => {});
    pipe.setEncoding('utf8');
    let begun: string[] = [];
    pipe.on('data', (text: string) => {
      const [first = '', ...others] = text.split('\n');
      begun.push(first);
      for (const next of others) {
        const message = parsed(begun.join(''));
        begun = [next];
        if (message !== undefined) onMessage(message as Received);
      }
    });
  }

  /** @throws Error if the message cannot be written as JSON. */
  send(message: Sent): void {
    this.#pipe.write(`${TAG}${JSON.stringify(message)}\n`);
  }
}

/** The message in a line; `undefined` if it has none. */
function parsed(line: string): unknown {
  try {
    return line.startsWith(TAG) ? JSON.parse(line.slice(TAG.length)) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A request of the gateway to an environment's process. There is one at a time, so requests need no id.
 */
export interface InvokeRequest {
  readonly event: object;
  readonly requestId: string;
  readonly functionArn: string;
  readonly timeoutMs: number;
}

/** Everything that an environment's process tells the gateway. */
export type Report = LoadReport | InvocationReport | OtherApiReport;

/** The function connects to the host of an API that is not the gateway's. Sent once for each host. */
export interface OtherApiReport {
  readonly type: 'otherApi';
  readonly host: string;
}

/** The first report of an environment's process to the gateway. */
export type LoadReport =
  | { readonly type: 'loaded'; readonly module: LoadedModule }
  | { readonly type: 'loadFailed'; readonly failure: LoadFailure };

/** The outcome of an invocation. */
export type InvocationReport =
  | {
      readonly type: 'response';
      /** The return value of the handler as JSON. */
      readonly json: string;
      readonly refusedPost?: string | undefined;
      /** Why the authorizer of a Gatecast app has refused. */
      readonly reason?: string;
    }
  | {
      readonly type: 'error';
      readonly errorType: string;
      readonly errorMessage: string;
      readonly reason?: string;
    };

/** The contents of a function's module. */
export interface LoadedModule {
  /** Names of its exports; for a CommonJS module, the keys of `module.exports`. */
  readonly exports: readonly string[];
  readonly hasHandler: boolean;
  /** The manifest of the export `app`, or of the app whose handler is exported. */
  readonly manifest?: unknown;
}

/** Why a function's module could not be loaded. */
export interface LoadFailure {
  readonly errorType: string;
  readonly errorMessage: string;
  /** The error for a terminal: message, stack and cause. */
  readonly details: string;
}
