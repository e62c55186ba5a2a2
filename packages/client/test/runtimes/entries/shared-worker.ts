// A worker that several pages share, with one client for all of them.
// oxlint-disable unicorn/require-post-message-target-origin, unicorn/prefer-add-event-listener -- of ports.
import { roomOf } from '../page-visitor.js';
import { openVisitor } from '../visitor.js';

const pages: MessagePort[] = [];
const visitor = openVisitor({ url: roomOf(location) }, () => {
  for (const page of pages) page.postMessage(visitor.journal);
});
addEventListener('connect', (event) => {
  const [page] = (event as MessageEvent).ports as [MessagePort];
  pages.push(page);
  page.onmessage = ({ data }: MessageEvent<string>) => void visitor.post(data);
  page.postMessage(visitor.journal);
});
void visitor.enter();
