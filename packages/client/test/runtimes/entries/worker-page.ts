// A page whose client is in a worker, of its own or shared with other pages.
// oxlint-disable unicorn/require-post-message-target-origin, unicorn/prefer-add-event-listener -- of ports.
import { show } from '../page-visitor.js';
import type { Journal } from '../visitor.js';

const isShared = location.pathname === '/shared-worker';
const script = `${location.pathname}.js${location.search}`;
const worker = isShared ? new SharedWorker(script).port : new Worker(script);
let journal: Journal = { states: [], events: [], answers: [] };
worker.onmessage = ({ data }: MessageEvent<Journal>) => {
  journal = data;
};
show({ journal: () => journal, post: (text) => worker.postMessage(text) });
