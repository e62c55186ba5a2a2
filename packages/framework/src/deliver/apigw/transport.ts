import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import https from 'node:https';
import { createSecureContext } from 'node:tls';
import { type TimeLimit, timeLeftMs } from '../../time/time-limit.js';
import { onAbort } from '../on-abort.js';
import type { Endpoint } from './endpoint.js';

/** Time for one answer, from the moment when the request has a socket. */
const ANSWER_MS = 3_000;
const MOST_SOCKETS = 128;
/** How many characters of an error's body are read. */
const MOST_TEXT = 4_096;

/** One request. */
export interface TransportRequest {
  readonly method: 'POST' | 'DELETE';
  readonly path: string;
  /** All headers, as alternating names and values. */
  readonly headers: readonly string[];
  readonly body: string;
}

/** An answer with a status. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The beginning of an error's body; otherwise empty. */
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

/** Makes a transport to one endpoint, with sockets that are kept open. */
export function makeTransport({ isSecure, hostname, port }: Endpoint): Transport {
  // In an ES module an import of node:http loads undici too, which takes 40 ms of a cold start.
  const { Agent, request } = isSecure ? https : process.getBuiltinModule('node:http');
  const agent = new Agent({
    keepAlive: true,
    scheduling: 'lifo',
    maxSockets: MOST_SOCKETS,
    // Otherwise each socket makes its own: a fifth of the cost of opening it.
    ...(isSecure && { secureContext: createSecureContext() }),
  });
  // All sockets have the same name here, and making it would take a tenth of a post over TLS.
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
 * Waits until all answers that have arrived are read. It takes a third less time to make and send several
 * requests in a row than to read an answer before each of them.
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

/** One request with its answer. */
class Exchange {
  readonly #request: ClientRequest;
  readonly #options: ExchangeOptions;
  #response: IncomingMessage | undefined;
  #text = '';
  /** Three seconds after the request got a socket. */
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

  /** Gives up in time. Most posts have a socket at once, so they need only one timer. */
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
    // A status that came in time counts, even if its body did not.
    if (this.#response) this.#finish();
    else this.#end({ code: 'ETIMEDOUT' });
    this.#request.destroy();
  };

  #read(response: IncomingMessage): void {
    this.#response = response;
    // Also emitted after the end of the body, when the agent can already give the socket to the next
    // post.
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
    // API Gateway closed the socket while it was idle, so it never read this request.
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
