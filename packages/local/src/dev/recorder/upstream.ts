import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ClientRequest, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream';
import type { SignedRequest } from '../../gateway/access/signature.js';

/** Headers of one connection, which are not passed on (RFC 9110, 7.6.1), and the length, which is set. */
const OF_CONNECTION = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** A request on its way. */
export interface PassedRequest {
  readonly request: SignedRequest;
  readonly response: ServerResponse;
  /** @default the answer stays as it is */
  readonly change: ((answer: string) => string) | undefined;
}

/** Passes requests on, over connections that stay open. */
export class Upstreams implements Disposable {
  readonly #http = new HttpAgent({ keepAlive: true });
  readonly #https = new HttpsAgent({ keepAlive: true });

  /**
   * Sends a request to the service at `endpoint` and its answer, which `change` may change, to the client.
   *
   * @throws Error if the service cannot be reached. Nothing is answered then.
   */
  async pass(endpoint: string, { response, request, change }: PassedRequest): Promise<void> {
    const answer = await this.#answerOf(endpoint, request, response);
    const headers = Object.entries(answer.headers).filter(
      ([name]) => !OF_CONNECTION.has(name) || name === 'content-length',
    );
    const head = Object.fromEntries(headers);
    const status = answer.statusCode ?? 502;
    if (change === undefined) {
      response.writeHead(status, head);
      // An answer that is cut off cuts the client off, too.
      pipeline(answer, response, () => {});
      return;
    }
    const text = change(Buffer.concat(await answer.toArray()).toString());
    response.writeHead(status, { ...head, 'content-length': Buffer.byteLength(text) }).end(text);
  }

  async #answerOf(
    endpoint: string,
    request: SignedRequest,
    response: ServerResponse,
  ): Promise<IncomingMessage> {
    try {
      return await this.#send(endpoint, request, response);
    } catch (error) {
      // The service closed the connection when the request was on its way. A new one is not reused.
      const { isReused } = error as { isReused?: boolean };
      if (isReused !== true || response.destroyed) throw error;
      return this.#answerOf(endpoint, request, response);
    }
  }

  #send(
    endpoint: string,
    { method, url, headers, body }: SignedRequest,
    response: ServerResponse,
  ): Promise<IncomingMessage> {
    const { protocol, hostname, port, pathname } = new URL(endpoint);
    const isSecure = protocol === 'https:';
    const options = {
      method,
      // Of an IPv6 address, without its brackets.
      hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
      port,
      path: pathname.replace(/\/$/, '') + url,
      agent: isSecure ? this.#https : this.#http,
      headers: {
        ...Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_CONNECTION.has(name))),
        'content-length': body.length,
      },
    };
    const sent = isSecure ? httpsRequest(options) : httpRequest(options);
    const giveUp = () => {
      if (!response.writableFinished) sent.destroy();
    };
    response.once('close', giveUp);
    sent.end(body);
    return answered(sent);
  }

  [Symbol.dispose](): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

function answered(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once('response', resolve);
    sent.once('error', (error) => reject(Object.assign(error, { isReused: sent.reusedSocket })));
  });
}
