import type { Connection } from '../../gateway/websocket/connection.js';
import { MAX_MESSAGE_BYTES } from '../../gateway/websocket/frame-limits.js';
import { POST_ROUTE } from './journal.js';
import { permissionsReport } from './permissions-report.js';
import { parseDuration, parseFault, RequestError } from './request.js';
import { type Controlled, controlState } from './state.js';

/** A request for an operation. */
export interface Call extends Controlled {
  /** The connection id in the path, for operations on a connection. */
  readonly connectionId: string;
  readonly body: Readonly<Record<string, unknown>>;
}

type Operation = (call: Call) => object | Promise<object>;

/** The operations of the control API, by method and path. An operation may throw a `RequestError`. */
export const operations: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ['GET state', controlState],
  ['GET permissions', ({ api }) => permissionsReport(api.access.credentials.permissions)],
  ['POST clock', advanceClock],
  ['GET faults', ({ api }) => ({ faults: api.faults.list })],
  ['POST faults', addFault],
  ['DELETE faults', clearFaults],
  ['POST connections/ID', post],
  ['DELETE connections/ID', closeConnection],
  ['DELETE environments', killEnvironments],
]);

function advanceClock({ api, body }: Call): object {
  api.clock.advance(parseDuration(body['by']));
  return { clockAheadMs: api.clock.aheadMs };
}

function addFault({ api, body }: Call): object {
  api.faults.add(parseFault(body));
  return { faults: api.faults.list };
}

function clearFaults({ api }: Call): object {
  api.faults.clear();
  return { faults: api.faults.list };
}

function post(call: Call): object {
  const { api, journal, connectionId, body } = call;
  const connection = openConnection(call);
  const { text } = body;
  if (typeof text !== 'string') {
    throw new RequestError(400, 'Send the frame as {"text":"…"}.');
  }
  const frame = Buffer.from(text);
  if (frame.length > MAX_MESSAGE_BYTES) {
    const limit = `${frame.length} bytes, more than the ${MAX_MESSAGE_BYTES} that may be posted`;
    throw new RequestError(413, `The frame has ${limit}.`);
  }
  if (connection.isFull) {
    throw new RequestError(429, `The connection "${connectionId}" does not read its messages.`);
  }
  const time = api.now();
  connection.lastActiveAt = time;
  connection.send(frame);
  const entry = { time, durationMs: 0, connectionId, frames: [text] };
  journal.record({ ...entry, route: POST_ROUTE, result: 'ok', detail: 'by hand' });
  return {};
}

function closeConnection(call: Call): object {
  openConnection(call).close(1000, 'Connection Closed Normally');
  return {};
}

async function killEnvironments({ functions }: Call): Promise<object> {
  if (!functions) {
    throw new RequestError(409, 'The functions behind this gateway run elsewhere.');
  }
  return { killed: await functions.killEnvironments() };
}

function openConnection({ api, connectionId }: Call): Connection {
  const connection = api.connections.get(connectionId);
  if (connection) return connection;
  throw new RequestError(404, `There is no open connection "${connectionId}".`);
}
