// A worker of one page, with the client in it.
// oxlint-disable unicorn/require-post-message-target-origin, unicorn/prefer-add-event-listener -- of ports.
import { roomOf } from '../page-visitor.js';
import { openVisitor } from '../visitor.js';

/** Its messages reach the page. */
const page = globalThis as unknown as Worker;
const visitor = openVisitor({ url: roomOf(location) }, () => page.postMessage(visitor.journal));
page.onmessage = ({ data }: MessageEvent<string>) => void visitor.post(data);
void visitor.enter();
