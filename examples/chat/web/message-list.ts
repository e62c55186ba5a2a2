import { element } from './element.js';

export interface ShownMessage {
  readonly id: string;
  readonly from: string;
  readonly text: string;
  readonly at: Date;
  readonly isOwn: boolean;
}

export type Delivery = 'sending' | 'sent' | 'failed';

const labels: Readonly<Record<Delivery, string>> = {
  sending: 'sending',
  sent: '✓ sent',
  failed: 'not sent',
};

/** The list of messages on the page: one entry for each id, even if `show` is called repeatedly. */
export class MessageList {
  readonly #log = element('log', HTMLElement);
  readonly #list = element('messages', HTMLOListElement);
  readonly #empty = element('empty', HTMLElement);
  readonly #entries = new Map<string, HTMLLIElement>();

  show({ id, from, text, at, isOwn }: ShownMessage): void {
    const known = this.#entries.get(id);
    if (known) {
      known.querySelector('time')?.replaceWith(timeOf(at));
      return;
    }
    const entry = document.createElement('li');
    entry.classList.toggle('own', isOwn);
    const about = part('p', 'about');
    about.append(part('span', 'from', isOwn ? 'You' : from), timeOf(at));
    if (isOwn) about.append(part('span', 'tick'));
    entry.append(about, part('p', 'text', text));
    this.#entries.set(id, entry);
    this.#empty.hidden = true;

    // Do not scroll if the user is reading further up.
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < 48;
    this.#list.append(entry);
    if (isAtEnd || isOwn) this.#log.scrollTop = this.#log.scrollHeight;
  }

  mark(id: string, delivery: Delivery): void {
    const tick = this.#entries.get(id)?.querySelector('.tick');
    if (!tick) return;
    tick.textContent = labels[delivery];
    tick.classList.toggle('failed', delivery === 'failed');
  }

  clear(): void {
    this.#entries.clear();
    this.#list.replaceChildren();
    this.#empty.hidden = false;
  }
}

function part(tag: 'p' | 'span', className: string, text = ''): HTMLElement {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

function timeOf(at: Date): HTMLTimeElement {
  const time = document.createElement('time');
  time.dateTime = at.toISOString();
  time.textContent = at.toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return time;
}
