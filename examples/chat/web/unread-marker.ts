import { Kept } from './kept.js';
import type { MessageList } from './message-list.js';

/** The line above the messages that came while the reader was away or was reading further up. */
export class UnreadMarker {
  readonly #list: MessageList;
  /** The position of the last message that the reader has seen, in any tab. */
  readonly #lastRead: Kept;
  readonly #line = document.createElement('li');
  readonly #listening = new AbortController();
  /** The position after which the line belongs. */
  #leftAt: string;
  #newest = '';

  constructor(channel: string, list: MessageList) {
    this.#list = list;
    this.#lastRead = new Kept(() => localStorage, `read-${channel}`);
    this.#leftAt = this.#lastRead.text;
    this.#line.className = 'line unread';
    this.#line.textContent = 'New messages';
    const { signal } = this.#listening;
    document.addEventListener('visibilitychange', () => this.#turnTo(), { signal });
  }

  /** The first messages are shown: turns to where the reader left. */
  begin(): void {
    this.#newest = this.#list.last?.dataset['position'] ?? '';
    this.#turnTo();
  }

  /** A message of the history was added at the end. */
  added(position: string): void {
    this.#newest = position;
    this.read();
    if (this.#lastRead.text === position) return;
    this.#leftAt = this.#lastRead.text;
    this.draw();
  }

  /** Draws the line, if the message that it belongs to is shown. */
  draw(): void {
    if (this.#leftAt === this.#newest) return;
    const last = this.#list.at(this.#leftAt);
    if (last && last.nextElementSibling !== this.#line) last.after(this.#line);
  }

  /** If the reader sees the latest message, everything is read. The line stays, to be found. */
  read(): void {
    if (document.visibilityState !== 'visible' || !this.#list.isAtEnd) return;
    this.#lastRead.text = this.#newest;
  }

  remove(): void {
    this.#line.remove();
  }

  end(): void {
    this.#listening.abort();
  }

  #turnTo(): void {
    if (document.visibilityState !== 'visible') return;
    this.draw();
    if (this.#line.isConnected && this.#lastRead.text !== this.#newest) {
      this.#list.scrollTo(this.#line);
    }
    this.read();
  }
}
