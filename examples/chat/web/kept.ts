/**
 * A text that the browser keeps when the page is loaded again. Where it keeps nothing, as in some private windows,
 * the text lasts as long as the page.
 */
export class Kept {
  readonly #storage: () => Storage;
  readonly #key: string;
  #text = '';

  /** @param storage Such as `() => sessionStorage`: even to look at it may throw. */
  constructor(storage: () => Storage, key: string) {
    this.#storage = storage;
    this.#key = `gatecast-chat-${key}`;
  }

  get text(): string {
    try {
      return this.#storage().getItem(this.#key) ?? this.#text;
    } catch {
      return this.#text;
    }
  }

  set text(text: string) {
    this.#text = text;
    try {
      if (text === '') this.#storage().removeItem(this.#key);
      else this.#storage().setItem(this.#key, text);
    } catch {
      // It stays in this object.
    }
  }
}
