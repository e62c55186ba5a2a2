import { element } from './element.js';

/** The top of the list: loads earlier messages when the reader gets there. */
export class EarlierMessages {
  readonly #log = element('log', HTMLElement);
  readonly #button = element('earlier', HTMLButtonElement);
  readonly #beginning = element('beginning', HTMLElement);
  readonly #load: () => Promise<boolean>;
  readonly #listening = new AbortController();
  readonly #top: IntersectionObserver;
  #isLoading = false;

  /** @param load Loads and shows some. Returns whether there are more. */
  constructor(load: () => Promise<boolean>) {
    this.#load = load;
    this.#button.addEventListener('click', () => void this.#show(), this.#listening);
    this.#top = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) void this.#show();
      },
      { root: this.#log, rootMargin: '200px 0px' },
    );
  }

  /** Says whether the room has more than what is shown. */
  update(hasMore: boolean): void {
    if (hasMore) {
      this.#offer('Show earlier messages');
      this.#top.observe(this.#button);
      return;
    }
    // A reader at the keyboard goes on from the list.
    if (document.activeElement === this.#button) this.#log.focus();
    this.#button.hidden = true;
    this.#beginning.hidden = false;
  }

  end(): void {
    this.#listening.abort();
    this.#top.disconnect();
    this.#button.hidden = true;
    this.#beginning.hidden = true;
  }

  async #show(): Promise<void> {
    if (this.#isLoading) return;
    this.#isLoading = true;
    this.#button.textContent = 'Loading earlier messages…';
    this.#top.unobserve(this.#button);
    try {
      const hasMore = await this.#load();
      if (!this.#listening.signal.aborted) this.update(hasMore);
    } catch {
      // It is not tried again by itself: the reader may still be at the top.
      this.#offer('Earlier messages could not be loaded. Try again');
    } finally {
      this.#isLoading = false;
    }
  }

  #offer(label: string): void {
    this.#button.textContent = label;
    this.#button.hidden = false;
  }
}
