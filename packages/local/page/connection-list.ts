import type { ConnectionState } from '../src/dev/control/state.js';
import { control } from './control.js';
import { element, make, timeOfDay } from './element.js';

/** More connections would slow down the page and could not be read. */
const MAX_SHOWN = 50;

interface Shown {
  readonly item: HTMLLIElement;
  readonly update: (state: ConnectionState) => void;
}

const list = element('connections', HTMLUListElement);
const count = element('connection-count', HTMLSpanElement);
const none = element('no-connections', HTMLParagraphElement);
const more = element('more-connections', HTMLParagraphElement);
const ids = element('connection-ids', HTMLDataListElement);
const shown = new Map<string, Shown>();

/** Shows exactly these connections, and keeps what the user is typing in their forms. */
export function showConnections(connections: readonly ConnectionState[]): void {
  const newest = connections.toReversed().slice(0, MAX_SHOWN);
  const hidden = connections.length - newest.length;
  count.textContent = String(connections.length);
  none.hidden = connections.length > 0;
  more.hidden = hidden === 0;
  more.textContent = `And ${hidden} older ones.`;
  ids.replaceChildren(...newest.map(({ connectionId }) => make('option', { value: connectionId })));

  const present = new Set(newest.map(({ connectionId }) => connectionId));
  for (const [id, { item }] of shown) {
    if (present.has(id)) continue;
    item.remove();
    shown.delete(id);
  }
  for (const state of newest.toReversed()) {
    const known = shown.get(state.connectionId) ?? show(state);
    known.update(state);
  }
}

function show(state: ConnectionState): Shown {
  const added = connectionItem(state);
  shown.set(state.connectionId, added);
  list.prepend(added.item);
  return added;
}

function connectionItem({
  connectionId,
  connectedAt,
  sourceIp,
  userAgent,
}: ConnectionState): Shown {
  const path = `connections/${encodeURIComponent(connectionId)}`;
  const active = make('span');
  const channels = make('ul', { className: 'channels', ariaLabel: 'Channels' });
  const close = make('button', {
    type: 'button',
    className: 'quiet',
    textContent: 'Close',
    ariaLabel: `Close ${connectionId}`,
    onclick: () => void control('DELETE', path),
  });
  const text = make('textarea', {
    rows: 2,
    required: true,
    spellcheck: false,
    ariaLabel: `Frame for ${connectionId}`,
  });
  const form = make('form', {}, text, make('button', {}, 'Post'));
  const post = async () => {
    if (await control('POST', path, { text: text.value })) text.value = '';
  };
  form.addEventListener('submit', (submitted) => {
    submitted.preventDefault();
    void post();
  });
  const item = make(
    'li',
    {},
    make('div', { className: 'head' }, make('code', {}, connectionId), close),
    make('p', { className: 'muted' }, `since ${timeOfDay(connectedAt)}, `, active),
    make('p', { className: 'muted' }, [sourceIp, userAgent ?? 'no user agent'].join(' · ')),
    channels,
    make('details', {}, make('summary', {}, 'Post a frame'), form),
  );
  return {
    item,
    update(state) {
      active.textContent = `active ${timeOfDay(state.lastActiveAt)}`;
      channels.hidden = state.channels.length === 0;
      channels.replaceChildren(...state.channels.map((channel) => make('li', {}, channel)));
    },
  };
}
