import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** What Redis answers. */
export type Reply = string | number | null | Error | readonly Reply[];

/**
 * A connection to Redis that sends one command after another. It uses no timers, because those of this thread
 * belong to the simulated world.
 */
export class RespClient {
  readonly #socket: Socket;
  readonly #waiting: ((reply: Reply) => void)[] = [];
  #received: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#read();
    });
  }

  /** @param path - Of the server's socket. */
  static async open(path: string): Promise<RespClient> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new RespClient(socket);
  }

  /** Sends a command. An error of Redis is thrown. */
  async send(...args: readonly (string | number | Buffer)[]): Promise<Reply> {
    const parts = args.map((arg) => (Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg))));
    const chunks = parts.flatMap((part) => [`$${part.length}\r\n`, part, '\r\n']);
    const text = [`*${parts.length}\r\n`, ...chunks].map((chunk) => Buffer.from(chunk as string));
    this.#socket.write(Buffer.concat(text));
    const reply = await new Promise<Reply>((resolve) => {
      this.#waiting.push(resolve);
    });
    if (reply instanceof Error) throw reply;
    return reply;
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(): void {
    for (;;) {
      const parsed = parse(this.#received, 0);
      if (!parsed) return;
      this.#received = this.#received.subarray(parsed.end);
      this.#waiting.shift()?.(parsed.reply);
    }
  }
}

interface Parsed {
  readonly reply: Reply;
  /** Where the next reply begins. */
  readonly end: number;
}

/** Reads one reply; `undefined` if it is not complete yet. Texts are in latin1, so that bytes survive. */
function parse(bytes: Buffer, start: number): Parsed | undefined {
  const lineEnd = bytes.indexOf('\r\n', start);
  if (lineEnd < 0) return undefined;
  const line = bytes.toString('latin1', start + 1, lineEnd);
  const next = lineEnd + 2;
  switch (bytes.toString('latin1', start, start + 1)) {
    case '+':
      return { reply: line, end: next };
    case '-':
      return { reply: new Error(line), end: next };
    case ':':
      return { reply: Number(line), end: next };
    case '$': {
      const length = Number(line);
      if (length < 0) return { reply: null, end: next };
      if (bytes.length < next + length + 2) return undefined;
      return { reply: bytes.toString('latin1', next, next + length), end: next + length + 2 };
    }
    default:
      return parseList(bytes, next, Number(line));
  }
}

function parseList(bytes: Buffer, start: number, length: number): Parsed | undefined {
  if (length < 0) return { reply: null, end: start };
  const list: Reply[] = [];
  let end = start;
  for (let index = 0; index < length; index += 1) {
    const member = parse(bytes, end);
    if (!member) return undefined;
    list.push(member.reply);
    end = member.end;
  }
  return { reply: list, end };
}
