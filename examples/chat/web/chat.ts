import { ChannelNameError, ClientRequestError, channelName, createClient } from '@gatecast/client';
import { ComposeForm } from './compose-form.js';
import { noticeConnection } from './connection-notice.js';
import { Conversation } from './conversation.js';
import { element } from './element.js';
import { Kept } from './kept.js';
import { offerSecondUser, secondUser } from './second-user.js';

// What `build.mjs` was given.
declare const CHAT_URL: string | undefined;
declare const CHAT_HANDSHAKE: 'subprotocol' | 'query' | undefined;

const title = element('title', HTMLElement);
const topic = element('topic', HTMLElement);
const connection = element('connection', HTMLElement);
const problem = element('problem', HTMLElement);
const joinForm = element('join', HTMLFormElement);
const nameField = element('name', HTMLInputElement);
const roomField = element('room', HTMLInputElement);
const chat = element('chat', HTMLElement);
const leaveButton = element('leave', HTMLButtonElement);

const keptName = new Kept(() => localStorage, 'name');
/** The reader's name as long as this tab is in a room: it joins the room again when the page is loaded again. */
const joinedAs = new Kept(() => sessionStorage, 'joined-as');

const client = createClient({
  url: CHAT_URL ?? `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/dev`,
  handshake: CHAT_HANDSHAKE ?? 'subprotocol',
});
noticeConnection(client, (notice) => {
  connection.textContent = notice;
});

let conversation: Conversation | undefined;
const compose = new ComposeForm({
  onSubmit: (text) => conversation?.post(text),
  onInput: () => void conversation?.tellTyping(),
});

function roomOfHash(): string {
  try {
    return decodeURIComponent(location.hash.slice(1)) || 'general';
  } catch {
    return 'general';
  }
}

function channelOf(room: string): `rooms/${string}` | undefined {
  try {
    return channelName('rooms/:roomId', { roomId: room });
  } catch (error) {
    if (error instanceof ChannelNameError) return undefined;
    throw error;
  }
}

async function join(room: string, name: string): Promise<void> {
  await leave();
  const channel = channelOf(room);
  if (channel === undefined) {
    problem.textContent = 'That room name is too long. Choose a shorter one.';
    return;
  }
  const joining = new Conversation(client, { channel, name, onEnd: expel });
  conversation = joining;
  joinedAs.text = name;
  history.replaceState(undefined, '', `${location.pathname}#${encodeURIComponent(room)}`);
  offerSecondUser(room, name);
  title.textContent = room;
  document.title = `${room} · Gatecast chat`;
  showConversation(true);
  compose.open(room);
  try {
    const welcome = await joining.join();
    if (conversation === joining) topic.textContent = welcome;
  } catch (error) {
    // Ignore the error if the user has left the room already.
    if (conversation !== joining || !ClientRequestError.is(error)) return;
    await leave();
    problem.textContent = `You could not join "${room}". ${error.message}`;
  }
}

function expel(reason: string): void {
  void leave();
  problem.textContent = `You are no longer in the room. ${reason}`;
}

async function leave(): Promise<void> {
  const left = conversation;
  conversation = undefined;
  joinedAs.text = '';
  problem.textContent = '';
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

joinForm.addEventListener('submit', (event) => {
  event.preventDefault();
  const name = nameField.value.trim();
  const room = roomField.value.trim();
  if (name === '' || room === '') return;
  keptName.text = name;
  void join(room, name);
});

leaveButton.addEventListener('click', () => {
  void leave();
  roomField.focus();
});

window.addEventListener('hashchange', () => {
  roomField.value = roomOfHash();
  if (conversation) void join(roomField.value, joinedAs.text);
});

const joining = joinedAs.text || secondUser();
nameField.value = joining || keptName.text;
roomField.value = roomOfHash();
offerSecondUser(roomField.value, nameField.value);
if (joining !== '') void join(roomField.value, joining);
