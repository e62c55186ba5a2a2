import type { ServerResponse } from 'node:http';
import { permissionsReport } from './permissions-report.js';
import { type Controlled, controlState } from './state.js';

/** How often the state is compared with the last sent one, in milliseconds. */
const STATE_INTERVAL_MS = 200;

/** A reader with a larger backlog is disconnected and has to start again, in bytes. */
const MAX_BACKLOG_BYTES = 64 * 1024 * 1024;

/**
 * Streams server-sent events: each entry of the journal as `entry`, beginning with the existing ones, and
 * the state as `state` and what is known about permissions as `permissions` whenever it has changed.
 *
 * Both are polled several times per second, because connections, clock, used-up faults and routes
 * change without a notification. Without readers nothing is polled.
 */
export function streamEvents(controlled: Controlled, response: ServerResponse): void {
  const { journal } = controlled;
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  const send = (type: string, json: string) => {
    if (response.writableLength > MAX_BACKLOG_BYTES) response.destroy();
    else response.write(`event: ${type}\ndata: ${json}\n\n`);
  };
  const sent = new Map<string, string>();
  const sendChanged = (type: 'state' | 'permissions', value: object) => {
    const json = JSON.stringify(value);
    if (sent.get(type) === json) return;
    sent.set(type, json);
    send(type, json);
  };
  const { permissions } = controlled.api.access.credentials;
  let changes: number | undefined;
  const sendState = () => {
    sendChanged('state', controlState(controlled));
    // The report compares every statement with every call.
    if (changes === permissions.changes) return;
    ({ changes } = permissions);
    sendChanged('permissions', permissionsReport(permissions));
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
