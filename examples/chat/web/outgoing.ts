import { type ClientChannel, ClientRequestError } from '@gatecast/client';
import type { RoomChannel } from '../server/rooms.js';
import type { MessageList } from './message-list.js';
import { type Post, Unsent } from './unsent.js';

/** What the reader writes in a room: shown as pending until it is in the history. */
export class Outgoing {
  readonly #room: ClientChannel<RoomChannel>;
  readonly #messages: MessageList;
  readonly #unsent: Unsent;
  /** By the ids of the events that they will become. */
  readonly #pending = new Map<string, Post>();

  constructor(room: ClientChannel<RoomChannel>, messages: MessageList) {
    this.#room = room;
    this.#messages = messages;
    this.#unsent = Unsent.in(room.name);
  }

  /** Sends what was not sent when the page was loaded, or the room left. */
  begin(): void {
    for (const post of this.#unsent.posts) void this.#send(post);
  }

  post(from: string, text: string): void {
    void this.#send(this.#unsent.add(from, text));
  }

  /** A message is in the history, or the reader gave it up: it is not sent again. */
  settle(eventId: string): void {
    const post = this.#pending.get(eventId);
    if (post) this.#unsent.remove(post);
    this.#pending.delete(eventId);
  }

  async #send(post: Post): Promise<void> {
    const { from, text } = post;
    // If it is under way since an earlier visit to the room, this is the same answer.
    const sending = this.#room.send('post', { from, text }, { id: post.id });
    const { id } = sending;
    this.#pending.set(id, post);
    this.#messages.showPending({ id, from, text, at: new Date(), isOwn: true });
    try {
      const { duplicate } = await sending;
      this.settle(id);
      // An earlier attempt is in the history, perhaps further up than this page shows.
      if (duplicate) this.#messages.removePending(id);
      else this.#messages.mark(id, '✓ sent');
    } catch (error) {
      this.#fail(id, post, error);
    }
  }

  #fail(id: string, post: Post, error: unknown): void {
    const isUnknown = ClientRequestError.is(error) && error.code === 'ERR_OUTCOME_UNKNOWN';
    this.#messages.mark(id, isUnknown ? 'not confirmed' : 'not sent', {
      sendAgain: () => {
        this.#messages.removePending(id);
        void this.#send(post);
      },
      discard: () => {
        this.#messages.removePending(id);
        this.settle(id);
      },
    });
  }
}
