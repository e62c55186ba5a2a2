import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import https from 'node:https';
import { createSecureContext } from 'node:tls';
import { type TimeLimit, timeLeftMs } from '../../time/time-limit.js';
import { onAbort } from '../on-abort.js';
import type { Endpoint } from './endpoint.js';

/** How long API Gateway may take for one answer, from the moment on that the request has a socket. */
const ANSWER_MS = 3_000;
const MOST_SOCKETS = 128;
/** How much is read of the text of an error. */
const MOST_TEXT = 4_096;

/** One request. */
export interface TransportRequest {
  readonly method: 'POST' | 'DELETE';
  readonly path: string;
  /** All headers: names and values in turns. */
  readonly headers: readonly string[];
  readonly body: string;
}

/** What was answered. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The beginning of the body of an error, else nothing. */
  readonly text: string;
}

/** Why there was no answer. */
export interface NoAnswer {
  /** Code of the operating system or of Node: `ECONNREFUSED`; `ETIMEDOUT` when the time was up. */
  readonly code: string;
}

/**
 * Sends a request, again if its socket had been closed meanwhile.
 *
 * @param make - Makes the request, just before it is sent.
 *
 * @throws unknown - what `make` throws.
 */
export type Transport = (
  make: () => TransportRequest,
  limit: TimeLimit,
) => Promise<Answer | NoAnswer>;

/** Makes what sends requests to one endpoint, over sockets that are kept open. */
export function makeTransport({ isSecure, hostname, port }: Endpoint): Transport {
  // In an ES module an import of node:http loads undici too, which takes 40 ms of a cold start.
  const { Agent, request } = isSecure ? https : process.getBuiltinModule('node:http');
  const agent = new Agent({
    keepAlive: true,
    scheduling: 'lifo',
    maxSockets: MOST_SOCKETS,
    // Else each socket makes one of its own: a fifth of what it costs to open it.
    ...(isSecure && { secureContext: createSecureContext() }),
  });
  // All its sockets lead to one place; putting their name together is a tenth of a post over TLS.
  agent.getName = () => hostname;
  const open = ({ method, path, headers }: TransportRequest): ClientRequest =>
    request({ agent, hostname, port, method, path, headers });
  const afterReading = makeAfterReading();
  return async (make, limit) => {
    await afterReading();
    if (timeLeftMs(limit) === 0) return { code: 'ETIMEDOUT' };
    const toSend = make();
    return new Promise((resolve) => {
      const exchange = (): void => {
        new Exchange(open(toSend), { limit, again: exchange, resolve }).send(toSend.body);
      };
      exchange();
    });
  };
}

/**
 * Waits until the answers that have arrived are read. Requests that are then made and sent one after the
 * other take a third less time than each between the reading of two answers.
 */
function makeAfterReading(): () => Promise<void> {
  let waiting: Promise<void> | undefined;
  return () => {
    waiting ??= new Promise((resolve) => {
      setImmediate(() => {
        waiting = undefined;
        resolve();
      });
    });
    return waiting;
  };
}

interface ExchangeOptions {
  readonly limit: TimeLimit;
  readonly again: () => void;
  readonly resolve: (answer: Answer | NoAnswer) => void;
}

/** One request and what came of it. */
class Exchange {
  readonly #request: ClientRequest;
  readonly #options: ExchangeOptions;
  #response: IncomingMessage | undefined;
  #text = '';
  /** Three seconds after it was given a socket. */
  #answerBy: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;
  #stopListening = (): void => {};

  constructor(request: ClientRequest, options: ExchangeOptions) {
    this.#request = request;
    this.#options = options;
  }

  send(body: string): void {
    const request = this.#request;
    request.on('error', (error: NodeJS.ErrnoException) => this.#fail(error.code ?? error.name));
    request.on('response', (response) => this.#read(response));
    request.on('socket', () => {
      this.#answerBy = Date.now() + ANSWER_MS;
    });
    request.end(body);
    this.#wait();
    this.#stopListening = onAbort(this.#options.limit.signal, this.#giveUp);
  }

  /** Gives up in time. Most posts have a socket at once, so that one timer does for them. */
  #wait(): void {
    const answerBy = this.#answerBy ?? Date.now() + ANSWER_MS;
    const endsAt = Math.min(answerBy, this.#options.limit.endsAt ?? Infinity);
    this.#timer = setTimeout(this.#checkTime, Math.max(0, endsAt - Date.now()));
  }

  readonly #checkTime = (): void => {
    const isLate = Date.now() >= (this.#answerBy ?? Infinity);
    if (isLate || timeLeftMs(this.#options.limit) === 0) this.#giveUp();
    else this.#wait();
  };

  readonly #giveUp = (): void => {
    // A status that came in time stands, although its body did not.
    if (this.#response) this.#finish();
    else this.#end({ code: 'ETIMEDOUT' });
    this.#request.destroy();
  };

  #read(response: IncomingMessage): void {
    this.#response = response;
    // It comes after the body's end, too, and by then the agent can give the socket to the next post.
    response.on('close', this.#finish);
    if ((response.statusCode ?? 0) < 300) {
      response.resume();
      return;
    }
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      this.#text += chunk.slice(0, MOST_TEXT - this.#text.length);
      if (this.#text.length < MOST_TEXT) return;
      this.#finish();
      this.#request.destroy();
    });
  }

  readonly #finish = (): void => {
    const { statusCode = 0, headers = {} } = this.#response ?? {};
    this.#end({ status: statusCode, headers, text: this.#text });
  };

  #fail(code: string): void {
    if (this.#response) return this.#finish();
    // API Gateway closed the socket while it was idle: it never read this request.
    const isStale = this.#request.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE');
    if (!isStale || this.#isOver || timeLeftMs(this.#options.limit) === 0) {
      this.#end({ code });
      return;
    }
    this.#release();
    this.#options.again();
  }

  #end(answer: Answer | NoAnswer): void {
    if (this.#isOver) return;
    this.#release();
    this.#options.resolve(answer);
  }

  #release(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#stopListening();
  }
}
