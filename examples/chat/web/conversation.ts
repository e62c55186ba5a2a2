import { type Client, channelName } from '@gatecast/client';
import type { RoomChannel } from '../server/rooms.js';
import { MessageList } from './message-list.js';
import { TypingIndicator } from './typing-indicator.js';

const TYPING_EVERY_MS = 2_000;

/** One room for one user. */
export class Conversation {
  readonly #room;
  readonly #name: string;
  readonly #messages = new MessageList();
  readonly #typing = new TypingIndicator();
  readonly #offs;
  readonly #own = new Set<string>();
  #toldTypingAt = 0;

  /** @throws ChannelNameError if the room's name cannot be part of a channel name. */
  constructor(client: Client, { room, name }: { readonly room: string; readonly name: string }) {
    this.#name = name;
    this.#room = client.channel<RoomChannel>(channelName('rooms/:roomId', { roomId: room }));
    this.#offs = [
      this.#room.on('message', ({ from, text }, { id, at }) => {
        this.#messages.show({ id, from, text, at, isOwn: this.#own.has(id) });
        this.#typing.remove(from);
      }),
      this.#room.on('typing', ({ who }) => this.#typing.add(who)),
    ];
  }

  get channel(): string {
    return this.#room.name;
  }

  /** @returns The room's topic. */
  async join(): Promise<string> {
    const { data } = await this.#room.subscribe();
    return data.topic;
  }

  async post(text: string): Promise<void> {
    const sending = this.#room.send('post', { text, from: this.#name });
    const { id } = sending;
    this.#toldTypingAt = 0;
    this.#own.add(id);
    this.#messages.show({ id, from: this.#name, text, at: new Date(), isOwn: true });
    this.#messages.mark(id, 'sending');
    try {
      await sending;
      this.#messages.mark(id, 'sent');
    } catch {
      this.#messages.mark(id, 'failed');
    }
  }

  async tellTyping(): Promise<void> {
    const now = Date.now();
    if (now - this.#toldTypingAt < TYPING_EVERY_MS) return;
    this.#toldTypingAt = now;
    // Without a connection it is simply not sent.
    await this.#room.send('typing', { who: this.#name }, { reply: false }).catch(() => {});
  }

  async leave(): Promise<void> {
    for (const off of this.#offs) off();
    this.#typing.clear();
    this.#messages.clear();
    // For the user the room is left, even if the server does not answer.
    await this.#room.unsubscribe().catch(() => {});
  }
}
