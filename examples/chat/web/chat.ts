import { ChannelNameError, ClientRequestError, createClient } from '@gatecast/client';
import { Conversation } from './conversation.js';
import { element } from './element.js';

// What `build.mjs` was given.
declare const CHAT_URL: string | undefined;
declare const CHAT_HANDSHAKE: 'subprotocol' | 'query' | undefined;

const NAME_KEY = 'gatecast-chat-name';

const title = element('title', HTMLElement);
const topic = element('topic', HTMLElement);
const banner = element('banner', HTMLElement);
const joinForm = element('join', HTMLFormElement);
const nameField = element('name', HTMLInputElement);
const roomField = element('room', HTMLInputElement);
const chat = element('chat', HTMLElement);
const composeForm = element('compose', HTMLFormElement);
const textField = element('text', HTMLTextAreaElement);
const leaveButton = element('leave', HTMLButtonElement);

const client = createClient({
  url: CHAT_URL ?? `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/dev`,
  handshake: CHAT_HANDSHAKE ?? 'subprotocol',
});
let conversation: Conversation | undefined;
let wasConnected = false;

function roomOfHash(): string {
  try {
    return decodeURIComponent(location.hash.slice(1)) || 'general';
  } catch {
    return 'general';
  }
}

async function join(room: string, name: string): Promise<void> {
  await leave();
  let joining: Conversation;
  try {
    joining = new Conversation(client, { room, name });
  } catch (error) {
    if (!(error instanceof ChannelNameError)) throw error;
    banner.textContent = 'That room name is too long. Choose a shorter one.';
    return;
  }
  conversation = joining;
  history.replaceState(undefined, '', `#${encodeURIComponent(room)}`);
  title.textContent = room;
  document.title = `${room} · Gatecast chat`;
  showConversation(true);
  textField.focus();
  try {
    const welcome = await joining.join();
    if (conversation === joining) topic.textContent = welcome;
  } catch (error) {
    // Ignore the error if the user has left the room already.
    if (conversation !== joining || !ClientRequestError.is(error)) return;
    await leave();
    banner.textContent = `You could not join "${room}". ${error.message}`;
  }
}

async function leave(): Promise<void> {
  const left = conversation;
  conversation = undefined;
  topic.textContent = '';
  title.textContent = 'Gatecast chat';
  document.title = 'Gatecast chat';
  showConversation(false);
  await left?.leave();
}

function showConversation(isShown: boolean): void {
  joinForm.hidden = isShown;
  chat.hidden = !isShown;
  leaveButton.hidden = !isShown;
}

client.onState((state) => {
  if (state === 'connected') {
    wasConnected = true;
    banner.textContent = '';
    return;
  }
  banner.textContent = wasConnected
    ? 'Connection lost. Reconnecting; your messages are sent afterwards.'
    : 'Connecting…';
});

client.onRefused(({ channel, error }) => {
  if (channel === undefined || channel !== conversation?.channel) return;
  void leave();
  banner.textContent = `You are no longer in the room. ${error.message}`;
});

joinForm.addEventListener('submit', (event) => {
  event.preventDefault();
  const name = nameField.value.trim();
  const room = roomField.value.trim();
  if (name === '' || room === '') return;
  localStorage.setItem(NAME_KEY, name);
  banner.textContent = client.state === 'connected' ? '' : banner.textContent;
  void join(room, name);
});

leaveButton.addEventListener('click', () => {
  void leave();
  roomField.focus();
});

composeForm.addEventListener('submit', (event) => {
  event.preventDefault();
  const text = textField.value.trim();
  if (text === '') return;
  textField.value = '';
  textField.focus();
  void conversation?.post(text);
});

textField.addEventListener('keydown', (event) => {
  // During input with an input method editor, Enter accepts a suggestion.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  composeForm.requestSubmit();
});

textField.addEventListener('input', () => {
  if (textField.value.trim() !== '') void conversation?.tellTyping();
});

window.addEventListener('hashchange', () => {
  roomField.value = roomOfHash();
  if (conversation) void join(roomField.value, nameField.value.trim());
});

nameField.value = localStorage.getItem(NAME_KEY) ?? '';
roomField.value = roomOfHash();
