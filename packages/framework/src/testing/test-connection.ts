import { randomUUID } from 'node:crypto';
import type {
  ByeFrame,
  ChannelToSubscribe,
  ErrorFrame,
  EventFrame,
  ReplyFrame,
  ServerFrame,
  SubscribeReply,
} from '@gatecast/protocol';
import type { AuthorizerValues } from './events.js';

/** Connects a {@link TestConnection} to its app. */
export interface TestLink {
  /** Sends a text frame and returns the frames that came back. */
  send(connection: TestConnection, text: string): Promise<readonly string[]>;
  disconnect(connection: TestConnection, code: number, reason: string): Promise<void>;
}

/** The client's side of a connection to a test app. @group Start here */
export class TestConnection {
  /** `connectionId` of API Gateway. */
  readonly id: string;
  /** When it was opened, in milliseconds since 1970. */
  readonly connectedAt: number;
  /** Headers of the response to the handshake. */
  readonly headers: Readonly<Record<string, string>>;
  /** Every frame that arrived, in order. */
  readonly received: ServerFrame[] = [];
  /** The context from the deployed authorizer. @internal */
  readonly authorizer: AuthorizerValues | undefined;
  isOpen = true;
  readonly #link: TestLink;

  /** @internal */
  constructor(
    opened: Pick<TestConnection, 'id' | 'connectedAt' | 'headers' | 'authorizer'>,
    link: TestLink,
  ) {
    this.id = opened.id;
    this.connectedAt = opened.connectedAt;
    this.headers = opened.headers;
    this.authorizer = opened.authorizer;
    this.#link = link;
  }

  /** The events that arrived, in order. */
  get events(): readonly EventFrame[] {
    return this.received.filter((frame) => frame.type === 'event');
  }

  /** The `bye` frame, if one arrived. */
  get bye(): ByeFrame | undefined {
    return this.received.find((frame) => frame.type === 'bye');
  }

  /**
   * Sends any text, or an object as JSON. Returns the frame that came back, if any.
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
   * Sends a message with a new id: `send('rooms.post', 'rooms/42', { text })`. Returns the reply or the
   * error. For a one-way route, which does not answer, use {@link sendOneWay}.
   *
   * @throws Error - if the connection is closed or there is no answer.
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
   * Subscribes to channels, each a name or an entry of the frame: `{ channel, position, rewind }`. Returns one
   * outcome for each, in the same order.
   *
   * @throws Error - if the whole frame is refused or the connection is closed.
   */
  async subscribe(
    ...channels: readonly (string | ChannelToSubscribe)[]
  ): Promise<SubscribeReply['channels']> {
    const frame = {
      action: 'subscribe',
      id: randomUUID(),
      channels: channels.map((channel) => (typeof channel === 'string' ? { channel } : channel)),
    };
    const answer = await this.sendFrame(frame);
    if (answer?.type !== 'reply')
      throw new Error(`The subscribe frame was refused: ${JSON.stringify(answer)}`);
    return (answer.data as SubscribeReply).channels;
  }

  /**
   * Closes the connection from the client's side: the app gets `$disconnect`. Does nothing if it is
   * closed already.
   *
   * @param code - Close code. @default 1005, as API Gateway reports if the client sends none
   * @param reason - Reason of the close. @default ''
   */
  async disconnect(code = 1005, reason = ''): Promise<void> {
    await this.#link.disconnect(this, code, reason);
  }
}

/** Parses a frame of the server. */
export function parseFrame(text: string): ServerFrame {
  return JSON.parse(text) as ServerFrame;
}
