import { Kept } from './kept.js';

/** A message on its way to the server. */
export interface Post {
  /** The server knows a message by it that comes again, and publishes it once. */
  readonly id: string;
  readonly from: string;
  readonly text: string;
}

const channels = new Map<string, Unsent>();

/** What the reader wrote in a room and the server has not confirmed. This tab keeps it across reloads. */
export class Unsent {
  readonly #kept: Kept;
  #posts: readonly Post[];

  private constructor(channel: string) {
    this.#kept = new Kept(() => sessionStorage, `unsent-${channel}`);
    this.#posts = JSON.parse(this.#kept.text || '[]');
  }

  /** The same one for a channel each time: a message may be under way when the reader leaves the room. */
  static in(channel: string): Unsent {
    const known = channels.get(channel) ?? new Unsent(channel);
    channels.set(channel, known);
    return known;
  }

  get posts(): readonly Post[] {
    return this.#posts;
  }

  add(from: string, text: string): Post {
    const post = { id: newId(), from, text };
    this.#keep([...this.#posts, post]);
    return post;
  }

  remove({ id }: Post): void {
    this.#keep(this.#posts.filter((post) => post.id !== id));
  }

  #keep(posts: readonly Post[]): void {
    this.#posts = posts;
    this.#kept.text = posts.length === 0 ? '' : JSON.stringify(posts);
  }
}

// `crypto.randomUUID` is missing on pages without TLS, as on a phone that visits this machine.
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
