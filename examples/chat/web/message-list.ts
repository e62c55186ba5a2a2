import { element } from './element.js';

export interface ShownMessage {
  /** The id of its event. */
  readonly id: string;
  readonly from: string;
  readonly text: string;
  readonly at: Date;
  readonly isOwn: boolean;
  /** Its place in the room's history. */
  readonly position?: string | undefined;
}

/** What the reader can do about a message that was not sent. */
export interface Actions {
  readonly sendAgain: () => void;
  readonly discard: () => void;
}

/**
 * The list of messages on the page, in the order of the room's history; then those of the reader that are not in
 * it yet. Each message has one entry, even if it comes repeatedly.
 */
export class MessageList {
  readonly #log = element('log', HTMLElement);
  readonly #list = element('messages', HTMLOListElement);
  readonly #empty = element('empty', HTMLElement);
  readonly #toEnd = element('to-end', HTMLButtonElement);
  readonly #entries = new Map<string, HTMLLIElement>();
  readonly #listening = new AbortController();
  #isAtEnd = true;

  /** @param onScroll Called when the reader has scrolled. */
  constructor(onScroll: () => void) {
    const { signal } = this.#listening;
    const scrolled = (): void => {
      this.#measure();
      onScroll();
    };
    this.#log.addEventListener('scroll', scrolled, { signal });
    this.#toEnd.addEventListener('click', () => this.scrollToEnd(), { signal });
  }

  /** Whether the reader sees the end of the list. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /** The oldest message of the history that is shown. */
  get first(): HTMLLIElement | undefined {
    return this.#list.querySelector<HTMLLIElement>('[data-position]') ?? undefined;
  }

  /** The latest one. */
  get last(): HTMLLIElement | undefined {
    return [...this.#list.querySelectorAll<HTMLLIElement>('[data-position]')].at(-1);
  }

  at(position: string): HTMLLIElement | undefined {
    const selector = `[data-position="${CSS.escape(position)}"]`;
    return this.#list.querySelector<HTMLLIElement>(selector) ?? undefined;
  }

  /** Shows the next message of the history. One that is shown as pending moves to its place. */
  append(message: ShownMessage): void {
    const known = this.#entries.get(message.id);
    if (known && !known.classList.contains('pending')) return;
    const entry = this.#create(message);
    known?.remove();
    this.#addAtEnd(entry);
  }

  /** Shows older messages above the others. What the reader looks at stays where it is. */
  prepend(messages: readonly ShownMessage[]): void {
    const unknown = messages.filter(({ id }) => !this.#entries.has(id));
    this.#log.ariaLive = 'off';
    this.#list.prepend(...unknown.map((message) => this.#create(message)));
    this.#group();
    requestAnimationFrame(() => this.readOut());
  }

  /** What the room has is shown: says so, if that is nothing. */
  loaded(): void {
    this.#empty.hidden = this.#entries.size > 0;
  }

  /** From now on a screen reader reads out each message that is added at the end. */
  readOut(): void {
    this.#log.ariaLive = 'polite';
  }

  /** Shows a message that is not in the history yet, below those that are. */
  showPending(message: ShownMessage): void {
    const entry = this.#create(message);
    entry.classList.add('pending');
    this.mark(message.id, 'sending…');
    this.#list.append(entry);
    this.#group();
    this.scrollToEnd();
  }

  /** Says what became of a pending message. */
  mark(id: string, delivery: string, actions?: Actions): void {
    const entry = this.#entries.get(id);
    const tick = entry?.querySelector('.pending .tick');
    if (!entry || !tick) return;
    tick.textContent = delivery;
    if (!actions) return;
    tick.classList.add('failed');
    const buttons = part('p', 'actions');
    buttons.append(button('Send again', actions.sendAgain), button('Discard', actions.discard));
    entry.append(buttons);
  }

  /** Removes a message that is not in the history. */
  removePending(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry?.classList.contains('pending')) return;
    entry.remove();
    this.#entries.delete(id);
    this.#group();
  }

  /** Says that messages may be missing between those so far and those to come. */
  showGap(): void {
    const pending = this.#firstPending();
    const last = pending ? pending.previousElementSibling : this.#list.lastElementChild;
    if (!last || last.classList.contains('gap')) return;
    const line = document.createElement('li');
    line.className = 'line gap';
    line.textContent = 'Messages may be missing here.';
    this.#addAtEnd(line);
  }

  scrollToEnd(): void {
    this.#log.scrollTop = 0;
  }

  /** Shows an entry at the top of the window, or as near to it as the end of the list allows. */
  scrollTo(entry: HTMLLIElement): void {
    entry.scrollIntoView();
    this.#measure();
  }

  end(): void {
    this.#listening.abort();
    this.#list.replaceChildren();
    this.#entries.clear();
    this.#log.ariaLive = 'off';
    this.#empty.hidden = true;
    this.#toEnd.hidden = true;
  }

  #create({ id, from, text, at, isOwn, position }: ShownMessage): HTMLLIElement {
    const entry = document.createElement('li');
    entry.classList.toggle('own', isOwn);
    if (position !== undefined) entry.dataset['position'] = position;
    const about = part('p', 'about');
    about.append(part('span', 'from', isOwn ? 'You' : from), timeOf(at));
    // The name and the minute: messages in a row that agree in both need to say it once.
    entry.dataset['about'] = about.textContent;
    if (isOwn) about.append(part('span', 'tick', '✓ sent'));
    const body = part('p', 'text', text);
    body.dir = 'auto';
    entry.append(about, body);
    this.#entries.set(id, entry);
    this.#empty.hidden = true;
    return entry;
  }

  #measure(): void {
    // The style begins the scroll positions at the end of the list, with 0; further up they are negative.
    this.#isAtEnd = this.#log.scrollTop > -8;
    this.#toEnd.hidden = this.#isAtEnd;
    if (this.#isAtEnd) this.#toEnd.textContent = '↓ Latest messages';
  }

  #group(): void {
    let previous: string | undefined;
    for (const { classList, dataset } of this.#list.querySelectorAll('li')) {
      classList.toggle(
        'continued',
        dataset['about'] !== undefined && dataset['about'] === previous,
      );
      previous = dataset['about'];
    }
  }

  #firstPending(): Element | null {
    return this.#list.querySelector('.pending');
  }

  #addAtEnd(entry: HTMLLIElement): void {
    this.#list.insertBefore(entry, this.#firstPending());
    this.#group();
    if (!this.#isAtEnd) this.#toEnd.textContent = '↓ New messages';
  }
}

function part(tag: 'p' | 'span', className: string, text = ''): HTMLElement {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

function button(label: string, onClick: () => void): HTMLButtonElement {
  const node = document.createElement('button');
  node.type = 'button';
  node.className = 'quiet small';
  node.textContent = label;
  node.addEventListener('click', onClick);
  return node;
}

function timeOf(at: Date): HTMLTimeElement {
  const time = document.createElement('time');
  time.dateTime = at.toISOString();
  const isToday = at.toDateString() === new Date().toDateString();
  time.textContent = at.toLocaleString([], {
    ...(!isToday && { day: 'numeric', month: 'short' }),
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return time;
}
