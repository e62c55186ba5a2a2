import { randomUUID } from 'node:crypto';
import type {
  ByeFrame,
  ErrorFrame,
  EventFrame,
  ReplyFrame,
  ServerFrame,
  SubscribeReply,
} from '@gatecast/protocol';
import type { AuthorizerValues } from './events.js';

/** What a {@link TestConnection} sends through. */
export interface TestLink {
  /** Sends a text frame; returns the texts that came back for it. */
  send(connection: TestConnection, text: string): Promise<readonly string[]>;
  disconnect(connection: TestConnection, code: number, reason: string): Promise<void>;
}

/** One connection of a test app, seen from its client's side. */
export class TestConnection {
  /** `connectionId` of API Gateway. */
  readonly id: string;
  /** When it was opened, in milliseconds since 1970. */
  readonly connectedAt: number;
  /** Headers of the response that opened it. */
  readonly headers: Readonly<Record<string, string>>;
  /** Every frame that arrived, in order. */
  readonly received: ServerFrame[] = [];
  /** What the deployed authorizer put into the context. @internal */
  readonly authorizer: AuthorizerValues | undefined;
  /** Whether it is open. */
  isOpen = true;
  readonly #link: TestLink;

  /** @internal */
  constructor(
    facts: Pick<TestConnection, 'id' | 'connectedAt' | 'headers' | 'authorizer'>,
    link: TestLink,
  ) {
    this.id = facts.id;
    this.connectedAt = facts.connectedAt;
    this.headers = facts.headers;
    this.authorizer = facts.authorizer;
    this.#link = link;
  }

  /** The events that arrived, in order. */
  get events(): readonly EventFrame[] {
    return this.received.filter((frame) => frame.type === 'event');
  }

  /** The `bye` frame that arrived, if one did. */
  get bye(): ByeFrame | undefined {
    return this.received.find((frame) => frame.type === 'bye');
  }

  /**
   * Sends any text, or an object as JSON; returns the frame that came back, if one did.
   *
   * @throws Error - when the connection is closed.
   */
  async sendFrame(frame: unknown): Promise<ServerFrame | undefined> {
    const text = typeof frame === 'string' ? frame : JSON.stringify(frame);
    const answers = await this.#link.send(this, text);
    const parsed = answers.filter((answer) => answer !== '').map(parseFrame);
    this.received.push(...parsed);
    return parsed[0];
  }

  /**
   * Sends a message with an id of its own: `send('rooms.post', 'rooms/42', { text })`; returns the
   * reply or the error. Nothing comes back from a one-way route: use {@link sendOneWay}.
   *
   * @throws Error - when the connection is closed, or nothing comes back.
   */
  async send(action: string, channel: string, data?: unknown): Promise<ReplyFrame | ErrorFrame> {
    const answer = await this.sendFrame({ action, id: randomUUID(), channel, data });
    if (answer?.type === 'reply' || answer?.type === 'error') return answer;
    const why = this.bye ? ` The server said bye: ${this.bye.reason}` : '';
    throw new Error(`There was no answer to ${action}.${why}`);
  }

  /** Sends a message whose route has no answer. @throws Error - when the connection is closed. */
  async sendOneWay(action: string, channel: string, data?: unknown): Promise<void> {
    await this.sendFrame({ action, id: randomUUID(), channel, data });
  }

  /**
   * Subscribes to channels; returns one outcome each, in the order asked.
   *
   * @throws Error - when the frame as a whole is refused, or the connection is closed.
   */
  async subscribe(...channels: string[]): Promise<SubscribeReply['channels']> {
    const frame = {
      action: 'subscribe',
      id: randomUUID(),
      channels: channels.map((channel) => ({ channel })),
    };
    const answer = await this.sendFrame(frame);
    if (answer?.type !== 'reply')
      throw new Error(`The subscribe frame was refused: ${JSON.stringify(answer)}`);
    return (answer.data as SubscribeReply).channels;
  }

  /**
   * Closes the connection from the client's side: the app gets `$disconnect`. Does nothing when it
   * is closed.
   *
   * @param code - Close code. @default 1005, as API Gateway says of a client that gives none
   * @param reason - What goes with the code. @default ''
   */
  async disconnect(code = 1005, reason = ''): Promise<void> {
    await this.#link.disconnect(this, code, reason);
  }
}

/** Reads a frame of the server's. */
export function parseFrame(text: string): ServerFrame {
  return JSON.parse(text) as ServerFrame;
}
