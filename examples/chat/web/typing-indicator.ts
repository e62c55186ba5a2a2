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
    const [first, second, ...others] = [...this.#timers.keys()].map(isolated);
    if (!first) this.#line.textContent = '';
    else if (!second) this.#line.replaceChildren(first, ' is typing…');
    else if (others.length > 0) this.#line.textContent = 'Several people are typing…';
    else this.#line.replaceChildren(first, ' and ', second, ' are typing…');
  }
}

/** A name may be written in the other direction than the sentence. */
function isolated(name: string): HTMLElement {
  const node = document.createElement('bdi');
  node.textContent = name;
  return node;
}
