import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

/** A request to the control API. The headers are added to the correct ones. */
export interface ControlRequest {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer of the control API. */
export interface ControlAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly json: Record<string, unknown>;
}

/** Without `fetch`, which does not allow setting `Host`. */
export async function askControl(
  port: number,
  path: string,
  { method = 'GET', body, headers }: ControlRequest = {},
): Promise<ControlAnswer> {
  const asked = request({
    host: '127.0.0.1',
    port,
    path: `/@gatecast/${path}`,
    method,
    headers: { Host: `localhost:${port}`, 'Content-Type': 'application/json', ...headers },
  });
  asked.end(typeof body === 'string' ? body : body && JSON.stringify(body));
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  const isJson = response.headers['content-type'] === 'application/json';
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    json: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}

/** Server-sent events as they arrive. */
export class ControlStream implements AsyncDisposable {
  readonly entries: Record<string, unknown>[] = [];
  /** The last state that was sent. */
  state: Record<string, unknown> = {};
  readonly #abort = new AbortController();
  readonly #read: Promise<void>;

  constructor(port: number) {
    this.#read = this.#follow(`http://localhost:${port}/@gatecast/events`).catch(() => {});
  }

  async #follow(url: string): Promise<void> {
    const { body } = await fetch(url, { signal: this.#abort.signal });
    let text = '';
    for await (const chunk of body ?? []) {
      text += Buffer.from(chunk).toString();
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) this.#take(block);
    }
  }

  #take(block: string): void {
    const [, type, json = '{}'] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
    const data = JSON.parse(json) as Record<string, unknown>;
    if (type === 'entry') this.entries.push(data);
    if (type === 'state') this.state = data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#read;
  }
}
