import type { JournalEntry } from '../src/dev/control/journal.js';
import { element, make, pretty, timeOfDay } from './element.js';

const MAX_ENTRIES = 200;

const list = element('entries', HTMLOListElement);
const empty = element('no-events', HTMLParagraphElement);

/** Adds an event above the others. */
export function addEntry(entry: JournalEntry): void {
  empty.hidden = true;
  list.prepend(make('li', {}, row(entry)));
  if (list.childElementCount > MAX_ENTRIES) list.lastElementChild?.remove();
}

/** Removes all events, because the gateway may have restarted. */
export function clearEntries(): void {
  list.replaceChildren();
  empty.hidden = false;
}

function row(entry: JournalEntry): HTMLElement {
  const { time, route, result, durationMs, coldStartMs, connectionId, detail } = entry;
  const cold = coldStartMs === undefined ? [] : [`cold start ${Math.round(coldStartMs)} ms`];
  const isTelling = result !== 'ok' && detail !== '';
  const summary = make(
    'summary',
    {},
    make('span', { className: 'time' }, timeOfDay(time)),
    make('span', { className: 'route' }, route),
    make('span', { className: `result ${result === 'ok' ? 'ok' : 'bad'}` }, result),
    make('span', { className: 'duration' }, `${Math.round(durationMs)} ms`),
    make(
      'span',
      { className: 'about' },
      [connectionId, ...cold].filter((text) => text !== '').join(' · '),
    ),
    ...(isTelling ? [make('span', { className: 'detail' }, detail)] : []),
  );
  const details = make('details', {}, summary);
  // Filled only when opened: most never are, and some are large.
  details.addEventListener('toggle', () => details.append(...contents(entry)), { once: true });
  return details;
}

function contents({ event, frames = [], result, detail, route }: JournalEntry): HTMLElement[] {
  const { body } = (event ?? {}) as { readonly body?: unknown };
  const sections = [
    ...(typeof body === 'string' ? [block('Message', pretty(body))] : []),
    ...frames.map((frame) => block('Frame to the connection', pretty(frame))),
    ...(event ? [block('Event for the function', JSON.stringify(event, null, 2))] : []),
  ];
  const status = make('p', { className: 'muted' }, `${route}: ${result} ${detail}`.trim());
  return [status, ...sections];
}

function block(title: string, text: string): HTMLElement {
  const shown = text === '' ? make('p', { className: 'muted' }, 'empty') : make('pre', {}, text);
  return make('div', {}, make('h3', {}, title), shown);
}
