import type { ServerResponse } from 'node:http';
import { type Controlled, controlState } from './state.js';

/** How often the state is compared with the last sent one, in milliseconds. */
const STATE_INTERVAL_MS = 200;

/** A reader with a larger backlog is disconnected and has to start again, in bytes. */
const MAX_BACKLOG_BYTES = 64 * 1024 * 1024;

/**
 * Streams server-sent events: each entry of the journal as `entry`, beginning with the existing ones, and
 * the state as `state` whenever it has changed.
 *
 * The state is polled several times per second, because connections, clock, used-up faults and routes
 * change without a notification. Without readers nothing is polled.
 */
export function streamEvents(controlled: Controlled, response: ServerResponse): void {
  const { journal } = controlled;
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  const send = (type: 'entry' | 'state', json: string) => {
    if (response.writableLength > MAX_BACKLOG_BYTES) response.destroy();
    else response.write(`event: ${type}\ndata: ${json}\n\n`);
  };
  let sent: string | undefined;
  const sendState = () => {
    const state = JSON.stringify(controlState(controlled));
    if (state === sent) return;
    sent = state;
    send('state', state);
  };
  sendState();
  for (const entry of journal.entries) send('entry', JSON.stringify(entry));
  const stopListening = journal.listen((entry) => send('entry', JSON.stringify(entry)));
  const timer = setInterval(sendState, STATE_INTERVAL_MS).unref();
  response.once('close', () => {
    clearInterval(timer);
    stopListening();
  });
}
