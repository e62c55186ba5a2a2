import type { LogServer } from './server.js';
import { isVisible } from './true-log.js';
import type { LogWorld } from './world.js';

interface Message {
  readonly n: number;
  readonly channel: string;
  outcome?: 'resolved' | 'not sent' | 'unknown';
}

/** The rules for messages: each leads to one event, and those of a channel in the order of sending. */
export class MessageRules {
  readonly #world: LogWorld;
  readonly #all: Message[] = [];
  readonly #handled: number[] = [];

  constructor(world: LogWorld) {
    this.#world = world;
  }

  /** Sends one, and notes what becomes of it. */
  send(channel: string, send: (data: { readonly n: number }) => Promise<unknown>): void {
    const message: Message = { n: this.#all.length + 1, channel };
    this.#all.push(message);
    this.#world.note('send()', message.n, channel);
    send({ n: message.n }).then(
      (answer) => {
        message.outcome = 'resolved';
        const { echo } = Object(answer) as { readonly echo?: unknown };
        if (echo !== message.n) this.#fails('a wrong answer', `${message.n}: ${String(echo)}`);
        if (!this.#handled.includes(message.n)) {
          this.#fails('a message lost', `${message.n} is resolved, and was not handled.`);
        }
      },
      (error: unknown) => {
        const { code } = Object(error) as { readonly code?: unknown };
        this.#world.note('send() rejected', message.n, String(code));
        message.outcome = code === 'ERR_NOT_SENT' ? 'not sent' : 'unknown';
      },
    );
  }

  /** The server handles a frame with an id that it does not know. */
  handled(n: number): void {
    if (this.#handled.includes(n)) this.#fails('a message twice', `Message ${n}, by two ids.`);
    this.#handled.push(n);
    if (this.#all[n - 1]?.outcome === 'not sent') {
      this.#fails('a message lost', `${n} was said not to be sent.`);
    }
  }

  /** Nothing has gone wrong for long. */
  check({ logs }: LogServer): void {
    for (const { n, channel, outcome } of this.#all) {
      if (outcome) continue;
      this.#fails('an answer comes too late', `send() of ${n} on "${channel}".`);
    }
    for (const [channel, log] of logs) {
      const own = log.entries.filter(isVisible).flatMap(({ body }) => {
        const { n } = body.data as { readonly n: number };
        return n > 0 && this.#all[n - 1]?.outcome === 'resolved' ? [n] : [];
      });
      const sorted = own.toSorted((a, b) => a - b);
      if (own.join() === sorted.join()) continue;
      this.#fails('messages out of order', `${own.join()} in the log of "${channel}".`);
    }
  }

  /** The page is loaded again: what it has sent is forgotten. */
  forget(): void {
    for (const message of this.#all) message.outcome ??= 'unknown';
  }

  #fails: LogWorld['fails'] = (kind, text) => this.#world.fails(kind, text);
}
