/** A message, which goes again under its id until it is answered. */
export interface OutgoingMessage {
  readonly id: string;
  readonly channel: string;
  readonly data: unknown;
  /** When it was sent for the first time. */
  readonly since: number;
}

/** What an outbox needs of its client. */
export interface OutboxHost {
  now(): number;
  after(delayMs: number, work: () => void): void;
  below(end: number): number;
  /** `answer` gets the data of the reply, or the code of an error. */
  request(
    frame: Readonly<Record<string, unknown>> & { readonly id: string },
    answer: (data: unknown, code: string | undefined) => void,
  ): void;
  /** A message is sent, for the first time or again. */
  sending(message: OutgoingMessage, isAgain: boolean): void;
}

const RESEND_WITHIN_MS = 300_000;
/** Errors after which a message cannot succeed. */
const FINAL = new Set(['ERR_VALIDATION', 'ERR_FORBIDDEN', 'ERR_TOO_LARGE']);

/** The messages of a client: one at a time, and again under the same id after a reconnect. */
export class Outbox {
  readonly #host: OutboxHost;
  readonly #waiting: OutgoingMessage[] = [];
  readonly #sent = new Set<string>();
  #isConnected = false;
  #inFlight: OutgoingMessage | undefined;

  constructor(host: OutboxHost) {
    this.#host = host;
  }

  add(message: OutgoingMessage): void {
    this.#waiting.push(message);
    this.#sendNext();
  }

  connected(): void {
    this.#isConnected = true;
    this.#sendNext();
  }

  disconnected(): void {
    this.#isConnected = false;
    this.#inFlight = undefined;
  }

  /** Sends a message again although it may have been answered. */
  repeat(message: OutgoingMessage): void {
    if (this.#isConnected) this.#send(message, () => {});
  }

  #sendNext(): void {
    if (!this.#isConnected || this.#inFlight) return;
    const now = this.#host.now();
    while (this.#waiting[0] && now > this.#waiting[0].since + RESEND_WITHIN_MS) {
      this.#waiting.shift();
    }
    const [message] = this.#waiting;
    if (!message) return;
    this.#inFlight = message;
    this.#send(message, (code) => {
      if (this.#inFlight !== message) return;
      this.#inFlight = undefined;
      if (code === undefined || FINAL.has(code)) {
        this.#waiting.shift();
        this.#sendNext();
      } else {
        this.#host.after(200 + this.#host.below(3_000), () => this.#sendNext());
      }
    });
  }

  #send(message: OutgoingMessage, answer: (code: string | undefined) => void): void {
    const { id, channel, data } = message;
    this.#host.sending(message, this.#sent.has(id));
    this.#sent.add(id);
    this.#host.request({ action: 'rooms.post', id, channel, data }, (_data, code) => answer(code));
  }
}
