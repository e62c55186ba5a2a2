import {
  type Client,
  type ClientChannel,
  type ClientOptions,
  createClient,
  type WebSocketConstructor,
} from '@gatecast/client';
import type { Random } from '../../simulation/src/world/random.js';
import type { RoomChannel } from './app/room.js';
import type { Diary, Line } from './diary.js';

/** What a page has as `localStorage`. */
export interface Texts {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** Of a client in Node or in a page. */
export interface MemberOptions extends Pick<ClientOptions, 'url' | 'storage'> {
  readonly WebSocket: WebSocketConstructor;
  readonly name: string;
  readonly channels: readonly string[];
  readonly random: Random;
  /** The lines that an earlier load of the page has written. */
  readonly past: readonly Line[];
  readonly diary: Diary;
  /** Where the ids of messages without an answer are kept across page loads. Without it, the client makes them. */
  readonly ids?: Texts;
}

/** Soon enough to notice a dead connection within a run of twenty seconds. */
const KEEP_ALIVE_MS = 3_000;
/** How many messages may wait for their answer. */
const MOST_WAITING = 20;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A client as an application has it: it writes down every event, and sends numbered messages. */
export class Member {
  readonly #options: MemberOptions;
  readonly #client: Client;
  readonly #rooms: ReadonlyMap<string, ClientChannel<RoomChannel>>;
  /** The number of the last message on each channel. */
  readonly #sent = new Map<string, number>();
  readonly #waiting = new Set<Promise<void>>();
  #talking: Promise<void> | undefined;
  #isOver = false;
  /** The id of the last event on each channel. */
  readonly tails: Record<string, string> = {};

  constructor(options: MemberOptions) {
    this.#options = options;
    const { url, WebSocket, storage, channels, past } = options;
    const keepAliveMs = KEEP_ALIVE_MS;
    this.#client = createClient({ url, WebSocket, keepAliveMs, ...(storage && { storage }) });
    // Otherwise it writes what it is refused to the console.
    this.#client.onRefused(() => {});
    for (const line of past) {
      if (line.is === 'sent') this.#sent.set(line.channel, line.n);
      if (line.is === 'event') this.tails[line.channel] = line.id;
    }
    this.#rooms = new Map(channels.map((channel) => [channel, this.#open(channel)]));
  }

  get isConnected(): boolean {
    return this.#client.state === 'connected';
  }

  /** Subscribes to every channel. A page that was loaded again goes on where it was. */
  async join(): Promise<void> {
    const { channels, past, diary } = this.#options;
    const known = new Set(past.map(({ channel }) => channel));
    for (const channel of channels) {
      if (!known.has(channel)) diary.write({ is: 'joined', channel, first: 1 });
    }
    this.#sendAgain();
    await Promise.all(channels.map((channel) => this.#subscribe(channel)));
  }

  /**
   * Leaves a channel, and comes back after `forMs`, for the latest few events as well.
   *
   * @param topOf - The offset of a channel's last event.
   */
  async leaveAndJoin(
    channel: string,
    { forMs, topOf }: { forMs: number; topOf: (channel: string) => Promise<number> },
  ): Promise<void> {
    const { diary, random } = this.#options;
    diary.write({ is: 'left', channel });
    await this.#roomOf(channel)
      .unsubscribe()
      .catch(() => {});
    await pause(forMs);
    const rewind = random.below(20);
    const firstOf = (top: number): number => Math.max(1, top - rewind + 1);
    for (;;) {
      diary.write({ is: 'joined', channel, first: firstOf(await topOf(channel)) });
      try {
        await this.#roomOf(channel).subscribe({ rewind });
        break;
      } catch {
        diary.write({ is: 'left', channel });
      }
    }
    diary.write({ is: 'settled', channel, latest: firstOf(await topOf(channel)) });
  }

  /** Sends messages, a few at once, until `stop`. */
  talk(): void {
    this.#talking = this.#talk();
  }

  /** Resolves when each of its messages has been answered or refused. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#talking;
    await Promise.all(this.#waiting);
  }

  /** Asks the server to end this connection. */
  async renew(): Promise<void> {
    const [channel = ''] = this.#options.channels;
    await this.#roomOf(channel).send('renew');
  }

  close(): void {
    this.#client.close();
  }

  #open(channel: string): ClientChannel<RoomChannel> {
    const { diary } = this.#options;
    const room = this.#client.channel<RoomChannel>(channel as `rooms/${string}`);
    room.on('said', ({ by, n }, { id, position }) => {
      diary.write({ is: 'event', channel, id, position, text: `${by} ${n}` });
      this.tails[channel] = id;
    });
    room.onReset(({ reason }) => diary.write({ is: 'reset', channel, reason }));
    return room;
  }

  #roomOf(channel: string): ClientChannel<RoomChannel> {
    const room = this.#rooms.get(channel);
    if (room) return room;
    throw new Error(`${this.#options.name} is not a member of "${channel}".`);
  }

  async #subscribe(channel: string): Promise<void> {
    const room = this.#roomOf(channel);
    while (!(await room.subscribe().catch(() => undefined))) await pause(100);
  }

  async #talk(): Promise<void> {
    const { channels, random } = this.#options;
    while (!this.#isOver) {
      await pause(random.between(400, 1_600));
      const channel = random.pick(channels);
      const count = random.between(1, 3);
      for (let left = count; left > 0 && this.#waiting.size < MOST_WAITING; left -= 1) {
        this.#say(channel);
      }
    }
  }

  #say(channel: string): void {
    const n = (this.#sent.get(channel) ?? 0) + 1;
    this.#sent.set(channel, n);
    const { ids, diary, name } = this.#options;
    const id = ids && crypto.randomUUID();
    if (id !== undefined) ids?.setItem(idKey(channel, n), id);
    diary.write({ is: 'sent', channel, n });
    this.#wait(this.#send(channel, { by: name, n }, id));
  }

  /** Sends what was not answered when the page was left, under the same ids. */
  #sendAgain(): void {
    const { ids, past, name: by } = this.#options;
    for (const line of past) {
      if (line.is !== 'sent') continue;
      const { channel, n } = line;
      const id = ids?.getItem(idKey(channel, n));
      if (id) this.#wait(this.#send(channel, { by, n }, id));
    }
  }

  #wait(sending: Promise<void>): void {
    const waiting = sending.finally(() => this.#waiting.delete(waiting));
    this.#waiting.add(waiting);
  }

  async #send(
    channel: string,
    said: { readonly by: string; readonly n: number },
    id: string | undefined,
  ): Promise<void> {
    const { diary, ids } = this.#options;
    const { n } = said;
    try {
      const options = id === undefined ? {} : { id };
      const answer = await this.#roomOf(channel).send('say', said, options);
      const { position, duplicate: isDuplicate } = answer;
      diary.write({ is: 'accepted', channel, n, position, isDuplicate });
    } catch (error) {
      diary.write({ is: 'refused', channel, n, code: String((error as { code?: string }).code) });
    }
    ids?.removeItem(idKey(channel, n));
  }
}

function idKey(channel: string, n: number): string {
  return `id of ${n} on ${channel}`;
}
