import type { ChannelEvent, Client, ClientChannel } from '@gatecast/client';
import type { RoomChannel } from '../server/rooms.js';
import { EarlierMessages } from './earlier-messages.js';
import { MessageList, type ShownMessage } from './message-list.js';
import { Outgoing } from './outgoing.js';
import { TypingIndicator } from './typing-indicator.js';
import { UnreadMarker } from './unread-marker.js';

const TYPING_EVERY_MS = 2_000;
/** How many messages are shown on joining, and for each step further up. */
const PAGE = 30;

export interface ConversationOptions {
  /** The room's channel. */
  readonly channel: `rooms/${string}`;
  /** The name of the reader. */
  readonly name: string;
  /** Called when the server has ended the reader's subscription. */
  readonly onEnd: (reason: string) => void;
}

interface Message {
  readonly from: string;
  readonly text: string;
}

/** One room for one user. */
export class Conversation {
  readonly #room: ClientChannel<RoomChannel>;
  readonly #name: string;
  readonly #messages = new MessageList(() => this.#unread.read());
  readonly #unread: UnreadMarker;
  readonly #earlier = new EarlierMessages(() => this.#loadEarlier());
  readonly #typing = new TypingIndicator();
  readonly #outgoing: Outgoing;
  readonly #offs;
  #hasJoined = false;
  #hasLeft = false;
  #toldTypingAt = 0;

  constructor(client: Client, { channel, name, onEnd }: ConversationOptions) {
    this.#room = client.channel<RoomChannel>(channel);
    this.#name = name;
    this.#unread = new UnreadMarker(channel, this.#messages);
    this.#outgoing = new Outgoing(this.#room, this.#messages);
    this.#offs = [
      this.#room.on('message', (data, event) => {
        this.#outgoing.settle(event.id);
        this.#messages.append(this.#shown(data, event));
        this.#typing.remove(data.from);
        if (this.#hasJoined && event.position !== undefined) this.#unread.added(event.position);
      }),
      this.#room.on('typing', ({ who }) => this.#typing.add(who)),
      this.#room.onReset(() => this.#messages.showGap()),
      this.#room.onEnd(({ reason }) => onEnd(reason)),
    ];
  }

  /** @returns The room's topic. */
  async join(): Promise<string> {
    this.#outgoing.begin();
    const { data } = await this.#room.subscribe({ rewind: PAGE });
    this.#hasJoined = true;
    this.#messages.loaded();
    this.#unread.begin();
    this.#messages.readOut();
    this.#earlier.update(this.#messages.first !== undefined);
    return data.topic;
  }

  post(text: string): void {
    this.#toldTypingAt = 0;
    this.#unread.remove();
    this.#outgoing.post(this.#name, text);
  }

  async tellTyping(): Promise<void> {
    const now = Date.now();
    if (now - this.#toldTypingAt < TYPING_EVERY_MS) return;
    this.#toldTypingAt = now;
    // Without a connection it is simply not sent.
    await this.#room.send('typing', { who: this.#name }, { reply: false }).catch(() => {});
  }

  async leave(): Promise<void> {
    this.#hasLeft = true;
    for (const off of this.#offs) off();
    this.#typing.clear();
    this.#earlier.end();
    this.#unread.end();
    this.#messages.end();
    // For the user the room is left, even if the server does not answer.
    await this.#room.unsubscribe().catch(() => {});
  }

  /** @returns Whether there are more. */
  async #loadEarlier(): Promise<boolean> {
    const before = this.#messages.first?.dataset['position'];
    const { events, more, reset } = await this.#room.history({ before, limit: PAGE });
    if (this.#hasLeft) return false;
    this.#messages.prepend(
      events.flatMap((event) =>
        event.event === 'message' ? [this.#shown(event.data, event)] : [],
      ),
    );
    this.#unread.draw();
    return more && reset === undefined;
  }

  /** A message of the history. Whoever has the reader's name is the reader: this chat has no accounts. */
  #shown({ from, text }: Message, { id, at, position }: ChannelEvent): ShownMessage {
    return { id, from, text, at, position, isOwn: from === this.#name };
  }
}
