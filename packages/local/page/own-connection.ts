import { tell } from './control.js';
import { element, make, pretty, timeOfDay } from './element.js';

const MAX_LINES = 200;

const url = element('own-url', HTMLInputElement);
const toggle = element('toggle', HTMLButtonElement);
const templates = element('templates', HTMLDivElement);
const template = element('template', HTMLSelectElement);
const frame = element('frame', HTMLTextAreaElement);
const sendButton = element('send', HTMLButtonElement);
const hint = element('frame-hint', HTMLParagraphElement);
const log = element('log', HTMLDivElement);
const transcript = element('transcript', HTMLOListElement);

let connection: WebSocket | undefined;
let offered = '';

/** Fills in the URL, unless the user typed another one, and the routes of the API. */
export function offer(apiUrl: string, routes: readonly string[]): void {
  if (url.value === '') url.value = location.protocol === 'https:' ? secure(apiUrl) : apiUrl;
  const keys = routes.filter((key) => !key.startsWith('$'));
  if (keys.join() === offered) return;
  offered = keys.join();
  templates.hidden = keys.length === 0;
  template.replaceChildren(
    make('option', { value: '' }, 'choose …'),
    ...keys.map((key) => make('option', { value: key }, key)),
  );
  if (frame.value === '' && keys.includes('ping')) frame.value = '{"action":"ping"}';
}

element('connect', HTMLFormElement).addEventListener('submit', (submitted) => {
  submitted.preventDefault();
  if (connection) connection.close();
  else open();
});

element('compose', HTMLFormElement).addEventListener('submit', (submitted) => {
  submitted.preventDefault();
  send();
});

frame.addEventListener('keydown', (pressed) => {
  if (pressed.key === 'Enter' && (pressed.ctrlKey || pressed.metaKey)) send();
});

template.addEventListener('change', () => {
  if (template.value === '') return;
  frame.value = frameFor(template.value);
  template.value = '';
  frame.focus();
});

function open(): void {
  tell('');
  let opened: WebSocket;
  try {
    opened = new WebSocket(url.value);
  } catch {
    tell(`"${url.value}" is not a WebSocket URL. Begin it with ws:// or wss://.`);
    return;
  }
  connection = opened;
  let isOpen = false;
  toggle.textContent = 'Cancel';
  opened.addEventListener('open', () => {
    isOpen = true;
    toggle.textContent = 'Disconnect';
    sendButton.disabled = false;
    hint.textContent = 'Ctrl+Enter also sends.';
    line('note', 'connected');
  });
  opened.addEventListener('message', ({ data }) => line('received', String(data)));
  opened.addEventListener('close', ({ code, reason }) => {
    connection = undefined;
    toggle.textContent = 'Connect';
    sendButton.disabled = true;
    hint.textContent = 'Connect first.';
    // A browser does not tell a page why a handshake was refused.
    const refused = 'could not connect; see the events';
    line('note', isOpen ? `closed with ${code} ${reason}`.trim() : refused);
  });
}

function send(): void {
  if (connection?.readyState !== WebSocket.OPEN || frame.value === '') return;
  connection.send(frame.value);
  line('sent', frame.value);
}

function line(kind: 'sent' | 'received' | 'note', text: string): void {
  const content = kind === 'note' ? make('span', {}, text) : make('pre', {}, pretty(text));
  const about = kind === 'note' ? timeOfDay(Date.now()) : `${timeOfDay(Date.now())} ${kind}`;
  transcript.append(
    make('li', { className: kind }, make('span', { className: 'muted' }, about), content),
  );
  if (transcript.childElementCount > MAX_LINES) transcript.firstElementChild?.remove();
  log.hidden = false;
  log.scrollTop = log.scrollHeight;
}

/** An initial frame: a complete one for Gatecast's own actions, and only the action for other routes. */
function frameFor(action: string): string {
  const [, prefix] = /^(.+)\.[^.]+$/.exec(action) ?? [];
  const id = crypto.randomUUID().slice(0, 8);
  if (prefix !== undefined) {
    return JSON.stringify({ action, id, channel: `${prefix}/1`, data: {} }, null, 2);
  }
  const [example = 'rooms'] = offered.split(',').flatMap((key) => /^(.+)\./.exec(key)?.[1] ?? []);
  const channel = `${example}/1`;
  if (action === 'subscribe')
    return JSON.stringify({ action, id, channels: [{ channel }] }, null, 2);
  if (action === 'unsubscribe') return JSON.stringify({ action, id, channels: [channel] }, null, 2);
  return JSON.stringify({ action });
}

function secure(apiUrl: string): string {
  return apiUrl.replace(/^ws:/, 'wss:');
}
