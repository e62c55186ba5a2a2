import { element } from './element.js';

const SHOWN_MS = 4_000;

/** Shows who is typing, until that is no longer likely. */
export class TypingIndicator {
  readonly #line = element('typing', HTMLElement);
  readonly #timers = new Map<string, number>();

  add(who: string): void {
    window.clearTimeout(this.#timers.get(who));
    this.#timers.set(
      who,
      window.setTimeout(() => this.remove(who), SHOWN_MS),
    );
    this.#render();
  }

  remove(who: string): void {
    window.clearTimeout(this.#timers.get(who));
    this.#timers.delete(who);
    this.#render();
  }

  clear(): void {
    for (const who of this.#timers.keys()) this.remove(who);
  }

  #render(): void {
    const names = [...this.#timers.keys()];
    if (names.length === 0) this.#line.textContent = '';
    else if (names.length > 2) this.#line.textContent = 'Several people are typing…';
    else this.#line.textContent = `${names.join(' and ')} ${names[1] ? 'are' : 'is'} typing…`;
  }
}
