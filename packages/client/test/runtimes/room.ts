import { eventId, formatPosition, parsePosition } from '@gatecast/protocol';
import { vi } from 'vitest';
import {
  acceptSubscriptions,
  type ReceivedFrame,
  type ServerConnection,
  TestingServer,
} from '../testing-server.js';

/** How long to wait for what must come: a busy machine is not a failure. */
export const PATIENCE = { timeout: 20_000, interval: 50 };

/** A server with one room: whoever is there is told what anyone posts. */
export class Room implements AsyncDisposable {
  /** The texts of the posts that came: `hello`, and `hello (again)` when the same message comes again. */
  readonly posts: string[] = [];
  /** Whether posts are answered and told to the others. */
  isAnswering = true;
  /** A post with this text is not answered: its connection is cut, the first time it comes. */
  cutsAt: string | undefined;
  readonly #server: TestingServer;
  readonly #visitors = new Set<ServerConnection>();
  readonly #ids = new Map<string, string>();
  #log: object[] | undefined;
  #published = 0;

  private constructor(server: TestingServer) {
    this.#server = server;
    server.script = (frame, connection) => this.#receive(frame, connection);
  }

  static async open(): Promise<Room> {
    return new Room(await TestingServer.start());
  }

  get url(): string {
    return this.#server.url;
  }

  /** How many connections there were so far. */
  get connections(): number {
    return this.#server.connections.length;
  }

  /** How many handshakes there were, refused ones included. */
  get handshakes(): number {
    return this.#server.handshakes.length;
  }

  /** The tokens of all handshakes. */
  get tokens(): string[] {
    return this.#server.handshakes
      .flat()
      .filter((protocol) => protocol.startsWith('gatecast.token.'))
      .map((protocol) => Buffer.from(protocol.slice(15), 'base64url').toString());
  }

  /** Waits until so many connections are open, each with a subscription. */
  async has(visitors: number): Promise<void> {
    await vi.waitFor(() => {
      const open = this.#server.connections.filter(({ closeCode }) => closeCode === undefined);
      const there = this.#visitors.size;
      if (open.length === visitors && there === visitors) return;
      throw new Error(
        `${open.length} connections are open, ${there} of them with a subscription; ${visitors} were expected.`,
      );
    }, PATIENCE);
  }

  /** From now on keeps its events: whoever comes with a position gets those after it. */
  keepHistory(): void {
    this.#log = [];
  }

  publish(text: string): void {
    this.#published += 1;
    this.#tell(text, `published-${this.#published}`);
  }

  /** Ends every connection without a farewell, as a network does that goes away. */
  cut(): void {
    for (const { webSocket } of this.#server.connections) webSocket.terminate();
  }

  /** Reads nothing more that comes, not even that someone wants to close, as a network that swallows it. */
  hush(): void {
    for (const { webSocket } of this.#server.connections) webSocket.pause();
  }

  /** Cuts every connection, and refuses new ones until `reopen()`. */
  shut(): void {
    this.#server.refuseWith = 503;
    this.cut();
  }

  /** From now on accepts no sub-protocol, as an API whose `$connect` runs no function. */
  acceptNoSubprotocol(): void {
    this.#server.acceptsSubprotocols = false;
  }

  reopen(): void {
    this.#server.refuseWith = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  #receive(frame: ReceivedFrame, connection: ServerConnection): void {
    const [channel] = frame.channels ?? [];
    if (frame.action === 'subscribe' && this.#log) {
      const { position } = channel as { readonly position?: string };
      connection.reply(frame.id, { channels: [this.#outcome(position)] });
    } else acceptSubscriptions(frame, connection);
    switch (frame.action) {
      case 'subscribe':
        this.#visitors.add(connection);
        connection.webSocket.once('close', () => this.#visitors.delete(connection));
        return;
      case 'unsubscribe':
        this.#visitors.delete(connection);
        return;
      case 'ping':
        connection.send({ type: 'pong' });
        return;
      default:
        this.#take(frame, connection);
    }
  }

  #take(frame: ReceivedFrame, connection: ServerConnection): void {
    const { id, attempt = 1 } = frame;
    const { text } = frame.data as { readonly text: string };
    const known = this.#ids.get(text);
    this.#ids.set(text, id);
    if (known === undefined) this.posts.push(text);
    else if (known !== id) this.posts.push(`${text} (as another message)`);
    else this.posts.push(`${text} (again${attempt > 1 ? '' : ', as if new'})`);
    if (known === undefined && text === this.cutsAt) {
      connection.webSocket.terminate();
      return;
    }
    if (!this.isAnswering) return;
    this.#tell(text, eventId('rooms/1', id, 0));
    connection.reply(id);
  }

  /** The answer to a subscription. */
  #outcome(position: string | undefined): object {
    const log = this.#log ?? [];
    const outcome = { channel: 'rooms/1', position: positionOf(log.length) };
    const offset = parsePosition(position)?.offset;
    if (offset === undefined) return { ...outcome, result: 'live' };
    return { ...outcome, result: 'resumed', events: log.slice(offset) };
  }

  #tell(text: string, id: string): void {
    const event = { event: 'message', data: { text }, id, at: Date.now() };
    const kept = this.#log && { ...event, position: positionOf(this.#log.length + 1) };
    if (kept) this.#log?.push(kept);
    for (const visitor of this.#visitors) {
      visitor.send({ type: 'event', channel: 'rooms/1', ...(kept ?? event) });
    }
  }
}

/** The position of an event of the room, counted from 1; 0 is the beginning. */
function positionOf(offset: number): string {
  return formatPosition({
    epoch: 'epoch-1_____',
    offset,
    tag: offset === 0 ? '' : `tag${offset}`,
  });
}
